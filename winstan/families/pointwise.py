"""The log density of single responses, row by row and draw by draw, for what needs every row.

Sampling needs the sum over all rows only, by `winstan.families.likelihoods`; leave-one-out needs
each row's own. The densities are the same, normalised, of the response in its own units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.errors import FamilyError
from winstan.families.likelihoods import log_probabilities
from winstan.families.links import Array, Link
from winstan.families.rising import log_pmf

if TYPE_CHECKING:
    from winstan.families.table import Family

type Density = Callable[[Array, Array, Mapping[str, Any], Link, Any], Array]


def log_densities(
    family: Family,
    link: Link,
    y: Array,
    eta: Array,
    auxiliary: Mapping[str, Any],
    trials: Array | None = None,
) -> Array:
    """Return the log density of each response at each linear predictor.

    Parameters
    ----------
    family, link
    y : ndarray, shape (n,)
        Responses in their own units; of a binomial response, successes.
    eta : ndarray, shape (S, n)
        Linear predictors, offsets included.
    auxiliary : mapping
        ``sigma``, ``alpha``, ``nu``, whichever the family has; broadcast against `eta`.
    trials : ndarray, shape (n,), optional
        Of a binomial response.

    Returns
    -------
    ndarray, shape (S, n)

    Raises
    ------
    FamilyError
        If the family's density is not written here.
    """
    if family.name not in DENSITIES:
        raise FamilyError(
            f"The density of single rows is not known for family={family.name!r}; it is for "
            f"{', '.join(DENSITIES)}."
        )
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        return DENSITIES[family.name](y, eta, auxiliary, link, trials)


def _gaussian(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    z = (y - link.inverse(eta)) / aux["sigma"]
    return -0.5 * np.square(z) - np.log(aux["sigma"]) - 0.5 * np.log(2 * np.pi)


def _lognormal(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    return _gaussian(np.log(y), eta, aux, link, trials) - np.log(y)


def _student(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    sigma, nu = aux["sigma"], aux["nu"]
    z = (y - link.inverse(eta)) / sigma
    # gamma((nu + 1) / 2) / gamma(nu / 2), without the difference of two large logarithms.
    normaliser = -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
    return normaliser - 0.5 * (nu + 1) * np.log1p(np.square(z) / nu)


def _gamma(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    alpha = aux["alpha"]
    scaled = alpha * y / link.inverse(eta)
    return alpha * np.log(scaled) - scaled - np.log(y) - special.gammaln(alpha)


def _poisson(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    mu = link.inverse(eta)
    return special.xlogy(y, mu) - mu - special.gammaln(y + 1)


def _negative_binomial(
    y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any
) -> Array:
    return log_pmf(y, link.inverse(eta), aux["alpha"])


def _binomial(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    n = np.ones_like(y) if trials is None else trials
    log_p, log_q = log_probabilities(eta, link)
    coefficient = -np.log(n + 1) - special.betaln(y + 1, n - y + 1)
    # Of no successes nothing is counted, though their probability be zero to rounding.
    successes = np.where(y > 0, y * log_p, 0.0)
    return coefficient + successes + np.where(y < n, (n - y) * log_q, 0.0)


DENSITIES: dict[str, Density] = {
    "gaussian": _gaussian,
    "student": _student,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
    "bernoulli": _binomial,
    "binomial": _binomial,
}
