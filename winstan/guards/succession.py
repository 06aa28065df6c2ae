"""Whether numbers of rows that follow each other are alike: against the same rows in other orders.

A unit's own mean and straight lines are taken out, a skew or an outlier stand in all orders, and
where conditions come in blocks, only rows of one condition change places: what a unit answers to it
is then the same in all orders.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array

# The correlation of neighbours that is told best.
HALF = 0.5
# Numbers that are drawn for other orders, and orders at least and most.
DRAWN, FEWEST_ORDERS, MOST_ORDERS = 400_000, 99, 999
AT_ONCE = 100
# Of the square of a unit's numbers: what is less is left by rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Succession:
    """Rows of units, one after the other.

    Attributes
    ----------
    unit : ndarray of int, shape (N,)
        In order, from 0.
    start : ndarray of int
        The first row of each unit.
    lines : tuple of ndarray, shape (N,)
        What is taken out of each unit's numbers beside their mean: orthonormal in each.
    """

    unit: np.ndarray
    start: np.ndarray
    lines: tuple[Array, ...] = ()

    @classmethod
    def of(cls, unit: np.ndarray, lines: Sequence[Array] = ()) -> Succession:
        """Take rows that stand unit by unit, and columns whose effects each unit has of its own."""
        first = np.r_[True, unit[1:] != unit[:-1]]
        out = cls(np.cumsum(first) - 1, np.flatnonzero(first))
        for line in lines:
            x = out.within(line)
            size = out._sums(np.square(x))
            told = size > ROUNDING * np.maximum(out._sums(np.square(line)), 1e-300)
            scale = np.where(told, 1 / np.sqrt(np.where(told, size, 1.0)), 0.0)
            out = cls(out.unit, out.start, (*out.lines, x * scale[out.unit]))
        return out

    @property
    def follows(self) -> np.ndarray:
        """Whether each row but the first follows another of its unit, shape (N - 1,)."""
        return np.asarray(self.unit[1:] == self.unit[:-1])

    @property
    def pairs(self) -> int:
        """How many do."""
        return self.unit.size - self.start.size

    def within(self, e: Array) -> Array:
        """Take each unit's mean and lines out of numbers, shape (..., N)."""
        e = e - (self._sums(e) / np.bincount(self.unit))[..., self.unit]
        for line in self.lines:
            e = e - self._sums(e * line)[..., self.unit] * line
        return e

    def correlation(self, e: Array) -> tuple[float, float]:
        """Correlate neighbours: as they stand, and what independent rows would have.

        Without the one where nothing varies. Means and lines that are taken out leave neighbours
        unlike: of ten rows -0.11, of ten without a line of their own -0.22.

        Parameters
        ----------
        e : ndarray, shape (N,)
            After `within`.
        """
        square = np.square(e)
        size = float(square.mean()) * self.pairs
        if not size > 0:
            return 0.0, 0.0
        found = float((e[1:] * e[:-1])[self.follows].sum())
        n = np.bincount(self.unit)
        lost, alike = np.ones(n.size), -(n - 1) / n  # columns taken out; their neighbours' products
        for line in self.lines:
            lost += self._sums(np.square(line))
            alike -= self._sums(np.r_[line[1:] * line[:-1] * self.follows, 0.0])
        expected = float((self._sums(square) / np.maximum(n - lost, 1) * alike).sum())
        return found / size, expected / size

    def chance(self, e: Array, alike: np.ndarray, most: float = 1.0) -> float:
        """Return the share of orders of rows alike whose neighbours are so much alike, or more.

        Parameters
        ----------
        e : ndarray, shape (N,)
            After `within`.
        alike : ndarray of int, shape (N,)
            Rows of one number change places.
        most : float
            A share that is certain to be above it is not counted to its end.

        Notes
        -----
        An early end: Besag & Clifford (1991), Biometrika 78, 301-304.
        """
        n = e.size
        orders = min(max(DRAWN // n, FEWEST_ORDERS), MOST_ORDERS)
        # Orders of their own for each data set: of one list of orders all are as unlike chance
        rng = np.random.default_rng(zlib.crc32(np.round(e / np.abs(e).max(), 9).tobytes()))
        places = np.argsort(alike, kind="stable")
        own, as_many = self.statistic(e), 1
        at_once = min(max(DRAWN // n, 1), AT_ONCE)
        for first in range(0, orders, at_once):
            key = alike + rng.random((min(at_once, orders - first), n))
            other = np.empty(key.shape)
            other[:, places] = e[np.argsort(key, axis=1)]
            statistic = self.statistic(self.within(other))
            as_many += int(np.count_nonzero(statistic >= own - 1e-9 * abs(own)))
            if as_many > most * (orders + 1):
                break
        return as_many / (orders + 1)

    def statistic(self, e: Array) -> Array:
        """Say how much better AR(1) of one half fits than independence, the units' means free.

        What is the same in any order is left out; shape ``(..., N)`` gives ``(...)``.

        Notes
        -----
        The point-optimal invariant test: King (1987), Econometric Reviews 6, 169-218.
        """
        first = np.r_[True, ~self.follows]
        inside = ~(first | np.r_[first[1:], True])
        w = np.where(inside, (1 - HALF) ** 2, 1 - HALF)
        mean = self._sums(w * e) ** 2 / self._sums(w)
        products = np.where(self.follows, e[..., 1:] * e[..., :-1], 0.0).sum(axis=-1)
        inner = np.where(inside, np.square(e), 0.0).sum(axis=-1)
        return np.asarray(2 * HALF * products - HALF**2 * inner + mean.sum(axis=-1))

    def _sums(self, e: Array) -> Array:
        """Sum over each unit, shape (..., units)."""
        return np.add.reduceat(e, self.start, axis=-1)
