"""The Weibull distribution: mean mu, shape alpha, scale mu / gamma(1 + 1 / alpha).

With L = log(y / scale), the log density is log alpha + alpha L - exp(alpha L) - log y.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.auxiliary import ALPHA, mean
from winstan.families.cellwise import by_cell, of_rows, rows_by_cell, tally_by_cell
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
    """Return a tally of the distinct (cell, value) pairs, the values as logarithms."""
    own = tally_by_cell(sample, cell)
    log_value = np.log(own.pop("value"))
    constant = sample.log_jacobian - float(own["tally"] @ log_value)
    return waiting_statistics("weibull", {**own, "log_value": log_value, "log_constant": constant})


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    cell, alpha = stats["cell"] - 1, aux["alpha"]
    log_scale = link.log_inverse(eta, xp) - xp.gammaln(1 + 1 / alpha)
    alpha = of_rows(alpha, cell)
    power = alpha * (stats["log_value"] - log_scale[cell])
    return xp.dot(stats["tally"], xp.log(alpha) + power - xp.exp(power)) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each: alpha^2 of each row by log mu."""
    _, power = _rows(stats, eta, aux, link)
    alpha = aux["alpha"]
    by_log = alpha * by_cell(stats, np.expm1(power), eta.size)
    slope = link.inverse_derivative(eta) / link.inverse(eta)
    return by_log * slope, rows_by_cell(stats, eta.size) * np.square(alpha * slope)


def score_of_alpha(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by alpha, shape (C,) each.

    exp(alpha L) is a standard exponential variable E: with c = psi(1 + 1 / alpha), the score is
    (1 + (log E - c)(1 - E)) / alpha, whose variance follows from the moments of E and its
    logarithm.
    """
    alpha, power = _rows(stats, eta, aux, link)
    c = special.psi(1 + 1 / alpha)
    by_row = (1 - (power - c) * np.expm1(power)) / alpha
    n = rows_by_cell(stats, eta.size)
    spread = np.square(special.psi(2.0) - special.psi(1 + 1 / aux["alpha"])) + np.pi**2 / 6
    return by_cell(stats, by_row, eta.size), n * spread / np.square(aux["alpha"])


def shared_of_alpha(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    """Return the information that eta and alpha share, shape (C,)."""
    slope = link.inverse_derivative(eta) / link.inverse(eta)
    n = rows_by_cell(stats, eta.size)
    return n * slope * (special.psi(1 + 1 / aux["alpha"]) - special.psi(2.0))


def _rows(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Any, Array]:
    """Alpha and alpha L of each pair of cell and value."""
    cell, alpha = stats["cell"] - 1, aux["alpha"]
    log_scale = link.log_inverse(eta, NUMPY) - special.gammaln(1 + 1 / alpha)
    alpha = of_rows(alpha, cell)
    return alpha, alpha * (stats["log_value"] - log_scale[cell])


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    alpha, log_y = aux["alpha"], np.log(y)
    power = alpha * (log_y - link.log_inverse(eta, NUMPY) + special.gammaln(1 + 1 / alpha))
    return np.log(alpha) + power - np.exp(power) - log_y


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y)."""
    alpha = aux["alpha"]
    log_scale = link.log_inverse(eta, xp) - xp.gammaln(1 + 1 / alpha)
    log_above = -xp.exp(alpha * (xp.log(y) - log_scale))
    return log_complement(log_above, xp), log_above


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    inverse = 1 / aux["alpha"]
    log_unit = inverse * np.log(rng.standard_exponential(mu.shape)) - special.gammaln(1 + inverse)
    # A small shape puts mass below the smallest double: zero is outside the support.
    return np.maximum(mu * np.exp(log_unit), np.finfo(float).tiny)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response."""
    inverse = 1 / aux["alpha"]
    ratio = special.gammaln(1 + 2 * inverse) - 2 * special.gammaln(1 + inverse)
    return np.asarray(np.square(mu) * np.expm1(ratio))


WEIBULL = Family(
    name="weibull",
    aliases=("weibull_min",),
    kind="positive",
    label="Weibull",
    parameters=(mean("positive", "log", "identity", "inverse"), ALPHA),
    template="waiting_times",
    support=positive_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"alpha": score_of_alpha},
    shared={("mu", "alpha"): shared_of_alpha},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="weibull", arguments="alpha, mu{i} {over} tgamma(1 + inv(alpha))"),
    pymc=Distribution(
        name="Weibull", arguments="alpha=alpha, beta=mu / pm.math.gamma(1 + 1 / alpha)"
    ),
    bambi=BambiFamily(name="weibull"),
    absorbs_offset={"log": divide_by_exp_offset},
    cumulative=Cumulative(code=6, log_tails=log_tails),
)
