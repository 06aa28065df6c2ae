"""The rows of units in the order in which roots of their correlation matrices multiply them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm


@dataclass(frozen=True, slots=True, eq=False)
class UnitRows:
    """N rows, unit by unit, each in the order of its places; units of one pattern together.

    Attributes
    ----------
    rows : ndarray of int, shape (N,)
        The row that stands at each position.
    unit : ndarray of int, shape (J,)
        The unit that stands at each position among them.
    size : ndarray of int, shape (J,)
        Its rows.
    since : ndarray, shape (N,)
        From the row before; zero where a unit begins.
    pattern : ndarray of int, shape (J,)
        The pattern of places that a unit has, of `Structure.patterns`, or its size among those of
        ``cs``; zero of ``ar`` and ``car``.
    """

    rows: np.ndarray
    unit: np.ndarray
    size: np.ndarray
    since: Array
    pattern: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """Where each unit begins, shape (J,)."""
        return np.cumsum(self.size) - self.size

    @property
    def begins(self) -> np.ndarray:
        """Whether a unit begins at a position, shape (N,)."""
        out = np.zeros(self.rows.size, bool)
        out[self.starts] = True
        return out

    @property
    def back(self) -> np.ndarray:
        """The position of each row, shape (N,)."""
        out = np.empty_like(self.rows)
        out[self.rows] = np.arange(self.rows.size)
        return out

    @property
    def blocks(self) -> tuple[tuple[int, slice, int, int], ...]:
        """Each pattern, the positions of its rows, how many rows a unit of it has, and units."""
        out, at, j = [], 0, 0
        for k, count in zip(*np.unique(self.pattern, return_counts=True), strict=True):
            size = int(self.size[j])
            out.append((int(k), slice(at, at + size * int(count)), size, int(count)))
            at, j = at + size * int(count), j + int(count)
        return tuple(out)

    def renumbered(self, number: np.ndarray) -> UnitRows:
        """Return the same of rows that have other numbers: `number` of each, shape (N,)."""
        return UnitRows(number[self.rows], self.unit, self.size, self.since, self.pattern)

    def sums(self, values: Array) -> Array:
        """Sum values of positions, (S, N), over each unit, (S, J)."""
        return np.add.reduceat(values, self.starts, axis=1)


def unit_rows(term: ResidualTerm, pattern_of: Callable[[Array], int]) -> UnitRows:
    """Put the rows of a term in order; `pattern_of` is `Structure.pattern_of`."""
    sizes = term.sizes
    units = np.split(term.rows, np.cumsum(sizes)[:-1])
    pattern = np.array([pattern_of(term.place[rows]) for rows in units])
    order = np.argsort(pattern, kind="stable")
    rows = np.concatenate([units[j] for j in order])
    since = np.diff(term.place[rows], prepend=0.0)
    size = sizes[order]
    since[np.cumsum(size) - size] = 0.0
    return UnitRows(rows, order, size, since, pattern[order])
