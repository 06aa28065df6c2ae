"""The exponentially modified normal: mean mu, sd sigma of its normal part, mean beta of the other.

With z = (y - mu + beta) / sigma, r = sigma / beta and w = z - r, the log density is
-log beta - r (z - r / 2) + log Phi(w). Where w is far below zero, the last two are large and
cancel: there it is -log beta - z^2 / 2 + log(Phi(w) exp(w^2 / 2)), and as beta tends to zero the
normal density.
"""

from __future__ import annotations

from dataclasses import replace
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
    ROOT_HALF,
    by_cell,
    inverse_mills,
    reaction_statistics,
    residual_rows,
    rows_by_cell,
)
from winstan.families.support import any_real
from winstan.priors import Exponential, Gamma

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
    return reaction_statistics("exgaussian", sample, cell)


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    """Log density of all rows."""
    cell = stats["cell"] - 1
    residual = stats["value"] - link.inverse(eta, xp)[cell]
    by_row = _density(residual, of_rows(aux["sigma"], cell), of_rows(aux["beta"], cell), xp)
    return xp.dot(stats["tally"], by_row) + stats["log_constant"]


def _density(residual: Any, sigma: Any, beta: Any, xp: Namespace) -> Any:
    z, r = (residual + beta) / sigma, sigma / beta
    w = z - r
    below = xp.log_erfcx(-ROOT_HALF * xp.minimum(w, 0.0)) - 0.5 * xp.square(z) - np.log(2)
    above = xp.log_ndtr(w) - r * (z - 0.5 * r)
    return xp.where(w < 0, below, above) - xp.log(beta)


def score(stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by eta, shape (C,) each.

    The information has the limits 1 / sigma^2, of a normal, and 0.9 / (sigma beta), of an edge
    that the normal part blurs; between them it is good to a tenth.
    """
    _, residual, own = residual_rows(stats, eta, aux, link)
    r = own["sigma"] / own["beta"]
    w = (residual + own["beta"]) / own["sigma"] - r
    slope = link.inverse_derivative(eta)
    of_mean = by_cell(stats, (r - inverse_mills(w)) / own["sigma"], eta.size)
    r = aux["sigma"] / aux["beta"]
    share = r * (r + 0.9) / (1 + r * (r + 0.9))
    information = rows_by_cell(stats, eta.size) * share / np.square(aux["sigma"])
    return of_mean * slope, information * np.square(slope)


def score_of_sigma(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score and about the expected information by sigma, shape (C,) each."""
    _, residual, own = residual_rows(stats, eta, aux, link)
    sigma, beta = own["sigma"], own["beta"]
    z = (residual + beta) / sigma
    w = z - sigma / beta
    mills = inverse_mills(w)
    by_row = (sigma / beta - mills) * z / sigma - (w + mills) / beta
    r = aux["sigma"] / aux["beta"]
    share = r * (1.1 + 2 * r) / (1 + r * (1.2 + r)) / np.square(aux["sigma"])
    return by_cell(stats, by_row, eta.size), rows_by_cell(stats, eta.size) * share


def score_of_beta(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score and about the expected information by beta, shape (C,) each."""
    _, residual, own = residual_rows(stats, eta, aux, link)
    sigma, beta = own["sigma"], own["beta"]
    r = sigma / beta
    w = (residual + beta) / sigma - r
    mills = inverse_mills(w)
    by_row = (mills - r) / sigma + (w + mills) * r / beta - 1 / beta
    r = aux["sigma"] / aux["beta"]
    share = 2 / (r * (2.2 + r * (2.5 + r * r))) / np.square(aux["beta"])
    return by_cell(stats, by_row, eta.size), rows_by_cell(stats, eta.size) * share


def log_density(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    density: Array = _density(y - link.inverse(eta), aux["sigma"], aux["beta"], NUMPY)
    return density


def draw(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    """Draw a response for each mean."""
    excess = aux["beta"] * (rng.standard_exponential(mu.shape) - 1)
    return mu + aux["sigma"] * rng.standard_normal(mu.shape) + excess


def _prior_of_sigma(scale: float) -> Prior:
    # Without a normal part responses have a sharp edge, which no step of a sampler is small enough
    # for. Nine tenths are between 0.14 and 1.05 of the sd of y, whose square is that of sigma and
    # that of beta.
    return Gamma(3.0, 6 / scale)


def _prior_of_beta(scale: float) -> Prior:
    return Exponential(1 / scale)


def _same(scale: float) -> float:
    return scale


BETA = Parameter(
    name="beta",
    domain="positive",
    label="mean of the exponential part",
    default_prior=_prior_of_beta,
    start=_same,
)

EXGAUSSIAN = Family(
    name="exgaussian",
    aliases=("ex_gaussian", "exgauss", "exgaus", "exponnorm", "exp_mod_normal"),
    kind="real",
    label="exponentially modified normal",
    parameters=(
        mean("real", "identity", "log", "inverse"),
        replace(SIGMA, label="sd of the normal part", default_prior=_prior_of_sigma),
        BETA,
    ),
    template="reaction_times",
    support=any_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"sigma": score_of_sigma, "beta": score_of_beta},
    log_density=log_density,
    draw=draw,
    stan=Distribution(name="exp_mod_normal", arguments="mu{i} - beta, sigma, inv(beta)"),
    # PyMC's ExGaussian is Normal(mu, sigma), not shifted by beta, where beta is under 0.05 sigma.
    pymc=None,
    absorbs_offset={"identity": subtract_offset},
    dense_metric=True,
)
