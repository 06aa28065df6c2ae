"""The polynomials by which all else follows a number: laid through fits along its profile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import interpolate

from winstan.coordinates.profiled import Profiled
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
