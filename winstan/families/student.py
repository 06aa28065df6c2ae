"""Student's t: location mu, scale sigma, nu degrees of freedom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.auxiliary import NU, SIGMA, mean
from winstan.families.family import BambiFamily, Distribution, Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import subtract_offset
from winstan.families.sample import sum_by
from winstan.families.support import any_real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.family import Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Return a tally of the distinct (cell, value) pairs: the t has no sufficient statistics."""
    order = np.lexsort((sample.y, cell))
    by_cell, by_value = cell[order], sample.y[order]
    new = np.ones(order.size, bool)
    new[1:] = (np.diff(by_cell) != 0) | (np.diff(by_value) != 0)
    weight = None if sample.weight is None else sample.weight[order]
    tally = sum_by(np.cumsum(new) - 1, weight, 0)
    return {
        "V": int(np.count_nonzero(new)),
        "cell": by_cell[new] + 1,  # Stan counts from one
        "value": by_value[new],
        "tally": tally,
        "log_constant": sample.log_jacobian,
    }


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    """Log density of all rows."""
    sigma, nu, tally = aux["sigma"], aux["nu"], stats["tally"]
    z = (stats["value"] - link.inverse(eta, xp)[stats["cell"] - 1]) / sigma
    normaliser = (
        xp.gammaln(0.5 * (nu + 1)) - xp.gammaln(0.5 * nu) - 0.5 * xp.log(nu * np.pi) - xp.log(sigma)
    )
    kernel = xp.dot(tally, xp.log1p(xp.square(z) / nu))
    return float(tally.sum()) * normaliser - 0.5 * (nu + 1) * kernel + stats["log_constant"]


def score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each (Lange, Little and Taylor 1989)."""
    sigma, nu, cell, tally = aux["sigma"], aux["nu"], stats["cell"] - 1, stats["tally"]
    residual = stats["value"] - link.inverse(eta)[cell]
    pull = tally * (nu + 1) / (nu + np.square(residual / sigma)) * residual / sigma**2
    slope = link.inverse_derivative(eta)
    n = np.bincount(cell, tally, minlength=eta.size)
    information = n * np.square(slope) * (nu + 1) / (nu + 3) / sigma**2
    return np.bincount(cell, pull, minlength=eta.size) * slope, information


def log_density(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    sigma, nu = aux["sigma"], aux["nu"]
    z = (y - link.inverse(eta)) / sigma
    # gamma((nu + 1) / 2) / gamma(nu / 2), without the difference of two large logarithms.
    normaliser = -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
    return normaliser - 0.5 * (nu + 1) * np.log1p(np.square(z) / nu)


def draw(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    """Draw a response for each location."""
    return mu + aux["sigma"] * rng.standard_t(aux["nu"], mu.shape)


STUDENT = Family(
    name="student",
    aliases=("t", "student_t", "students_t", "studentt", "t_family", "scat"),
    kind="real",
    label="Student's t",
    parameters=(mean("real", "identity", "log", "inverse"), SIGMA, NU),
    template="student",
    support=any_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    stan=Distribution(name="student_t", arguments="nu, mu{i}, sigma"),
    pymc=Distribution(name="StudentT", arguments="nu=nu, mu=mu, sigma=sigma"),
    bambi=BambiFamily(name="t"),
    absorbs_offset={"identity": subtract_offset},
    noise="sigma",
    tails="nu",
)
