"""Rows that each stand for several rows of the data, as an engine grouped them.

Where the response's values repeat, such rows share the response, and their count is all that there
is to say. Where they do not, the response's mean, and the sum of squares about it, stand for its
values; and those of its functions that a family's likelihood needs beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """A function of the response over the rows that each of N rows stands for.

    Attributes
    ----------
    mean : ndarray, shape (N,)
        By weight.
    squares : ndarray, shape (N,)
        Sum of squares about it, by weight.
    """

    mean: Array
    squares: Array

    def taken(self, rows: np.ndarray) -> Moments:
        """Return those of some rows."""
        return Moments(self.mean[rows], self.squares[rows])

    def shifted(self, by: Array) -> Moments:
        """Return those of the function plus `by`, shape (N,)."""
        return Moments(self.mean + by, self.squares)

    def scaled(self, by: Array) -> Moments:
        """Return those of the function times `by`, shape (N,)."""
        return Moments(self.mean * by, self.squares * np.square(by))


@dataclass(frozen=True, slots=True, eq=False)
class RowSample:
    """Some single rows, n of them, each of all rows with the same chance.

    Attributes
    ----------
    at : ndarray of int, shape (n,)
        The one of N rows that stands for each.
    y : ndarray, shape (n,), or None
        The response; None where the N rows have it.
    weight : ndarray, shape (n,), or None
        The user's frequency weights, if there are any.
    """

    at: np.ndarray
    y: Array | None = None
    weight: Array | None = None

    def taken(self, place: np.ndarray) -> RowSample:
        """Return those of some of the N rows; `place`, shape (N,), is -1 of the others."""
        kept = self.some(np.flatnonzero(place[self.at] >= 0))
        return replace(kept, at=place[kept.at])

    def some(self, which: np.ndarray) -> RowSample:
        """Return some of them, by their places among the n."""
        return RowSample(
            self.at[which],
            None if self.y is None else self.y[which],
            None if self.weight is None else self.weight[which],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """How N rows stand for more.

    Attributes
    ----------
    count : ndarray, shape (N,)
        Rows of the data that each stands for.
    engine : str
        What grouped them: ``DuckDB``.
    moments : mapping of str to Moments
        By function of the response, see `FUNCTIONS`; none where rows share the response as well.
    sample : RowSample or None
        Some of the rows themselves; None of a fit that was kept without them.
    """

    count: Array
    engine: str
    moments: Mapping[str, Moments] = field(default_factory=dict)
    sample: RowSample | None = None

    @property
    def n(self) -> int:
        """Rows of the data in use."""
        return int(self.count.sum())

    def taken(self, rows: np.ndarray) -> Grouped:
        """Return some of the rows."""
        moments = {name: own.taken(rows) for name, own in self.moments.items()}
        place = np.full(self.count.size, -1)
        place[rows] = np.arange(place[rows].size)
        return replace(
            self,
            count=self.count[rows],
            moments=moments,
            sample=None if self.sample is None else self.sample.taken(place),
        )


IDENTITY, LOG, LOG_REST = "identity", "log", "log_rest"

FUNCTIONS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {IDENTITY: lambda y: y, LOG: np.log, LOG_REST: lambda y: np.log1p(-y)}
)
"""Functions of the response whose means are sufficient for some family, by name: log(1 - y) is
``log_rest``."""
