"""The beta-binomial distribution: successes among trials, of a probability that varies by row.

That probability is beta, of mean mu and precision phi. With the shapes a = mu phi and
b = (1 - mu) phi, a row of y successes and f failures among n trials has the binomial's density
times the rising factorials (`winstan.families.rising`) of y by a and of f by b, over that of n by
phi. Nothing cancels where phi is large and successes are all but binomial; and each factorial is of
one number, so that a cell needs three tallies and none of pairs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import binomial
from winstan.families.auxiliary import mean
from winstan.families.beta import LARGEST_PHI, PHI, draw_shares, information_of_phi
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.rising import log_rising
from winstan.families.trials import log_rising_of, rising_slopes_of, rising_tally

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample

# Shapes are divided by, and far out they round to zero.
SMALLEST = 1e-300


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Trials and successes per cell, and tallies of successes, of failures and of trials."""
    assert sample.size is not None
    failures, trials = replace(sample, y=sample.size - sample.y), replace(sample, y=sample.size)
    return {
        "inflated": 0,
        **binomial.statistics(sample, cell, n_cells),
        "n_rows": sample.by_cell(cell, n_cells),
        **rising_tally("success", sample, cell),
        **rising_tally("failure", failures, cell),
        # Of one phi, the factorials of trials are those of all cells.
        **rising_tally("trials", trials, cell, by_cell="phi" in predicted),
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    phi = xp.minimum(aux["phi"], LARGEST_PHI)
    a, b = _shapes(eta, phi, link, xp)
    return (
        binomial.log_likelihood(stats, eta, aux, link, xp)
        + log_rising_of("success", stats, a, xp)
        + log_rising_of("failure", stats, b, xp)
        - log_rising_of("trials", stats, phi, xp)
    )


def _shapes(eta: Any, phi: Any, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return a = mu phi and b = (1 - mu) phi, shape (C,) each."""
    log_p, log_q = binomial.log_probabilities(eta, link, xp)
    a, b = (-xp.minimum(-phi * xp.exp(log_share), -SMALLEST) for log_share in (log_p, log_q))
    return a, b


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by eta, shape (C,) each.

    The information is between that of the variance alone (McCullagh and Nelder 1989, section 9.2)
    and that of many trials, a beta's; all are one of a single trial, and of a large phi.
    """
    phi, slope = np.minimum(aux["phi"], LARGEST_PHI), link.inverse_derivative(eta)
    a, b = _shapes(eta, phi, link)
    mu, rest = np.maximum(a / phi, SMALLEST), np.maximum(b / phi, SMALLEST)
    by_mu = (
        stats["sum_y"] / mu
        - (stats["n"] - stats["sum_y"]) / rest
        + phi * (rising_slopes_of("success", stats, a) - rising_slopes_of("failure", stats, b))
    )
    n = np.maximum(stats["n"] / np.maximum(stats["n_rows"], SMALLEST), 1.0)  # trials of a row
    of_beta = np.square(phi) * (special.polygamma(1, a) + special.polygamma(1, b))
    least = mu * rest / n + (1 - 1 / n) / of_beta
    most = mu * rest * (1 + (n - 1) / (1 + phi)) / n
    return by_mu * slope, stats["n_rows"] * np.square(slope) / np.sqrt(least * most)


def score_of_phi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by a phi of each cell, shape (C,) each.

    The information is a beta's, times two factors: few trials tell little of a large phi, and of a
    small one, where they are nearly all successes or all failures.
    """
    phi = np.minimum(aux["phi"], LARGEST_PHI)
    a, b = _shapes(eta, phi, link)
    mu, rest = a / phi, b / phi
    score = (
        mu * rising_slopes_of("success", stats, a)
        + rest * rising_slopes_of("failure", stats, b)
        - rising_slopes_of("trials", stats, phi)
    )
    n = np.maximum(stats["n"] / np.maximum(stats["n_rows"], SMALLEST), 1.0)
    pairs = np.sqrt(n * (n - 1)) + 1e-3
    some = 2 * phi * mu * rest * (special.psi(n + 1) + np.euler_gamma)  # of both, where it is small
    factors = np.square(pairs / (pairs + phi)) * some / (1 + some)
    return score, information_of_phi(stats["n_rows"], a, b) * np.maximum(factors, SMALLEST)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    phi = np.minimum(aux["phi"], LARGEST_PHI)
    a, b = _shapes(eta, phi, link)
    rising = _log_rising(y, a) + _log_rising(trials - y, b) - _log_rising(trials, phi)
    return binomial.log_density(y, eta, aux, link, trials) + rising


def _log_rising(y: Array, shape: Array) -> Array:
    """Log of the product of 1 + k / shape over k < y, elementwise."""
    # At zero there is no factor, and the series is not of it.
    return np.where(y > 0, log_rising(np.maximum(y, 1.0), shape), 0.0)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a number of successes for each mean probability."""
    return binomial.draw(rng, draw_shares(rng, mu, aux["phi"]), aux, trials)


BETA_BINOMIAL = Family(
    name="beta_binomial",
    aliases=("betabinomial", "beta_binomial2", "betabinom", "bb"),
    kind="successes",
    label="beta-binomial",
    parameters=(mean("unit", "logit", "probit", "cloglog"), PHI),
    template="trials",
    support=binomial.support,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"phi": score_of_phi},
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="beta_binomial", arguments="{trials}{i}, mu{i} * phi, (1 - mu{i}) * phi"
    ),
    pymc=Distribution(
        name="BetaBinomial", arguments="n={trials}, alpha=mu * phi, beta=(1 - mu) * phi"
    ),
    bambi=BambiFamily(name="beta_binomial", names={"phi": "kappa"}),
    usual=True,
)
