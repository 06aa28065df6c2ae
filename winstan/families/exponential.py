"""The exponential distribution: mean mu, variance mu^2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.grouped import IDENTITY
from winstan.families import gaussian
from winstan.families.auxiliary import mean
from winstan.families.cellwise import quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import divide_by_exp_offset
from winstan.families.support import positive_real
from winstan.families.tails import Cumulative, log_complement
from winstan.families.waiting_times import waiting_statistics

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
    """Count and mean of each cell."""
    own = dict(gaussian.statistics(sample, cell, n_cells))
    del own["ss_within"]
    return waiting_statistics("exponential", own)


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    log_mu = link.log_inverse(eta, xp)
    by_row = log_mu + stats["mean_y"] * xp.exp(-log_mu)
    return stats["log_constant"] - xp.dot(stats["n"], by_row)


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["n"] * (stats["mean_y"] - mu)
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), np.square(mu))


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    mu = link.inverse(eta)
    return -np.log(mu) - y / mu


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y)."""
    log_above = -y * xp.exp(-link.log_inverse(eta, xp))
    return log_complement(log_above, xp), log_above


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    return np.maximum(mu * rng.standard_exponential(mu.shape), np.finfo(float).tiny)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response."""
    return np.asarray(np.square(mu))


EXPONENTIAL = Family(
    name="exponential",
    aliases=("expon",),
    kind="positive",
    label="exponential",
    parameters=(mean("positive", "log", "identity", "inverse"),),
    template="waiting_times",
    support=positive_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(
        name="exponential",
        arguments="inv(mu{i})",
        by_link={"log": ("exponential", "exp(-eta{i})"), "inverse": ("exponential", "eta{i}")},
    ),
    pymc=Distribution(name="Exponential", arguments="scale=mu"),
    bambi=BambiFamily(name="exponential"),
    absorbs_offset={"log": divide_by_exp_offset},
    exponential_family=True,
    sufficient=(IDENTITY,),
    cumulative=Cumulative(code=5, log_tails=log_tails),
)
