"""The Poisson distribution: mean mu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.auxiliary import mean
from winstan.families.cellwise import log_factorial, quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import offset_to_exposure
from winstan.families.support import counts
from winstan.families.tails import Cumulative, gamma_log_tails

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample

# NumPy's Poisson draws are 64-bit integers. Above this mean a normal stands for it: the skewness,
# 1 / sqrt(mean), is then below 1e-9, and doubles are further apart than one.
LARGEST_POISSON = 1e18


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Exposure and sum of y per cell."""
    constant = sample.log_jacobian - sample.total(log_factorial(sample.y))
    if sample.size is not None:
        constant += sample.total(special.xlogy(sample.y, sample.size))
    return {
        "n": sample.by_cell(cell, n_cells, sample.size),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "log_constant": constant,
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    log_mu = link.log_inverse(eta, xp)
    kernel = xp.dot(stats["sum_y"], log_mu) - xp.dot(stats["n"], xp.exp(log_mu))
    return kernel + stats["log_constant"]


def score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    mu = link.inverse(eta)
    return special.xlogy(y, mu) - mu - special.gammaln(y + 1)


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y), of whole numbers."""
    # As many events as y + 1 take longer than mu, or not.
    below, above = gamma_log_tails(y + 1.0, xp.exp(link.log_inverse(eta, xp)), xp)
    return above, below


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    small = mu <= LARGEST_POISSON
    out = rng.poisson(np.where(small, mu, 0.0)).astype(float)
    normal = ~small & np.isfinite(mu)
    large = mu[normal]
    out[normal] = large + np.sqrt(large) * rng.standard_normal(large.size)
    out[np.isinf(mu)] = np.inf
    return out


def variance(mu: Array) -> Array:
    """Variance of the count of a unit of exposure."""
    return np.maximum(mu, 1e-300)


def excess_kurtosis(mu: Array, size: Array) -> Array:
    """Excess kurtosis of a row's count, of this exposure."""
    return 1 / (size * variance(mu))


POISSON = Family(
    name="poisson",
    kind="count",
    label="Poisson",
    parameters=(mean("positive", "log", "identity", "sqrt"),),
    template="poisson",
    support=counts,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="poisson", arguments="mu{i}", by_link={"log": ("poisson_log", "eta{i}")}
    ),
    pymc=Distribution(name="Poisson", arguments="mu=mu"),
    bambi=BambiFamily(name="poisson", weighted=True),
    absorbs_offset={"log": offset_to_exposure},
    variance=variance,
    excess_kurtosis=excess_kurtosis,
    wider="negative_binomial",
    zeros=("zero_inflated_poisson", "hurdle_poisson"),
    exponential_family=True,
    usual=True,
    cumulative=Cumulative(code=4, log_tails=log_tails),
)
