"""The shifted lognormal: log(y - ndt) is normal with mean mu and standard deviation sigma.

The shift ndt lies between zero and the least response of the data. It is sampled, and has its
prior, as a share of that. The density vanishes as a response comes down to the shift.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import gaussian
from winstan.families.auxiliary import SIGMA, mean, share
from winstan.families.cellwise import by_cell, of_rows, rows_by_cell
from winstan.families.distribution import Distribution
from winstan.families.family import ACCEPT_EDGE, Family
from winstan.families.namespace import NUMPY
from winstan.families.reaction_times import reaction_statistics
from winstan.families.support import positive_real
from winstan.families.tails import Cumulative

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


# What stands for no time beyond the shift: no response has that.
_NONE = 1e-300


def _least(sample: Sample) -> float:
    """Return the least response, of rows that count."""
    rows = sample.y if sample.weight is None else sample.y[sample.weight > 0]
    return float(rows.min(initial=np.inf))


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Return a tally of the distinct (cell, value) pairs, and the least value."""
    return reaction_statistics("shifted_lognormal", sample, cell, _least(sample))


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    cell = stats["cell"] - 1
    log_y = xp.log(stats["value"] - stats["least"] * aux["ndt"])
    sigma = of_rows(aux["sigma"], cell)
    z = (log_y - link.inverse(eta, xp)[cell]) / sigma
    by_row = log_y + xp.log(sigma) + 0.5 * xp.square(z) + 0.5 * np.log(2 * np.pi)
    return stats["log_constant"] - xp.dot(stats["tally"], by_row)


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    by_row = _residual(stats, eta, aux, link)
    n, slope = rows_by_cell(stats, eta.size), link.inverse_derivative(eta)
    variance = np.square(aux["sigma"])
    score = by_cell(stats, by_row, eta.size) / variance
    return score * slope, n * np.square(slope) / variance


def score_of_sigma(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by sigma, shape (C,) each."""
    n, sigma = rows_by_cell(stats, eta.size), aux["sigma"]
    squares = by_cell(stats, np.square(_residual(stats, eta, aux, link)), eta.size)
    return squares / sigma**3 - n / sigma, 2 * n / np.square(sigma)


def _residual(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    log_y = np.log(stats["value"] - stats["least"] * aux["ndt"])
    residual: Array = log_y - link.inverse(eta)[stats["cell"] - 1]
    return residual


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows; none below the shift."""
    beyond = y - aux["ndt"]
    log_y = np.log(np.where(beyond > 0, beyond, 1.0))
    return np.where(
        beyond > 0, gaussian.log_density(log_y, eta, aux, link, trials) - log_y, -np.inf
    )


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y): none is at the shift, or below it."""
    beyond = y - aux["ndt"]
    log_y = xp.log(xp.where(beyond > _NONE, beyond, _NONE))
    z = (log_y - link.inverse(eta, xp)) / aux["sigma"]
    return xp.log_ndtr(z), xp.log_ndtr(-z)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean of the logarithm."""
    return aux["ndt"] + np.exp(gaussian.draw(rng, mu, aux, trials))


def response_mean(mu: Array, aux: Aux) -> Array:
    """Mean of the response, shift included."""
    return aux["ndt"] + np.exp(mu + 0.5 * np.square(aux["sigma"]))


def scale_part(sample: Sample) -> Sample:
    """Return log(y - ndt) where the search for ndt starts, half way up to the least response."""
    return replace(sample, y=np.log(sample.y - 0.5 * _least(sample)))


SHIFTED_LOGNORMAL = Family(
    name="shifted_lognormal",
    aliases=("shifted_log_normal", "shiftedlognormal", "slognorm"),
    kind="positive",
    label="shifted lognormal",
    parameters=(
        mean("real", "identity", label="mean of the logarithm beyond the shift"),
        SIGMA,
        replace(share("ndt", "shift"), bound="least"),
    ),
    template="reaction_times",
    support=positive_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"sigma": score_of_sigma},
    log_density=log_density,
    draw=draw,
    stan=Distribution(name="lognormal", arguments="mu{i}, sigma", of="{y} - ndt"),
    pymc=Distribution(name="LogNormal", arguments="mu=mu, sigma=sigma", of="{y} - ndt"),
    response_mean=response_mean,
    mean_link="log",
    # The exponential is analytic everywhere; the shift beside it leaves no link to follow.
    mean_strip=np.pi,
    scale_part=scale_part,
    dense_metric=True,
    profiled="ndt",
    target_accept=ACCEPT_EDGE,
    cumulative=Cumulative(code=10, log_tails=log_tails, scale="sigma"),
)
