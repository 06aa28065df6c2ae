"""Coefficients of monotonic effects, sampled as what the data know of them whatever the simplex.

With m the column at a simplex and r the same where the coordinates are (`Simplexes.at`), what is
sampled in place of the coefficient b is b s, with s = sum(w r m) / sum(w r r) over rows of weights
w, and in place of the Intercept what the linear predictor is at the mean of the rows. A category
that no row has, whose share of the change only the prior knows, then moves b and not the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.priors import R2D2, Horseshoe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coefficients import Coefficients
    from winstan.design import Stacked
    from winstan.monotonic import Simplexes
    from winstan.priors import Priors


@dataclass(frozen=True, slots=True, eq=False)
class CurvedColumn:
    """A population column that simplexes bend.

    Attributes
    ----------
    at : int or None
        The place of its coefficient among the P that are sampled; None of a constant one.
    constant : float
        That constant.
    product : int
        Place in `Simplexes.products`.
    x, center, reference : ndarray, shape (B * C,)
        With equal steps; what centring takes of it; at `Simplexes.at`, centred.
    slope : ndarray, shape (B * C,)
        Weights of its rows that give s; zero where b itself is sampled.
    mean : ndarray, shape (B * C,)
        Weights of its rows that give its mean; zero where the Intercept does not follow it.
    """

    at: int | None
    constant: float
    product: int
    x: Array
    center: Array
    reference: Array
    slope: Array
    mean: Array

    @property
    def scaled(self) -> bool:
        """Whether what is sampled is b s."""
        return bool(self.slope.any())


def curved_columns(
    simplexes: Simplexes,
    stacked: Stacked,
    cells: Cells,
    coefficients: Coefficients,
    priors: Priors,
    population: Array,
) -> tuple[CurvedColumn, ...]:
    """Return the columns that simplexes bend.

    Parameters
    ----------
    simplexes, stacked, cells, coefficients, priors
    population : ndarray, shape (B * C, 1 + K) or (B * C, K)
        All coefficients' columns, at `Simplexes.at`, centred.
    """
    raw_reference = simplexes.at_reference(cells).X
    place = np.cumsum(coefficients.sampled) - 1
    first, weight = int(stacked.intercept), np.tile(cells.weight, cells.blocks)

    def free(k: int) -> bool:
        prior = priors.of(coefficients.names[k])
        shared = isinstance(prior, Horseshoe | R2D2)
        return bool(coefficients.sampled[k]) and not prior.bounded and not shared

    follows = bool(first) and free(0)
    in_first = (np.arange(len(weight)) < cells.n) * weight / cells.weight.sum()
    out = []
    for k in np.flatnonzero(simplexes.column_product >= 0).tolist():
        c, r = k + first, raw_reference[:, k]
        out.append(
            CurvedColumn(
                at=int(place[c]) if coefficients.sampled[c] else None,
                constant=float(coefficients.constant[c]),
                product=int(simplexes.column_product[k]),
                x=cells.X[:, k],
                center=r - population[:, c],
                reference=population[:, c],
                slope=weight * r / (weight * r @ r) if free(c) else np.zeros_like(r),
                mean=in_first if follows and stacked.block[k] == 0 else np.zeros_like(r),
            )
        )
    return tuple(out)


def raw_columns(
    simplexes: Simplexes, stacked: Stacked, cells: Cells, coefficients: Coefficients
) -> tuple[Array, np.ndarray, np.ndarray]:
    """Return what `winstan.approximation.simplexes.fit_simplexes` takes beside the problem."""
    ones = np.ones((len(cells.X), int(stacked.intercept)))
    raw = np.hstack([ones, cells.X])[:, coefficients.sampled]
    product = simplexes.coefficients(stacked)[coefficients.sampled]
    return raw, product, np.tile(cells.steps, (cells.blocks, 1))


def to_coefficients(
    columns: Sequence[CurvedColumn], simplexes: Simplexes, cells: Cells, beta: Array, pieces: Any
) -> Array:
    """Return the coefficients, shape (..., P), of what is sampled in their place.

    Parameters
    ----------
    columns, simplexes, cells
    beta : ndarray, shape (..., P)
    pieces : sequence of ndarray, shape (...) each
        Of the simplexes.
    """
    out = beta.copy()
    for column, size, mean in _sizes(columns, simplexes, cells, pieces):
        b = column.constant if column.at is None else beta[..., column.at]
        if column.at is not None:
            out[..., column.at] = b / size
        if column.mean.any():
            out[..., 0] -= b * mean
    return out


def to_sampled(
    columns: Sequence[CurvedColumn], simplexes: Simplexes, cells: Cells, beta: Array, pieces: Any
) -> Array:
    """Return what is sampled in place of coefficients: the inverse of `to_coefficients`."""
    out = beta.copy()
    for column, size, mean in _sizes(columns, simplexes, cells, pieces):
        b = column.constant if column.at is None else beta[..., column.at] * size
        if column.at is not None:
            out[..., column.at] = b
        if column.mean.any():
            out[..., 0] += b * mean
    return out


def _sizes(
    columns: Sequence[CurvedColumn], simplexes: Simplexes, cells: Cells, pieces: Any
) -> Iterator[tuple[CurvedColumn, Array, Array]]:
    """Give each column with its s, and the mean of what it adds to its reference, shape (...)."""
    heights = [[1.0, *own] for own in simplexes.heights(pieces)]
    for column in columns:
        which = simplexes.products[column.product]
        steps, of_row = np.unique(cells.steps[:, which], axis=0, return_inverse=True)
        of_row = np.tile(of_row.ravel(), cells.blocks)
        slope, mean = (np.bincount(of_row, w * column.x) for w in (column.slope, column.mean))
        size: Any = 0.0
        total: Any = 0.0
        for x, of_slope, of_mean in zip(steps.tolist(), slope, mean, strict=True):
            factor: Any = 1.0
            for v, step in zip(which, x, strict=True):
                factor = factor * heights[v][step]
            size, total = size + of_slope * factor, total + of_mean * factor
        size = size if column.scaled else 1.0
        centered = total - column.mean @ column.center
        yield column, size, centered / size - column.mean @ column.reference
