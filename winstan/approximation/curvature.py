"""Where a density of a few numbers is largest, and how narrow it is there, by differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array

# Differences by which curvatures are found, and standard deviations that they are too wide for.
WIDTH, SHARP = 0.05, 1e-3
# Newton's steps end with one that is a tenth of the standard deviation.
STEPS, SHORT = 8, 0.1
# So many numbers are decorrelated, and so much of what two of them share is believed.
FEW, MOST_SHARED = 4, 0.95


def sharpened(density: Callable[[Array], float], at: Array) -> tuple[Array, Array]:
    """Return the maximum nearby, shape (A,), and the inverse of the curvature there, (A, A).

    A search by steps of the parameter ends some standard deviations away where there are a hundred
    million rows: numbers that are known so well take Newton's steps by differences of their own
    size. Others stay where they are.
    """
    covariance = inverse_curvature(density, at, np.full(at.size, WIDTH))
    for _ in range(STEPS):
        sd = np.sqrt(np.diag(covariance))
        sharp = np.flatnonzero(sd < SHARP)
        if not sharp.size:
            break
        moves = np.diag(sd)[sharp]
        rise = np.array([density(at + move) - density(at - move) for move in moves])
        step = covariance[np.ix_(sharp, sharp)] @ (rise / (2 * sd[sharp]))
        if not np.all(np.isfinite(step)):
            break
        at = at.copy()
        at[sharp] += step
        covariance = inverse_curvature(density, at, np.where(sd < SHARP, sd, WIDTH))
        if np.all(np.abs(step) < SHORT * sd[sharp]):
            break
    return at, covariance


def inverse_curvature(density: Callable[[Array], float], at: Array, width: Array) -> Array:
    """Inverse of the curvature, shape (A, A), by second differences; of many numbers its diagonal.

    Of a number that the data leave open, or that has no maximum, it says nothing: a unit of log.
    """
    A, step = at.size, np.diag(width)
    middle = density(at)
    both = np.array([density(at + move) + density(at - move) for move in step])
    own = (2 * middle - both) / width**2
    told = np.isfinite(own) & (own > 0.1)
    precision = np.diag(np.where(told, own, 1.0))
    if A <= FEW:
        for a, b in zip(*np.triu_indices(A, 1), strict=True):
            if told[a] and told[b]:
                move = step[a] + step[b]
                together = density(at + move) + density(at - move)
                shared = (both[a] + both[b] - together - 2 * middle) / (2 * width[a] * width[b])
                most = MOST_SHARED * np.sqrt(precision[a, a] * precision[b, b])
                precision[a, b] = precision[b, a] = np.clip(np.nan_to_num(shared), -most, most)
    least = np.linalg.eigvalsh(precision)[0] if A else 1.0
    return np.linalg.inv(precision if least > 0 else np.diag(np.diag(precision)))
