"""Monotone marginal transforms of standard normal numbers, to coordinates of any width and tails.

With ``p = x + sqrt(1 + x^2)``, of which 1/p is the same for -x, a curve is
``location + above p + above_tail p^2 - below / p - below_tail / p^2``: it rises everywhere, as a
straight line or as a square to either side. The logarithms of sds need squares: where an sd may be
zero its density is flat, so that its logarithm's falls as exp(log sd), and the standard normal's as
exp(-x^2/2); far above, few groups leave a power of the sd. (p is exp(arsinh x); the sinh-arcsinh
curves of Jones and Pewsey 2009, Biometrika 96, 761-780, are one such term to either side.)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

if TYPE_CHECKING:
    from winstan._typing import Array

# Normal scores at which quantiles are met: farther out, tails are met at the cost of the bulk.
SCORES = np.linspace(-2.0, 2.0, 17)
# How well: what is far out is of few points, and may not shape the transform where most are.
CARE = np.exp(-np.square(SCORES) / 8)
# The least slope to either side, of that of a straight line.
LEAST = 0.1
# Where scores are looked up: arsinh of x, which is 74 at the ends.
GRID = np.linspace(-5.0, 5.0, 1001)


@dataclass(frozen=True, slots=True, eq=False)
class MonotoneTransform:
    """A curve for each of D coordinates.

    Attributes
    ----------
    location, above, above_tail, below, below_tail : ndarray, shape (D,)
        The constant (at x = 0 there are the others as well), then the shares of p, p^2, 1/p and
        1/p^2: the tails' may be zero.
    """

    location: Array
    above: Array
    above_tail: Array
    below: Array
    below_tail: Array

    @classmethod
    def straight(cls, location: Array, scale: Array) -> MonotoneTransform:
        """``location + scale x``."""
        return cls(location, scale / 2, np.zeros_like(scale), scale / 2, np.zeros_like(scale))

    @classmethod
    def through(cls, at: Array, weight: Array) -> MonotoneTransform:
        """Lay each curve through the quantiles of weighed points, by least squares.

        Parameters
        ----------
        at : ndarray, shape (S, D)
        weight : ndarray, shape (S,)
        """
        return cls(*np.transpose([_through(column, weight) for column in at.T]))

    @property
    def sound(self) -> bool:
        """Whether all numbers are finite, and all curves rise."""
        numbers = np.array([getattr(self, part.name) for part in fields(self)])
        rising = np.all(self.above > 0) and np.all(self.below > 0)
        return bool(rising and np.all(np.isfinite(numbers)))

    def at(self, x: Array) -> Array:
        """Coordinates, shape (..., D)."""
        p, n = _sides(x)
        right, left = p * (self.above + self.above_tail * p), n * (self.below + self.below_tail * n)
        return np.asarray(self.location + right - left)

    def log_slope(self, x: Array) -> Array:
        """Log derivative of each, shape (..., D)."""
        p, n = _sides(x)
        right = p * (self.above + 2 * self.above_tail * p)
        left = n * (self.below + 2 * self.below_tail * n)
        return np.asarray(np.log((right + left) / np.sqrt(1 + np.square(x))))

    def scores(self, at: Array) -> Array:
        """X of coordinates, (S, D), between points of a grid; at most 74 to either side."""
        x = np.sinh(GRID)
        grid = self.at(x[:, None] + np.zeros_like(self.location))
        return np.column_stack(
            [np.interp(column, known, x) for column, known in zip(at.T, grid.T, strict=True)]
        )


def _sides(x: Array) -> tuple[Array, Array]:
    """Give p and 1/p. What cancels in the smaller one is nothing beside the other's term."""
    arc = np.sqrt(1 + np.square(x))
    return x + arc, arc - x


def _through(at: Array, weight: Array) -> Array:
    """Location, above, above_tail, below and below_tail of one coordinate."""
    order = np.argsort(at)
    mass = np.cumsum(weight[order]) - 0.5 * weight[order]
    quantile = np.interp(special.ndtr(SCORES), mass, at[order])
    p, n = _sides(SCORES)
    columns = np.column_stack([p, np.square(p), -n, -np.square(n)])
    share = np.square(CARE) / np.square(CARE).sum()
    middle, columns_middle = share @ quantile, share @ columns
    columns = columns - columns_middle
    slope = (share * SCORES) @ quantile / (share @ np.square(SCORES))
    least = 0.5 * LEAST * slope * np.array([1.0, 0.0, 1.0, 0.0])
    rest = quantile - middle - columns @ least
    found = least + optimize.nnls(CARE[:, None] * columns, CARE * rest)[0]
    return np.concatenate([[middle - columns_middle @ found], found])
