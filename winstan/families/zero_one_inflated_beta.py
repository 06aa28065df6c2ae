"""The zero-one-inflated beta distribution: at an end with probability zoi, there 1 with coi.

P(0) = zoi (1 - coi), P(1) = zoi coi, and else beta of mean mu and precision phi. The parts share no
parameter: the ends tell nothing of mu.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import beta
from winstan.families.auxiliary import mean, share
from winstan.families.distribution import Distribution
from winstan.families.namespace import NUMPY
from winstan.families.unit_ends import UnitEnds, beta_score, unit_ends
from winstan.families.zeros import LEAST, log_odds

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace


def log_shares(eta: Any, aux: Aux, xp: Namespace = NUMPY) -> tuple[Any, Any, Any]:
    """Return the log probabilities of 0, of 1, and of what is between."""
    at_end, between = log_odds(aux["zoi"], xp)
    at_one, at_zero = log_odds(aux["coi"], xp)
    zero = at_end + between + at_zero
    return zero, zero + at_one, between


def score_of_zoi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by zoi, shape (C,) each."""
    return _of_share(stats["n_zero"] + stats["n_one"], stats["n"], aux["zoi"])


def score_of_coi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by coi, of as many rows at the ends as there are, shape (C,) each."""
    slope, information = _of_share(stats["n_one"], stats["n_zero"], aux["coi"])
    # A cell without such rows tells next to nothing of it.
    return slope, np.maximum(information, LEAST * stats["n"])


def _of_share(yes: Array, no: Array, p: Any) -> tuple[Array, Array]:
    return yes / p - no / (1 - p), (yes + no) / (p * (1 - p))


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean between the ends."""
    at_end = rng.random(mu.shape) < aux["zoi"]
    one = rng.random(mu.shape) < aux["coi"]
    return np.where(at_end, one.astype(float), beta.draw(rng, mu, aux, trials))


def response_mean(mu: Array, aux: Aux) -> Array:
    """Mean of all responses, zeros and ones among them."""
    return aux["zoi"] * aux["coi"] + (1 - aux["zoi"]) * mu


ZERO_ONE_INFLATED_BETA = unit_ends(
    "zero_one_inflated_beta",
    UnitEnds(ordered=False, log_shares=log_shares),
    score=partial(beta_score, beta.score),
    scores={"zoi": score_of_zoi, "coi": score_of_coi},
    aliases=("zoib", "zero_one_inflated", "zeroone_inflated_beta", "beinf"),
    label="zero-one-inflated beta",
    parameters=(
        mean("unit", "logit", "probit", "cloglog", label="mean of what is neither 0 nor 1"),
        beta.PHI,
        share("zoi", "probability of a zero or a one"),
        share("coi", "probability of a one among these"),
    ),
    draw=draw,
    stan=Distribution(
        name="beta_proportion",
        arguments="mu{i}, phi",
        zero="log(zoi) + log1m(coi)",
        one="log(zoi) + log(coi)",
        above="log1m(zoi) + {y}",
    ),
    pymc=Distribution(
        name="Beta",
        arguments="mu=mu, nu=phi",
        zero="pm.math.log(zoi) + pm.math.log1p(-coi)",
        one="pm.math.log(zoi) + pm.math.log(coi)",
        above="pm.math.log1p(-zoi) + {y}",
    ),
    response_mean=response_mean,
)
