"""The lognormal distribution: log y is normal with mean mu and standard deviation sigma."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.grouped import IDENTITY, LOG
from winstan.families import gaussian
from winstan.families.auxiliary import SIGMA, mean
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.offsets import divide_by_exp_offset
from winstan.families.support import positive_real

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Gaussian statistics of log y, with the Jacobian of the logarithm."""
    logged = sample.transformed(LOG)
    jacobian = sample.log_jacobian - sample.total(logged.y)
    return gaussian.statistics(replace(logged, log_jacobian=jacobian), cell, n_cells)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    return gaussian.log_density(np.log(y), eta, aux, link, trials) - np.log(y)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean of its logarithm."""
    return np.exp(gaussian.draw(rng, mu, aux, trials))


def response_mean(mu: Array, aux: Aux) -> Array:
    """Mean of a lognormal whose logarithm has mean mu and standard deviation sigma."""
    return np.exp(mu + 0.5 * np.square(aux["sigma"]))


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a lognormal whose logarithm has mean mu and standard deviation sigma."""
    square = np.square(aux["sigma"])
    return np.asarray(np.exp(2 * mu + square) * np.expm1(square))


LOGNORMAL = Family(
    name="lognormal",
    aliases=("log_normal",),
    kind="positive",
    label="lognormal",
    parameters=(mean("real", "identity", label="logarithm's mean"), SIGMA),
    template="gaussian",
    support=positive_real,
    statistics=statistics,
    log_likelihood=gaussian.log_likelihood,
    score=gaussian.score,
    scores={"sigma": gaussian.score_of_sigma},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="lognormal", arguments="mu{i}, sigma"),
    pymc=Distribution(name="LogNormal", arguments="mu=mu, sigma=sigma"),
    # Of log y: the same posterior, its density apart by a constant.
    bambi=BambiFamily(name="gaussian", weighted=True),
    absorbs_offset={"identity": divide_by_exp_offset},
    response_mean=response_mean,
    mean_link="log",
    log_response=True,
    noise="sigma",
    conjugate=True,
    usual=True,
    sufficient=(IDENTITY, LOG),
    cumulative=gaussian.GAUSSIAN.cumulative,
)
