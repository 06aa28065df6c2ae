"""The normal distribution: mean mu, standard deviation sigma."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.grouped import IDENTITY
from winstan.families.auxiliary import SIGMA, mean
from winstan.families.cellwise import quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import subtract_offset
from winstan.families.sample import sum_by
from winstan.families.support import any_real
from winstan.families.tails import Cumulative

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
    """Count, mean and sum of squares about it of each cell."""
    y = sample.y
    n = sample.by_cell(cell, n_cells)
    safe = np.where(n > 0, n, 1.0)
    # A second pass over the residuals removes the rounding of the first.
    center = np.average(y, weights=sample.weight) if y.size else 0.0
    means = center + sample.by_cell(cell, n_cells, y - center) / safe
    means = means + sample.by_cell(cell, n_cells, y - means[cell]) / safe
    ss = sample.by_cell(cell, n_cells, np.square(y - means[cell]))
    if sample.squares is not None:
        ss = ss + sum_by(cell, sample.squares, n_cells)
    return {"n": n, "mean_y": means, "ss_within": ss, "log_constant": sample.log_jacobian}


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    n, sigma = stats["n"], aux["sigma"]
    ss = stats["ss_within"] + n * xp.square(stats["mean_y"] - link.inverse(eta, xp))
    normaliser = xp.total(n * (0.5 * np.log(2 * np.pi) + xp.log(sigma)))
    return stats["log_constant"] - normaliser - 0.5 * xp.total(ss / xp.square(sigma))


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    excess = stats["n"] * (stats["mean_y"] - link.inverse(eta))
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), aux["sigma"] ** 2)


def score_of_sigma(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by sigma, shape (C,) each: 2 n / sigma^2 is the latter."""
    n, sigma = stats["n"], aux["sigma"]
    ss = stats["ss_within"] + n * np.square(stats["mean_y"] - link.inverse(eta))
    return ss / sigma**3 - n / sigma, 2 * n / np.square(sigma)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    z = (y - link.inverse(eta)) / aux["sigma"]
    return -0.5 * np.square(z) - np.log(aux["sigma"]) - 0.5 * np.log(2 * np.pi)


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y)."""
    z = (y - link.inverse(eta, xp)) / aux["sigma"]
    return xp.log_ndtr(z), xp.log_ndtr(-z)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    return mu + aux["sigma"] * rng.standard_normal(mu.shape)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response, whatever its mean."""
    return np.asarray(np.square(aux["sigma"]) + 0.0 * mu)


GAUSSIAN = Family(
    name="gaussian",
    aliases=("normal", "gauss"),
    kind="real",
    label="normal",
    parameters=(mean("real", "identity", "log", "inverse"), SIGMA),
    template="gaussian",
    support=any_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"sigma": score_of_sigma},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="normal", arguments="mu{i}, sigma"),
    pymc=Distribution(name="Normal", arguments="mu=mu, sigma=sigma"),
    bambi=BambiFamily(name="gaussian", weighted=True),
    absorbs_offset={"identity": subtract_offset},
    noise="sigma",
    conjugate=True,
    exponential_family=True,
    usual=True,
    sufficient=(IDENTITY,),
    cumulative=Cumulative(code=1, log_tails=log_tails),
)
