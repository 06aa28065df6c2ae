"""Student's t: location mu, scale sigma, nu degrees of freedom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.auxiliary import NU, SIGMA, mean
from winstan.families.cellwise import by_cell, of_rows, rows_by_cell, tally_by_cell
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.elliptical import Elliptical
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import subtract_offset
from winstan.families.support import any_real
from winstan.families.tails import Cumulative, student_log_tails

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
    """Return a tally of the distinct (cell, value) pairs: the t has no sufficient statistics."""
    return tally_by_cell(sample, cell) | {"log_constant": sample.log_jacobian}


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    cell, tally = stats["cell"] - 1, stats["tally"]
    sigma, nu = of_rows(aux["sigma"], cell), of_rows(aux["nu"], cell)
    z = (stats["value"] - link.inverse(eta, xp)[cell]) / sigma
    normaliser = (
        xp.gammaln(0.5 * (nu + 1)) - xp.gammaln(0.5 * nu) - 0.5 * xp.log(nu * np.pi) - xp.log(sigma)
    )
    kernel = 0.5 * (nu + 1) * xp.log1p(xp.square(z) / nu)
    return xp.total(tally * normaliser) - xp.total(tally * kernel) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each (Lange, Little and Taylor 1989)."""
    sigma, nu, residual = _rows(stats, eta, aux, link)
    by_row = (nu + 1) / (nu + np.square(residual / sigma)) * residual / sigma**2
    slope = link.inverse_derivative(eta)
    n = rows_by_cell(stats, eta.size)
    information = n * np.square(slope) * (aux["nu"] + 1) / (aux["nu"] + 3) / aux["sigma"] ** 2
    return by_cell(stats, by_row, eta.size) * slope, information


def score_of_sigma(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by sigma, shape (C,) each."""
    sigma, nu, residual = _rows(stats, eta, aux, link)
    square = np.square(residual / sigma)
    by_row = ((nu + 1) * square / (nu + square) - 1) / sigma
    n = rows_by_cell(stats, eta.size)
    information = 2 * n * aux["nu"] / ((aux["nu"] + 3) * np.square(aux["sigma"]))
    return by_cell(stats, by_row, eta.size), information


def score_of_nu(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by nu, shape (C,) each (Lange, Little and Taylor 1989)."""
    sigma, nu, residual = _rows(stats, eta, aux, link)
    square = np.square(residual / sigma)
    half = special.digamma(0.5 * (nu + 1)) - special.digamma(0.5 * nu) - 1 / nu
    rest = (nu + 1) * square / (nu * (nu + square)) - np.log1p(square / nu)
    n, nu = rows_by_cell(stats, eta.size), aux["nu"]
    spread = special.polygamma(1, 0.5 * nu) - special.polygamma(1, 0.5 * (nu + 1))
    information = n * (0.25 * spread - 0.5 * (nu + 5) / (nu * (nu + 1) * (nu + 3)))
    return by_cell(stats, 0.5 * (half + rest), eta.size), information


def _rows(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Any, ...]:
    """Sigma, nu and residual of each pair of cell and value."""
    cell = stats["cell"] - 1
    sigma, nu = of_rows(aux["sigma"], cell), of_rows(aux["nu"], cell)
    return sigma, nu, stats["value"] - link.inverse(eta)[cell]


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    sigma, nu = aux["sigma"], aux["nu"]
    z = (y - link.inverse(eta)) / sigma
    # gamma((nu + 1) / 2) / gamma(nu / 2), without the difference of two large logarithms.
    normaliser = -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
    return normaliser - 0.5 * (nu + 1) * np.log1p(np.square(z) / nu)


def of_unit(square: Any, n: Any, aux: Aux, xp: Namespace = NUMPY) -> Any:
    """Log density of a unit's n rows: the multivariate t, of one heavy tail for all of them."""
    nu = aux["nu"]
    normaliser = xp.gammaln(0.5 * (nu + n)) - xp.gammaln(0.5 * nu) - 0.5 * n * xp.log(nu * np.pi)
    return normaliser - 0.5 * (nu + n) * xp.log1p(square / nu)


def factor(rng: np.random.Generator, square: Any, n: Any, aux: Aux) -> Array:
    """Draw the factor of the scale that a unit's rows share, given n of them."""
    nu = aux["nu"]
    ends, shapes = np.broadcast_arrays(nu + square, 0.5 * (nu + n))  # one for each unit
    return np.asarray(np.sqrt(ends / (2 * rng.standard_gamma(shapes))))


def of_row(z: Array, square: Any, n: Any, aux: Aux) -> tuple[Array, Array]:
    """Distribution function and log density of a row given n others: Student's t once more."""
    nu = aux["nu"]
    whole = np.square(z) + square
    log_density = of_unit(whole, n + 1, aux) - of_unit(square, n, aux)
    return special.stdtr(nu + n, z * np.sqrt((nu + n) / (nu + square))), log_density


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y)."""
    z = (y - link.inverse(eta, xp)) / aux["sigma"]
    return student_log_tails(z, aux["nu"], xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each location."""
    return mu + aux["sigma"] * rng.standard_t(aux["nu"], mu.shape)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response: infinite from two degrees of freedom down."""
    nu = np.asarray(aux["nu"], float)
    factor = np.where(nu > 2, nu / np.where(nu > 2, nu - 2, 1.0), np.inf)
    return np.square(aux["sigma"]) * factor + 0.0 * mu


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
    scores={"sigma": score_of_sigma, "nu": score_of_nu},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="student_t", arguments="nu, mu{i}, sigma"),
    pymc=Distribution(name="StudentT", arguments="nu=nu, mu=mu, sigma=sigma"),
    bambi=BambiFamily(name="t"),
    absorbs_offset={"identity": subtract_offset},
    noise="sigma",
    tails="nu",
    elliptical=Elliptical(log_density=of_unit, factor=factor, given_others=of_row),
    usual=True,
    cumulative=Cumulative(code=2, log_tails=log_tails),
)
