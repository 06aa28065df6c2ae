"""Effects of groups, drawn exactly from log-concave densities by rejection.

With A the exponential's share at the mode and p the prior's precision, the log density of an
effect's distance s from its mode is ``-A (exp(s) - 1 - s) - p s**2 / 2``. It lies below its peak,
and below its tangents at a point on either side: an envelope of a box and two exponentials, of
which four draws in five are taken.

References
----------
Devroye (1986), Non-Uniform Random Variate Generation, chapter VII: log-concave densities. Wright
(1959), Bulletin of the AMS 65, 89-93: the omega function, which gives the mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from winstan._typing import Array


def draw_effects(known: Array, total: Array, sd: Array, rng: np.random.Generator) -> Array:
    """Draw from densities proportional to ``exp(known u - total exp(u) - u**2 / (2 sd**2))``.

    Parameters
    ----------
    known, total, sd : ndarray
        Shapes that broadcast together; totals and sds are positive.
    rng

    Returns
    -------
    ndarray
        Of their common shape.
    """
    known, total, sd = np.broadcast_arrays(known, total, sd)
    shape = total.shape
    known, total, sd = known.ravel(), total.ravel(), sd.ravel()
    variance = np.square(sd)
    log_total = np.log(variance) + np.log(total)
    omega = special.wrightomega(log_total + variance * known)
    A, precision = omega / variance, 1 / variance
    near = variance * np.maximum(known, A) < 1  # where the other way would leave few digits
    with np.errstate(divide="ignore"):  # where omega is zero, which is near
        mode = np.where(near, variance * (known - A), np.log(omega) - log_total)
    return (mode + _distances(A, precision, rng)).reshape(shape)


def _distances(A: Array, precision: Array, rng: np.random.Generator) -> Array:
    """Draw distances from the modes, shape (n,)."""
    # The density has fallen by about a factor e there
    normal = np.sqrt(2 / (A + precision))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = 1 / A
        above = np.fmin(normal, np.log1p(ratio + np.sqrt(2 * ratio)))
        below = np.fmin(np.sqrt(2 / precision), 0.5 * (ratio + np.sqrt(ratio * (ratio + 8))))
    for _ in range(2):
        below = np.sqrt(1 / (A / (2 + below) + 0.5 * precision))
    slope_above, slope_below = _slope(A, precision, above), -_slope(A, precision, -below)
    right = above - _fall(A, precision, above) / slope_above
    left = below - _fall(A, precision, -below) / slope_below
    out, todo = np.empty(A.size), np.arange(A.size)
    envelope = (A, precision, left, right, 1 / slope_below, 1 / slope_above)
    while todo.size:
        A_, p_, left_, right_, wide_below, wide_above = (
            envelope if todo.size == A.size else (part[todo] for part in envelope)
        )
        box, tail = left_ + right_, rng.standard_exponential(todo.size)
        at = rng.random(todo.size) * (box + wide_below + wide_above) - left_
        lower = at - right_ > wide_above
        upper = (at > right_) & ~lower
        tail[~(lower | upper)] = 0.0
        s = np.where(upper, right_ + tail * wide_above, at)
        s = np.where(lower, -left_ - tail * wide_below, s)
        taken = _fall(A_, p_, s) <= rng.standard_exponential(todo.size) + tail
        out[todo[taken]] = s[taken]
        todo = todo[~taken]
    return out


def _fall(A: Array, precision: Array, s: Array) -> Array:
    """By how much the log density is below its maximum."""
    return np.asarray(A * (np.expm1(s) - s) + 0.5 * precision * np.square(s))


def _slope(A: Array, precision: Array, s: Array) -> Array:
    return np.asarray(A * np.expm1(s) + precision * s)
