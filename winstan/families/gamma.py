"""The gamma distribution: mean mu, shape alpha, variance mu^2 / alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.data.grouped import IDENTITY, LOG
from winstan.families.auxiliary import ALPHA, mean
from winstan.families.cellwise import quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import divide_by_exp_offset
from winstan.families.support import positive_real
from winstan.families.tails import Cumulative, gamma_log_tails

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count, sum of y and sum of log y of each cell."""
    return {
        "n": sample.by_cell(cell, n_cells),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "sum_log_y": sample.by_cell(cell, n_cells, sample.mean_of(LOG)),
        "log_constant": sample.log_jacobian,
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    n, alpha, log_mu = stats["n"], aux["alpha"], link.log_inverse(eta, xp)
    of_mean = n * log_mu + stats["sum_y"] * xp.exp(-log_mu)
    return (
        xp.total(n * (alpha * xp.log(alpha) - xp.gammaln(alpha)))
        + xp.total(alpha * (stats["sum_log_y"] - of_mean))
        + (stats["log_constant"] - float(stats["sum_log_y"].sum()))
    )


def score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu**2 / aux["alpha"])


def score_of_alpha(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by alpha, shape (C,) each."""
    n, alpha, mu = stats["n"], aux["alpha"], link.inverse(eta)
    of_mean = n * np.log(mu) + stats["sum_y"] / mu
    score = n * (np.log(alpha) + 1 - special.digamma(alpha)) + stats["sum_log_y"] - of_mean
    return score, n * (special.polygamma(1, alpha) - 1 / alpha)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    alpha = aux["alpha"]
    scaled = alpha * y / link.inverse(eta)
    return alpha * np.log(scaled) - scaled - np.log(y) - special.gammaln(alpha)


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y)."""
    alpha = aux["alpha"]
    return gamma_log_tails(alpha, alpha * y * xp.exp(-link.log_inverse(eta, xp)), xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    unit = rng.standard_gamma(aux["alpha"], mu.shape) / aux["alpha"]
    # A small shape puts mass below the smallest double: zero is outside the support.
    return np.maximum(mu * np.maximum(unit, np.finfo(float).tiny), np.finfo(float).tiny)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response."""
    return np.asarray(np.square(mu) / aux["alpha"])


GAMMA = Family(
    name="gamma",
    kind="positive",
    label="gamma",
    parameters=(mean("positive", "log", "identity", "inverse"), ALPHA),
    template="gamma",
    support=positive_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"alpha": score_of_alpha},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="gamma", arguments="alpha, alpha {over} mu{i}"),
    pymc=Distribution(name="Gamma", arguments="alpha=alpha, beta=alpha / mu"),
    bambi=BambiFamily(name="gamma"),
    absorbs_offset={"log": divide_by_exp_offset},
    exponential_family=True,
    precision="alpha",
    usual=True,
    sufficient=(IDENTITY, LOG),
    cumulative=Cumulative(code=3, log_tails=log_tails),
)
