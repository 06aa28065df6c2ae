"""Coordinates of Student's sigma and nu, in which their posterior is about normal.

Heavier tails leave a narrower middle: sigma falls with nu where nu is small, and where the data are
about normal it does not. How it does follows from their expected information: of log sigma it is
``2 nu / (nu + 3)``, and of log sigma with nu ``-2 / ((nu + 1) (nu + 3))``. Along
``d log sigma = d nu / (nu (nu + 1))`` nu has none with what is left of sigma, which is to say that
``sigma (nu + 1) / nu`` stays the same. That is sampled in sigma's place; in logarithms the change
of variables has a Jacobian of one.

Log nu has a longer tail to one side or the other: the data say how heavy the tails are, or how
heavy they are not. Where they hardly do, its tails are shorter than a normal's to both sides: below
by the likelihood, above by the prior, whose exponential of nu is one of an exponential. With
``y = asinh(taper x) / taper``, log nu is skewed as other auxiliary parameters are
(`winstan.approximation.auxiliary`), by y for x, about zero. It is laid through the quantiles of its
density, sigma being integrated out (Laplace).

References
----------
Lange, Little and Taylor (1989), JASA 84, 881-896: the expected information. Cox and Reid (1987),
JRSS B 49, 1-39: orthogonal parameters. Tierney and Kadane (1986), JASA 81, 82-86.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import interpolate, optimize, special

from winstan.approximation.curvature import SHARP, sharpened

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array

    Coordinate = tuple[float, float, float, float, float]
    Profile = dict[float, tuple[float, float, float]]

# Of the logarithm that is sampled in sigma's place: steps of a second difference, and the most that
# its middle moves from one nu to the next.
STEP, MOVES = 0.05, 0.2
# Log nu is followed in steps that grow from this share of its width, between these ends, until its
# log density has fallen so far.
FIRST_STEP, GROWTH = 0.25, 1.3
ENDS = np.log(0.2), np.log(2000.0)
FALLS = 12.0
# Normal scores at which the quantiles are met.
SCORES = np.linspace(-2.25, 2.25, 19)
# The least slope to either side, as a share of the whole; and how soon tails may flatten.
LEAST_SLOPE = 0.05
TAPERS = 0.0, 0.15, 0.3, 0.45, 0.6


def shift_of_sigma(log_nu: Array) -> Array:
    """Return by how much log sigma lies below what is sampled in its place."""
    return np.logaddexp(0, -log_nu)


def student_coordinates(
    density: Callable[[Array], float], free_aux: Array
) -> tuple[Coordinate, Coordinate]:
    """Find the coordinates of what is sampled in sigma's place, and of nu.

    Parameters
    ----------
    density
        Log density of log sigma and log nu.
    free_aux : ndarray, shape (2,)
        Where it is about largest.

    Returns
    -------
    sigma, nu : tuple of float
        Location, scale, skew, knot and taper of each.
    """
    start = float(free_aux[0] + shift_of_sigma(free_aux[1]))

    def shifted(at: Array) -> float:
        return density(np.array([at[0] - shift_of_sigma(at[1]), at[1]]))

    sharp, covariance = sharpened(shifted, np.array([start, free_aux[1]]))
    scale = np.sqrt(np.diag(covariance))
    if scale.max() < SHARP:  # of so many rows no curve is seen
        sigma, nu = (_straight(float(m), float(sd)) for m, sd in zip(sharp, scale, strict=True))
        return sigma, nu
    found = _profile(density, start, float(free_aux[1]))
    at = np.array(sorted(found))
    value, middle, spread = np.array([found[log_nu] for log_nu in at]).T
    if at.size < 4 or not np.isfinite(value).all():
        return _straight(start, 1.0), _straight(float(free_aux[1]), 1.0)
    fine = np.linspace(at[0], at[-1], 2001)
    mass = np.exp(interpolate.pchip_interpolate(at, value - value.max(), fine))
    mass /= mass.sum()
    quantile = np.interp(special.ndtr(SCORES), np.cumsum(mass) - 0.5 * mass, fine)
    middles, spreads = np.interp(fine, at, middle), np.interp(fine, at, spread)
    mean = float(mass @ middles)
    variance = float(mass @ (np.square(spreads) + np.square(middles - mean)))
    return _straight(mean, variance**0.5), _through_quantiles(quantile)


def _straight(location: float, scale: float) -> Coordinate:
    return location, scale, 0.0, 0.0, 0.0


def _profile(density: Callable[[Array], float], start: float, log_nu: float) -> Profile:
    """Follow log nu to either side, each time with the middle that sigma's place has beside it.

    By log nu: its log density, and the middle and standard deviation of what is in sigma's place.
    """
    low, here, high = (_given(density, start, log_nu + move) for move in (-STEP, 0.0, STEP))
    curvature = (2 * here[0] - low[0] - high[0]) / STEP**2
    # Of what the data leave open, or have no maximum of, it says nothing: a unit of log
    width = curvature**-0.5 if 1.0 < curvature < np.inf else 1.0
    found, top = {log_nu: here}, here[0]
    for side in (-1.0, 1.0):
        near, reach = here[1], FIRST_STEP * width
        while ENDS[0] < (at := log_nu + side * reach) < ENDS[1]:
            value, near, spread = _given(density, near, at)
            if not np.isfinite(value + spread):
                break
            found[at] = value, near, spread
            top = max(top, value)
            if value < top - FALLS:
                break
            reach *= GROWTH
    return found


def _given(
    density: Callable[[Array], float], near: float, log_nu: float
) -> tuple[float, float, float]:
    """Integrate what is in sigma's place out, about a value that is near its middle."""
    shift = float(shift_of_sigma(np.asarray(log_nu)))
    low, here, high = (
        density(np.array([near + move - shift, log_nu])) for move in (-STEP, 0.0, STEP)
    )
    slope, curvature = (high - low) / (2 * STEP), (2 * here - low - high) / STEP**2
    if not curvature > 0:
        return np.nan, near, np.nan
    moved = float(np.clip(slope / curvature, -MOVES, MOVES))
    value = here + slope * moved - 0.5 * curvature * moved**2 - 0.5 * np.log(curvature)
    return float(value), near + moved, float(1 / np.sqrt(curvature))


def _through_quantiles(quantile: Array) -> Coordinate:
    """Lay the coordinate through quantiles, by least squares, with the best of the tapers."""
    best, least = _straight(0.0, 1.0), np.inf
    flattest = LEAST_SLOPE * np.ptp(quantile) / np.ptp(SCORES)
    for taper in TAPERS:
        y = np.arcsinh(taper * SCORES) / taper if taper else SCORES
        lower = -np.logaddexp(0, -3 * y) / 3  # of slope one below, and none above
        columns = np.column_stack([np.ones_like(y), y - lower, lower])
        found = optimize.lsq_linear(
            columns, quantile, bounds=([-np.inf, flattest, flattest], np.inf)
        )
        if found.cost < least:
            location, above, below = found.x.tolist()
            best, least = (location, above, above - below, 0.0, taper), found.cost
    return best
