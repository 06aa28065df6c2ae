"""Random responses of each family, given its mean and its auxiliary parameters.

The parameters are those of the densities in `winstan.families.likelihoods`; every draw comes from a
NumPy Generator of the caller's, so that a seed gives the same responses again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError
from winstan.families.links import Array
from winstan.families.rising import LARGEST_ALPHA

if TYPE_CHECKING:
    from winstan.families.table import Family

type Sampler = Callable[[np.random.Generator, Array, Mapping[str, Any], Any], Array]

# NumPy's Poisson draws are 64-bit integers. Above this mean a normal stands for it: the skewness,
# 1 / sqrt(mean), is then below 1e-9, and doubles are further apart than one.
LARGEST_POISSON = 1e18


def draw_responses(
    family: Family,
    rng: np.random.Generator,
    mu: Array,
    auxiliary: Mapping[str, Any],
    trials: Array | None = None,
) -> Array:
    """Draw a response for each mean.

    Parameters
    ----------
    family
    rng
    mu : ndarray
        What the inverse link gives: the mean, the mean of log y (lognormal), or the probability of
        success.
    auxiliary : mapping
        ``sigma``, ``alpha``, ``nu``, whichever the family has; broadcast against `mu`.
    trials : ndarray, optional
        Of a binomial response, broadcast against `mu`.

    Returns
    -------
    ndarray
        Of the shape of `mu`, in the units of the response: counts of successes for binomial.

    Raises
    ------
    FamilyError
        If the family has no generator.
    """
    if family.name not in SAMPLERS:
        raise FamilyError(
            f"No responses can be drawn for family={family.name!r}; they can for "
            f"{', '.join(SAMPLERS)}."
        )
    # Vague priors reach means beyond the largest double: infinity is then the answer.
    with np.errstate(over="ignore"):
        return SAMPLERS[family.name](rng, mu, auxiliary, trials)


def _gaussian(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    return mu + aux["sigma"] * rng.standard_normal(mu.shape)


def _student(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    return mu + aux["sigma"] * rng.standard_t(aux["nu"], mu.shape)


def _lognormal(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    return np.exp(_gaussian(rng, mu, aux, trials))


def _gamma(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    unit = rng.standard_gamma(aux["alpha"], mu.shape) / aux["alpha"]
    # A small shape puts mass below the smallest double: zero is outside the support.
    return np.maximum(mu * np.maximum(unit, np.finfo(float).tiny), np.finfo(float).tiny)


def _poisson(
    rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any = None
) -> Array:
    small = mu <= LARGEST_POISSON
    out = rng.poisson(np.where(small, mu, 0.0)).astype(float)
    normal = ~small & np.isfinite(mu)
    mean = mu[normal]
    out[normal] = mean + np.sqrt(mean) * rng.standard_normal(mean.size)
    out[np.isinf(mu)] = np.inf
    return out


def _negative_binomial(
    rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any
) -> Array:
    # Poisson about a gamma mean: variance mu + mu^2 / alpha.
    alpha = np.minimum(aux["alpha"], LARGEST_ALPHA)
    unit = rng.standard_gamma(alpha, mu.shape) / alpha
    return _poisson(rng, np.where(unit > 0, mu * unit, 0.0), aux)


def _bernoulli(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    return (rng.random(mu.shape) < mu).astype(float)


def _binomial(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    assert trials is not None
    return rng.binomial(np.asarray(trials, np.int64), mu, mu.shape).astype(float)


SAMPLERS: dict[str, Sampler] = {
    "gaussian": _gaussian,
    "student": _student,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
    "bernoulli": _bernoulli,
    "binomial": _binomial,
}
