"""Exact compression: rows that share every predictor and every group level become one cell.

The likelihood of a cell needs only the family's sufficient statistics of its rows, so that the cost
of a gradient depends on the number of distinct cells and not on the number of rows. Nothing is
approximated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import distinct_codes
from winstan.families.sample import Sample, sum_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.design import Design, Stacked
    from winstan.families import Family
    from winstan.families.family import Statistics
    from winstan.families.links import Link


@dataclass(frozen=True, slots=True)
class Cells:
    """The distinct rows of the design, with what the likelihood needs of the data in each.

    Attributes
    ----------
    design_row : ndarray of int, shape (C,)
        A row of the `Design` that stands for each cell.
    of_row : ndarray of int, shape (N,)
        The cell of each row of data.
    weight : ndarray, shape (C,)
        Rows in each cell: the sum of their frequency weights.
    blocks : int
        Linear predictors, B: those of the mean and of the other predicted parameters.
    X : ndarray, shape (B * C, K)
        Population-level predictors, as they are, without the Intercept; block by block, each zero
        in the columns of the others.
    Z : tuple of ndarray, shape (B * C, q) each
        Predictors of each group term's effects.
    level : tuple of ndarray of int, shape (B * C,) each
        Level of each group term's factor.
    offset : ndarray, shape (B * C,)
        Zero where the family takes the offset into its statistics.
    statistics : mapping
        Sufficient statistics, named as in the family's template.
    sample : Sample
        The rows themselves, offsets moved: what the statistics were taken from.
    labels : tuple
        Of the response's categories; none of numbers.
    steps : ndarray of int, shape (C, V)
        Of the monotonic predictors of all blocks.
    """

    design_row: np.ndarray
    of_row: np.ndarray
    weight: Array
    blocks: int
    X: Array
    Z: tuple[Array, ...]
    level: tuple[np.ndarray, ...]
    offset: Array
    statistics: Statistics
    sample: Sample
    labels: tuple[Any, ...] = ()
    steps: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), int))

    @property
    def n(self) -> int:
        """Number of cells, C."""
        return self.design_row.size

    def of_block(self, values: np.ndarray, block: int) -> np.ndarray:
        """Take the rows of one block out of those of all, shape (C, ...)."""
        return values if self.blocks == 1 else values[block * self.n : (block + 1) * self.n]


def compress(design: Design, stacked: Stacked, family: Family, link: Link) -> Cells:
    """Gather the rows of a design into cells.

    Parameters
    ----------
    design
        N rows of data on D design rows.
    stacked
        The linear predictors of its parameters.
    family, link
        They decide which statistics are kept, and whether rows that differ by their offset alone
        can share a cell.

    Returns
    -------
    Cells
    """
    response = design.response
    offset, *others = stacked.offset
    has_offset = bool(np.any(offset))
    each = offset[design.row] if has_offset else np.broadcast_to(0.0, response.y.shape)
    sample = sample_of(design, each)
    if has_offset and link.name in family.absorbs_offset:
        sample = family.absorbs_offset[link.name](sample)
        offset = np.zeros_like(offset)

    columns = [*stacked.X.T, offset, *others, *stacked.steps.T]
    for group in stacked.groups:
        columns += [*group.Z.T, group.level]
    of_design_row, first = distinct(columns, design.X.shape[0])
    n_cells = first.size
    of_row = design.row if n_cells == of_design_row.size else of_design_row[design.row]
    return Cells(
        design_row=first,
        of_row=of_row,
        weight=sum_by(of_row, design.weights, n_cells),
        blocks=len(others) + 1,
        X=_in_blocks(stacked.X[first], stacked.block, len(others) + 1),
        Z=tuple(
            _in_blocks(group.Z[first], block, len(others) + 1)
            for group, block in zip(stacked.groups, stacked.group_block, strict=True)
        ),
        level=tuple(np.tile(group.level[first], len(others) + 1) for group in stacked.groups),
        offset=np.concatenate([part[first] for part in (offset, *others)]),
        statistics=family.statistics(sample, of_row, n_cells, stacked.parameters[1:]),
        sample=sample,
        labels=response.categories or (),
        steps=stacked.steps[first],
    )


def sample_of(design: Design, offset: Array) -> Sample:
    """Return the response of a design row by row, with an offset for each, shape (N,)."""
    response = design.response
    return Sample(
        response.y,
        design.weights,
        offset,
        response.trials,
        categories=len(response.categories or ()),
        limits=response.limits,
        moments=response.moments,
    )


def _in_blocks(columns: Array, block: np.ndarray, n_blocks: int) -> Array:
    """Put columns, shape (C, k), into the rows of their blocks: shape (B * C, k)."""
    if n_blocks == 1:
        return columns
    out = np.zeros((n_blocks, *columns.shape))
    for k, b in enumerate(block):
        out[b, :, k] = columns[:, k]
    return out.reshape(n_blocks * len(columns), columns.shape[1])


def distinct(columns: Iterable[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Tell the distinct rows of some columns of length n.

    Returns
    -------
    code : ndarray of int, shape (n,)
        The number of each row.
    first : ndarray of int
        The first row of each number.
    """
    changing = (column for column in columns if n and np.any(column != column[0]))
    factorized = (pd.factorize(column) for column in changing)
    first, code = distinct_codes(((codes, len(values)) for codes, values in factorized), n)
    return code, first
