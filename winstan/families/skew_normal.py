"""The skew normal distribution: mean mu, standard deviation sigma, slant alpha.

With delta = alpha / sqrt(1 + alpha^2), shift m = delta sqrt(2 / pi) and width c = sqrt(1 - m^2),
z = m + c (y - mu) / sigma has the log density log 2 - z^2 / 2 - log(2 pi) / 2 + log Phi(alpha z),
and y that and log(c / sigma) (Azzalini 1985, Scandinavian Journal of Statistics 12, 171-178).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import SIGMA, mean
from winstan.families.cellwise import of_rows
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import subtract_offset
from winstan.families.parameter import Parameter
from winstan.families.reaction_times import (
    by_cell,
    inverse_mills,
    reaction_statistics,
    residual_rows,
    rows_by_cell,
)
from winstan.families.support import any_real
from winstan.priors import Normal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample
    from winstan.priors import Prior


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Return a tally of the distinct (cell, value) pairs."""
    return reaction_statistics("skew_normal", sample, cell)


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    """Log density of all rows."""
    cell = stats["cell"] - 1
    residual = stats["value"] - link.inverse(eta, xp)[cell]
    by_row = _density(residual, of_rows(aux["sigma"], cell), of_rows(aux["alpha"], cell), xp)
    return xp.dot(stats["tally"], by_row) + stats["log_constant"]


def _density(residual: Any, sigma: Any, alpha: Any, xp: Namespace) -> Any:
    shift, width = _standard(alpha)
    z = shift + width * residual / sigma
    normaliser = 0.5 * np.log(2 / np.pi) + xp.log(width / sigma)
    return normaliser - 0.5 * xp.square(z) + xp.log_ndtr(alpha * z)


def _standard(alpha: Any) -> tuple[Any, Any]:
    """Return the shift and the width of a variable of mean zero and sd one."""
    shift = np.sqrt(2 / np.pi) * alpha * (1 + alpha * alpha) ** -0.5
    return shift, (1 - shift * shift) ** 0.5


def score(stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by eta, shape (C,) each.

    The information is exact as alpha tends to zero and to infinity, and between good to a tenth.
    """
    _, residual, own = residual_rows(stats, eta, aux, link)
    shift, width = _standard(own["alpha"])
    z = shift + width * residual / own["sigma"]
    by_row = width / own["sigma"] * (z - own["alpha"] * inverse_mills(own["alpha"] * z))
    slope = link.inverse_derivative(eta)
    square = np.square(aux["alpha"])
    more = 2 / np.pi * square / np.sqrt(1 + 0.78 * square)
    each = (1 + more) * np.square(_standard(aux["alpha"])[1] / aux["sigma"])
    information = rows_by_cell(stats, eta.size) * each * np.square(slope)
    return by_cell(stats, by_row, eta.size) * slope, information


def score_of_sigma(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score and about the expected information by sigma, shape (C,) each: that of a normal."""
    _, residual, own = residual_rows(stats, eta, aux, link)
    shift, width = _standard(own["alpha"])
    t = residual / own["sigma"]
    z = shift + width * t
    by_row = (width * t * (z - own["alpha"] * inverse_mills(own["alpha"] * z)) - 1) / own["sigma"]
    information = 2 * rows_by_cell(stats, eta.size) / np.square(aux["sigma"])
    return by_cell(stats, by_row, eta.size), information


def score_of_alpha(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score by alpha, and a positive number near its expected information, shape (C,) each.

    At an alpha of zero the information itself is zero: the mean and the sd are given, and the
    skewness grows with its third power.
    """
    _, residual, own = residual_rows(stats, eta, aux, link)
    alpha = own["alpha"]
    shift, width = _standard(alpha)
    by_shift = np.sqrt(2 / np.pi) * (1 + np.square(alpha)) ** -1.5
    by_width = -shift * by_shift / width
    z = shift + width * residual / own["sigma"]
    mills = inverse_mills(alpha * z)
    z_slope = by_shift + by_width * residual / own["sigma"]
    by_row = by_width / width + z_slope * (alpha * mills - z) + z * mills
    square = np.square(aux["alpha"])
    information = rows_by_cell(stats, eta.size) * (0.02 + 0.1 * square) / (1 + square) ** 2.5
    return by_cell(stats, by_row, eta.size), information


def log_density(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    density: Array = _density(y - link.inverse(eta), aux["sigma"], aux["alpha"], NUMPY)
    return density


def draw(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    """Draw a response for each mean: a normal and half a normal."""
    shift, width = _standard(aux["alpha"])
    delta = np.sqrt(np.pi / 2) * shift
    half = delta * np.abs(rng.standard_normal(mu.shape))
    other = (1 + np.square(aux["alpha"])) ** -0.5 * rng.standard_normal(mu.shape)
    return mu + aux["sigma"] / width * (half + other - shift)


def _prior_of_alpha(scale: float) -> Prior:
    return Normal(0.0, 4.0)


def _zero(scale: float) -> float:
    return 0.0


SLANT = Parameter(
    name="alpha",
    domain="real",
    label="slant",
    default_prior=_prior_of_alpha,
    start=_zero,
    link_sd=4.0,
)

SKEW_NORMAL = Family(
    name="skew_normal",
    aliases=("skewnormal", "skewnorm", "snorm"),
    kind="real",
    label="skew normal",
    parameters=(mean("real", "identity", "log", "inverse"), SIGMA, SLANT),
    template="reaction_times",
    support=any_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"sigma": score_of_sigma, "alpha": score_of_alpha},
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="skew_normal_mean",
        arguments="mu{i}, sigma, alpha",
        definition=(
            "real skew_normal_mean_lpdf(real y, real mu, real sigma, real alpha) {",
            "  real m = sqrt(2 / pi()) * alpha / sqrt(1 + square(alpha));",
            "  real omega = sigma / sqrt(1 - square(m));",
            "  return skew_normal_lpdf(y | mu - omega * m, omega, alpha);",
            "}",
        ),
    ),
    pymc=Distribution(
        name="SkewNormal",
        arguments=(
            "mu=mu - sigma * alpha * (np.pi / 2 * (1 + alpha**2) - alpha**2) ** -0.5, "
            "sigma=sigma * (1 - 2 / np.pi * alpha**2 / (1 + alpha**2)) ** -0.5, alpha=alpha"
        ),
    ),
    absorbs_offset={"identity": subtract_offset},
    dense_metric=True,
)
