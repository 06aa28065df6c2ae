"""Coordinates of all else that follow one auxiliary parameter along its profile.

Where the shift of a response moves, the mean and the scale of what is beyond it follow, along a
curve that no metric straightens. With x the coordinate of the shift, and t = tanh(x / 4), which is
bounded, every other coordinate's middle, and the logarithm of its scale, is a polynomial of t laid
through the fits of `winstan.approximation.profile`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import interpolate

from winstan.coordinates.sd_dependent_location import deviations_at

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.approximation.problem import Problem
    from winstan.approximation.profile import ConditionalFit, Profile
    from winstan.coordinates.coordinates import Coordinates
    from winstan.coordinates.decorrelation import Decorrelation

# Powers of t, the first of them one.
POWERS = 11
# Coordinates that the profile is laid through, and their weights.
GRID = np.linspace(-4.5, 4.5, 91)
CARE = np.exp(-np.square(GRID) / 12)
# No scale is wider or narrower than by this factor's logarithm.
WIDER = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Profiled:
    """How all else follows a number, each as ``coefficients @ powers``.

    Attributes
    ----------
    number : int
        Its place.
    aux, aux_log_scale : ndarray, shape (A, n)
        Of the other numbers, which are free; zeros for it.
    log_sd : ndarray, shape (Q, n)
    location, log_scale : ndarray, shape (P + T, n)
        Of the deviations of coefficients and scores, and of their coordinates' scales.
    """

    number: int
    aux: Array
    aux_log_scale: Array
    log_sd: Array
    location: Array
    log_scale: Array

    @classmethod
    def nothing(cls, A: int, Q: int) -> Profiled:
        """Return that of no number, which nothing follows."""
        return cls(-1, np.zeros((A, 0)), np.zeros((A, 0)), np.zeros((Q, 0)), *np.zeros((2, 0, 0)))

    @property
    def any(self) -> bool:
        """Whether anything follows a number."""
        return self.number >= 0

    def powers(self, raw: Array) -> Array:
        """Return the powers at coordinates of the numbers, (..., A): (..., n)."""
        if not self.any:
            return np.zeros((*raw.shape[:-1], 0))
        t = np.tanh(0.25 * raw[..., self.number, None])
        return np.asarray(t ** np.arange(self.aux.shape[1]))

    def with_numbers(self, E: int) -> Profiled:
        """Return it where there are E more numbers, which do not follow."""
        more = np.zeros((E, self.aux.shape[1]))
        return replace(
            self,
            aux=np.vstack([self.aux, more]),
            aux_log_scale=np.vstack([self.aux_log_scale, more]),
        )


def along_profile(coordinates: Coordinates, problem: Problem, fit: Approximation) -> Coordinates:
    """Let all follow one number along its profile, if there is one."""
    profile = fit.profile
    if profile is None:
        return coordinates
    location, scale, skew, knot = profile.coordinates.T
    return replace(
        coordinates,
        aux_location=location,
        aux_scale=np.diag(scale),
        aux_skew=skew,
        aux_knot=knot,
        aux_taper=np.zeros_like(knot),
        aux_regression=np.zeros_like(coordinates.aux_regression),
        profiled=_laid(coordinates, problem, profile),
    )


def _laid(coordinates: Coordinates, problem: Problem, profile: Profile) -> Profiled:
    """Lay polynomials through the fits, by least squares."""
    base = _at(coordinates, problem, profile.fits[profile.middle])
    rows = [_at(coordinates, problem, there) for there in profile.fits]
    at = profile.at
    location, scale, skew, knot = profile.coordinates[profile.number]
    own = location + scale * GRID + skew / 3 * np.logaddexp(0, -3 * (GRID - knot))
    powers = np.tanh(0.25 * GRID)[:, None] ** np.arange(POWERS)
    found = {}
    for name in base:
        values = np.array([row[name] - base[name] for row in rows])
        along = interpolate.CubicSpline(at, values)(np.clip(own, at[0], at[-1]))
        found[name] = np.linalg.lstsq(CARE[:, None] * powers, CARE[:, None] * along)[0].T
    found["aux"][profile.number] = found["aux_log_scale"][profile.number] = 0.0
    return Profiled(number=profile.number, **found)


def _at(coordinates: Coordinates, problem: Problem, there: ConditionalFit) -> dict[str, Array]:
    """Return middles, and logarithms of scales, of all coordinates at a fit."""
    P, decorrelation = coordinates.beta_location.size, coordinates.decorrelation
    n = len(decorrelation.remaining_scale)
    middle, variance = deviations_at(
        problem,
        coordinates.beta_location,
        coordinates.terms,
        coordinates.compensation,
        coordinates.order,
        coordinates.start,
        there.covariance,
        there.state,
    )
    log_scale = 0.5 * np.log(variance)
    log_scale[:P] = 0.5 * np.log(_coefficients_variance(there, decorrelation, P))
    # What follows the sds by itself
    log_scale[:n] -= np.log(coordinates.sd_dependent_scale(np.ones(n), there.sd))
    shift, wider = coordinates.sd_dependent_location.at_sds(there.sd)
    return {
        "location": middle - shift,
        "log_scale": np.clip(log_scale - np.log(wider), -WIDER, WIDER),
        "log_sd": np.log(there.sd),
        "aux": there.free_aux,
        "aux_log_scale": np.log(there.spread),
    }


def _coefficients_variance(fit: ConditionalFit, decorrelation: Decorrelation, P: int) -> Array:
    """Variances of the coefficients' coordinates at a fit."""
    assert fit.state.factor is not None
    inverse = np.linalg.inv(decorrelation.remaining_scale)[:P, :P]
    covariance = fit.state.factor.covariance()[:P, :P]
    return np.asarray(((inverse @ covariance) * inverse).sum(axis=1))
