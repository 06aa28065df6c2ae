"""The rows of the response as a family takes them, and sums over them by weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array


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
    """

    y: Array
    weight: Array | None
    offset: Array
    size: Array | None = None
    log_jacobian: float = 0.0
    categories: int = 0

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

    def by_cell(self, cell: np.ndarray, n_cells: int, values: Array | None = None) -> Array:
        """Sum over the rows of each cell by weight; the weights themselves without values."""
        return sum_by(cell, self.weight if values is None else self.weighted(values), n_cells)


def sum_by(code: np.ndarray, values: Array | None, n_codes: int) -> Array:
    """Sum values, shape (N,), by their codes; count them if there is nothing to sum."""
    return np.bincount(code, values, minlength=n_codes).astype(np.float64, copy=False)
