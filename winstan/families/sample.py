"""The rows of the response as a family takes them, and sums over them by weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.data.grouped import FUNCTIONS, IDENTITY, Moments

if TYPE_CHECKING:
    from winstan._typing import Array


MEASURED, LEFT, RIGHT, INTERVAL = 0, -1, 1, 2
"""How a response is known: as it is, at most y, at least y (of counts: more), or between y and an
upper end."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What rows say of their response beside its value.

    Attributes
    ----------
    status : ndarray of int, shape (N,), or None
        `MEASURED`, `LEFT`, `RIGHT` or `INTERVAL`; None where all are measured.
    upper : ndarray, shape (N,), or None
        Ends of intervals, of other rows the response; None where no row is an interval.
    lb, ub : ndarray, shape (N,), or None
        Between which a response was seen at all, ends included; None is without end.
    error : ndarray, shape (N,), or None
        Known standard errors.
    with_sigma : bool
        Whether there is a sigma beside them.
    """

    status: np.ndarray | None = None
    upper: Array | None = None
    lb: Array | None = None
    ub: Array | None = None
    error: Array | None = None
    with_sigma: bool = False

    @property
    def censored(self) -> int:
        """Rows that are no measured value."""
        return 0 if self.status is None else int(np.count_nonzero(self.status))

    @property
    def truncated(self) -> bool:
        """Whether responses beyond some value were not seen."""
        return self.lb is not None or self.ub is not None

    @property
    def mostly_beyond(self) -> bool:
        """Whether most are only known to be beyond a limit, or none beyond it was seen."""
        return self.truncated or (self.status is not None and 2 * self.censored > self.status.size)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """What is given, by name."""
        every = {
            "status": self.status,
            "upper": self.upper,
            "lb": self.lb,
            "ub": self.ub,
            "error": self.error,
        }
        return {name: values for name, values in every.items() if values is not None}

    def __getitem__(self, rows: np.ndarray | slice) -> Limits:
        """Return those of some rows."""
        return Limits(
            **{name: values[rows] for name, values in self.columns.items()},
            with_sigma=self.with_sigma,
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """The response row by row, as a family takes it.

    Attributes
    ----------
    y, offset : ndarray, shape (N,)
        Response and offset of each row.
    weight : ndarray, shape (N,), or None
        Frequency weights; None is one, which takes no memory.
    size : ndarray, shape (N,), or None
        Trials (binomial) or exposure (poisson) of each row; None is one.
    categories : int
        How many there are, where `y` holds their places from 0 up; 0 of numbers.
    log_jacobian : float
        What a change of variable made so far adds to the log density.
    limits : Limits or None
        Where responses are censored, truncated, or have known errors.
    moments : mapping of str to Moments
        By function of the response, of rows that each stand for several: `y` is then their mean.
    """

    y: Array
    weight: Array | None
    offset: Array
    size: Array | None = None
    log_jacobian: float = 0.0
    categories: int = 0
    limits: Limits | None = None
    moments: Mapping[str, Moments] = field(default_factory=dict)

    def mean_of(self, function: str) -> Array:
        """Return a function of each response, its mean where a row stands for several, (N,)."""
        return self.moments[function].mean if self.moments else FUNCTIONS[function](self.y)

    def transformed(self, function: str) -> Sample:
        """Return the sample of a function of the response."""
        moments = {IDENTITY: self.moments[function]} if self.moments else {}
        return replace(self, y=self.mean_of(function), moments=moments)

    @property
    def squares(self) -> Array | None:
        """Sum of squares about `y` of the rows that each stands for; None where it is one."""
        return self.moments[IDENTITY].squares if self.moments else None

    def weighted(self, values: Array) -> Array:
        """Multiply the values of rows by their weights."""
        return values if self.weight is None else self.weight * values

    def total(self, values: np.ndarray) -> float:
        """Sum over rows by weight."""
        return float(values.sum() if self.weight is None else self.weight @ values)

    @property
    def trials(self) -> float:
        """Sum of the trials, or of the exposures."""
        if self.size is not None:
            return self.total(self.size)
        return float(self.y.size if self.weight is None else self.weight.sum())

    def taken(self, rows: np.ndarray) -> Sample:
        """Return some of the rows."""
        return replace(
            self,
            y=self.y[rows],
            offset=self.offset[rows],
            weight=None if self.weight is None else self.weight[rows],
            size=None if self.size is None else self.size[rows],
            limits=None if self.limits is None else self.limits[rows],
            moments={name: own.taken(rows) for name, own in self.moments.items()},
        )

    def by_cell(self, cell: np.ndarray, n_cells: int, values: Array | None = None) -> Array:
        """Sum over the rows of each cell by weight; the weights themselves without values."""
        return sum_by(cell, self.weight if values is None else self.weighted(values), n_cells)


def sum_by(code: np.ndarray, values: Array | None, n_codes: int) -> Array:
    """Sum values, shape (N,), by their codes; count them if there is nothing to sum."""
    return np.bincount(code, values, minlength=n_codes).astype(np.float64, copy=False)
