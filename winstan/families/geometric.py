"""The geometric distribution: counts from zero up of mean mu, variance mu + mu^2.

It is the negative binomial of shape one, of which count and sum of y are sufficient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import negative_binomial
from winstan.families.auxiliary import mean
from winstan.families.cellwise import quasi_score
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.rising import rising_statistics
from winstan.families.support import counts
from winstan.families.tails import Cumulative, log_complement

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count and sum of y per cell; the rising factorials are those of y, which leave nothing."""
    return {
        "linear": 0,
        "n": sample.by_cell(cell, n_cells),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        **rising_statistics(np.zeros(0), np.zeros(0)),
        "log_constant": sample.log_jacobian,
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    n, sum_y, log_mu = stats["n"], stats["sum_y"], link.log_inverse(eta, xp)
    beyond = xp.dot(sum_y + n, xp.log1p(xp.exp(log_mu)))
    return xp.dot(sum_y, log_mu) - beyond + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu + np.square(mu))


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    mu = link.inverse(eta)
    return special.xlogy(y, mu) - (y + 1) * np.log1p(mu)


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y), of whole numbers."""
    log_mu = link.log_inverse(eta, xp)
    above = (y + 1.0) * (log_mu - xp.log1p(xp.exp(log_mu)))
    return log_complement(above, xp), above


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    return negative_binomial.draw(rng, mu, {"alpha": 1.0}, trials)


def variance(mu: Array) -> Array:
    """Variance of a count."""
    return np.maximum(mu, 1e-300) * (1 + mu)


def excess_kurtosis(mu: Array, size: Array) -> Array:
    """Excess kurtosis of a count."""
    return 6 + 1 / variance(mu)


GEOMETRIC = Family(
    name="geometric",
    aliases=("geom",),
    kind="count",
    label="geometric",
    parameters=(mean("positive", "log", "identity", "sqrt"),),
    template="negative_binomial",
    support=counts,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="neg_binomial_2",
        arguments="mu{i}, 1",
        by_link={"log": ("neg_binomial_2_log", "eta{i}, 1")},
    ),
    # Its own Geometric counts trials, from one up.
    pymc=Distribution(name="NegativeBinomial", arguments="mu=mu, alpha=1"),
    exponential_family=True,
    variance=variance,
    excess_kurtosis=excess_kurtosis,
    wider="negative_binomial",
    cumulative=Cumulative(code=7, log_tails=log_tails),
)
