"""The ordered beta distribution: shares whose ends lie beyond two cutpoints of one predictor.

With F the standard logistic distribution function and cutpoints c1 = cutzero and
c2 = cutzero + cutgap: P(0) = 1 - F(eta - c1), P(1) = F(eta - c2), and else beta of mean mu = F(eta)
and precision phi. What moves mu moves the ends too. F(eta - c1) - F(eta - c2) is
F(eta - c1) (1 - F(eta - c2)) (1 - exp(-cutgap)), without a difference.

References
----------
Kubinec (2023), Ordered beta regression: a parsimonious, well-fitting model for continuous data with
lower and upper bounds, Political Analysis 31, 519-536.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import beta
from winstan.families.auxiliary import mean
from winstan.families.distribution import Distribution
from winstan.families.family import ACCEPT_OPEN
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.unit_ends import UnitEnds, beta_score, unit_ends
from winstan.priors import Gamma, Normal

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace


def log_shares(eta: Any, aux: Aux, xp: Namespace = NUMPY) -> tuple[Any, Any, Any]:
    """Return the log probabilities of 0, of 1, and of what is between."""
    above_lower = eta - aux["cutzero"]
    above_upper = above_lower - aux["cutgap"]
    between = xp.log_expit(above_lower) + xp.log_expit(-above_upper)
    return (
        xp.log_expit(-above_lower),
        xp.log_expit(above_upper),
        between + xp.log(-xp.expm1(-aux["cutgap"])),
    )


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each.

    The beta's part of the information is of as many rows between the ends as there are.
    """
    slope, information = beta_score(beta.score, stats, eta, aux, link)
    lower = special.expit(eta - aux["cutzero"])
    upper = special.expit(eta - aux["cutzero"] - aux["cutgap"])
    slope += stats["n_one"] * (1 - upper) - stats["n_zero"] * lower
    slope += stats["n"] * (1 - lower - upper)
    rows = stats["n"] + stats["n_zero"] + stats["n_one"]
    between = -np.expm1(-aux["cutgap"]) * lower * (1 - upper)
    by_row = (
        np.square(lower) * (1 - lower)
        + np.square(1 - upper) * upper
        + between * np.square(1 - lower - upper)
    )
    return slope, information + rows * by_row


def _shares(mu: Array, aux: Aux) -> tuple[Array, Array, Array]:
    """Return the probabilities of 0, of 1, and of what is between, by the mean of that."""
    with np.errstate(divide="ignore"):
        eta = special.logit(mu)
    zero, one, between = log_shares(eta, aux)
    return np.exp(zero), np.exp(one), np.exp(between)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean between the ends."""
    zero, one, _ = _shares(mu, aux)
    u = rng.random(mu.shape)
    within = beta.draw(rng, mu, aux, trials)
    return np.where(u < zero, 0.0, np.where(u >= 1 - one, 1.0, within))


def response_mean(mu: Array, aux: Aux) -> Array:
    """Mean of all responses, zeros and ones among them."""
    _, one, between = _shares(mu, aux)
    return one + between * mu


CUTZERO = Parameter(
    name="cutzero",
    domain="real",
    label="cutpoint between zero and what is above it, in log odds",
    # About a share of 1/2, nine tenths of the probabilities of a zero are between 0.002 and 0.9.
    default_prior=Normal(-2.0, 2.5),
    start=-2.0,
)
CUTGAP = Parameter(
    name="cutgap",
    domain="positive",
    label="distance from there to the cutpoint below one",
    # Nine tenths between 0.7 and 9.5: ends may be as likely as all else, or one row in a thousand.
    default_prior=Gamma(2.0, 0.5),
    start=4.0,
)

ORDERED_BETA = unit_ends(
    "ordered_beta",
    UnitEnds(ordered=True, log_shares=log_shares),
    score=score,
    aliases=("ordbeta", "ordbetareg", "ord_beta", "ordered_beta_regression"),
    label="ordered beta",
    # Of another link the cutpoints would have another unit; the distribution is defined by this.
    parameters=(mean("unit", "logit"), beta.PHI, CUTZERO, CUTGAP),
    draw=draw,
    stan=Distribution(
        name="beta_proportion",
        arguments="mu{i}, phi",
        zero="log1m_inv_logit(eta{i} - cutzero)",
        one="log_inv_logit(eta{i} - cutzero - cutgap)",
        above="log_inv_logit(eta{i} - cutzero) + log1m_inv_logit(eta{i} - cutzero - cutgap) "
        "+ log1m_exp(-cutgap) + {y}",
    ),
    pymc=Distribution(
        name="Beta",
        arguments="mu=mu, nu=phi",
        zero="-pm.math.log1pexp(eta - cutzero)",
        one="-pm.math.log1pexp(cutzero + cutgap - eta)",
        above="pm.math.log(1 - pm.math.exp(-cutgap)) - pm.math.log1pexp(cutzero - eta) "
        "- pm.math.log1pexp(eta - cutzero - cutgap) + {y}",
    ),
    response_mean=response_mean,
    # The logistic function's poles are pi from the line, and between them it is bounded.
    mean_strip=np.pi,
    # Of few shares between the ends one level's phi is open: 10 of 80 such fits had divergences.
    accept_predicted={"phi": ACCEPT_OPEN},
)
