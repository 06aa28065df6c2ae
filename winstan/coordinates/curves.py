"""Coefficients that are curves of what is sampled: those with bounds, and those that are shrunk.

A coefficient with bounds is sampled as u, and is u but for what the bounds take: with a width w,
b = u + w log(1 + exp((lower - u) / w)) - w log(1 + exp((u - upper) / w)). Far from a bound that is
straight, so that the approximate fit's coordinates hold.

One that is shrunk (`winstan.shrinkage`) has an sd s that is sampled: given s, it would have the
variance v = 1 / (I + 1 / s^2), where I is the information of the data on it, and the mean v p. It
is v p + sqrt(v) r x, with r x its coordinate: centred where the data know it, else non-centred.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.coordinates.decorrelation import Decorrelation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.coordinates.coordinates import Coordinates
    from winstan.priors import Prior
    from winstan.shrinkage import Shrinkage


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Coefficients with bounds, n of them.

    Attributes
    ----------
    at : ndarray of int, shape (n,)
        Their places among P.
    lower, upper : ndarray, shape (n,)
        Infinite where there is none.
    width : ndarray, shape (n,)
        How near a bound the curve bends.
    log_mass : ndarray, shape (n,)
        Logarithm of what their whole prior has between the bounds.
    """

    at: np.ndarray
    lower: Array
    upper: Array
    width: Array
    log_mass: Array

    @property
    def constant(self) -> float:
        """What their prior and the slopes of the curves add to the log density."""
        both = np.isfinite(self.lower) & np.isfinite(self.upper)
        gap = (self.upper - self.lower)[both] / self.width[both]
        return float(np.log(-np.expm1(-gap)).sum() - self.log_mass.sum())

    def taken(self, u: Any, softplus: Any) -> tuple[Any, Any]:
        """Return what each bound takes, in widths, shape (..., n): of the lower, and the upper."""
        return softplus((self.lower - u) / self.width), softplus((u - self.upper) / self.width)


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """Coordinates of coefficients that are shrunk, n of them.

    Attributes
    ----------
    known : ndarray, shape (n,)
        Information of the data on each: I.
    score : ndarray, shape (n,)
        That information times what the data have them at: p.
    root : ndarray, shape (n,)
        Scale of the coordinate: r.
    """

    known: Array
    score: Array
    root: Array


def bounds_of(priors: Sequence[Prior], sds: Array) -> Bounds:
    """Gather the coefficients with bounds.

    Parameters
    ----------
    priors : sequence of Prior
        Of the P coefficients.
    sds : ndarray, shape (P,)
        About those of their posterior, without bounds.
    """
    at = [p for p, prior in enumerate(priors) if prior.bounded]
    lower, upper = np.array([priors[p].bounds for p in at]).reshape(-1, 2).T
    width = np.minimum(sds[at], 0.25 * (upper - lower))
    return Bounds(
        np.array(at, int), lower, upper, width, np.array([priors[p].log_mass for p in at])
    )


def shrunk_of(shrinkage: Shrinkage, location: Array, sds: Array, prior_sds: Array) -> Shrunk:
    """Tell what the data know, from an approximate posterior under normal priors about zero."""
    location, precision = location[shrinkage.at], sds[shrinkage.at] ** -2.0
    known = np.maximum(precision - prior_sds[shrinkage.at] ** -2.0, 1e-6 * precision)
    return Shrunk(known, location * precision, np.sqrt(precision))


def posterior_sds(decorrelation: Decorrelation, P: int) -> Array:
    """Return about the sds of the P coefficients, as the approximate fit has them."""
    return np.sqrt(np.square(decorrelation.remaining_scale[:P]).sum(axis=1))


def with_numbers(coordinates: Coordinates, middle: Array, width: Array) -> Coordinates:
    """Return the coordinates of the numbers there are, and after them of E more.

    Parameters
    ----------
    coordinates
    middle, width : ndarray, shape (E,)
        Of those, when they are free.
    """
    A, E = coordinates.aux_location.size, middle.size
    scale = np.zeros((A + E, A + E))
    scale[:A, :A] = coordinates.aux_scale
    scale[range(A, A + E), range(A, A + E)] = width
    nothing = np.zeros(E)
    return replace(
        coordinates,
        aux_location=np.concatenate([coordinates.aux_location, middle]),
        aux_scale=scale,
        aux_skew=np.concatenate([coordinates.aux_skew, nothing]),
        aux_knot=np.concatenate([coordinates.aux_knot, nothing]),
        aux_taper=np.concatenate([coordinates.aux_taper, nothing]),
        aux_regression=np.pad(coordinates.aux_regression, (0, E)),
        profiled=coordinates.profiled.with_numbers(E),
    )
