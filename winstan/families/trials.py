"""What families of successes have in common that ``stan/trials.stan`` serves: named tallies.

A log rising factorial of y is a sum over k < y, so that a cell needs either its distinct values, or
of each k how many of its rows are above it: the latter, where these are not far more than the
former, is a single logarithm each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.cellwise import of_rows, tally_by_cell
from winstan.families.namespace import NUMPY
from winstan.families.rising import log_rising_by_cell, rising_slope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample

# What a rising factorial by its series costs, in logarithms.
SERIES = 13


def named_tally(name: str, sample: Sample, cell: np.ndarray) -> dict[str, Any]:
    """Count the distinct responses above zero of each cell: ``{name}_value`` and so on."""
    tally = tally_by_cell(sample, cell)
    kept = tally["value"] > 0
    return _named(name, tally["cell"][kept], tally["value"][kept], tally["tally"][kept])


def rising_tally(
    name: str, sample: Sample, cell: np.ndarray, *, by_cell: bool = True
) -> dict[str, Any]:
    """Return what the rising factorials of responses need, of each cell or of all together."""
    tally = named_tally(name, sample, cell if by_cell else np.zeros_like(cell))
    at, value = tally[f"{name}_cell"] - 1, tally[f"{name}_value"]
    most = np.zeros(int(at.max(initial=-1)) + 1)
    np.maximum.at(most, at, value)
    factors = np.maximum(most - 1, 0)
    if factors.sum() <= SERIES * value.size:
        tally = _above(name, tally, factors.astype(int))
    if not by_cell:
        tally[f"{name}_cell"] = np.zeros(0, int)
    return tally


def _above(name: str, tally: Mapping[str, Any], factors: np.ndarray) -> dict[str, Any]:
    """Count of each k from one up, below the cell's largest response, the rows above it."""
    end = np.cumsum(factors)
    start = end - factors
    at, value = tally[f"{name}_cell"] - 1, tally[f"{name}_value"].astype(int)
    some = value > 1
    rows = tally[f"{name}_tally"][some]
    own = np.bincount(start[at[some]] + value[some] - 2, rows, minlength=int(factors.sum()))
    from_here = np.append(np.cumsum(own[::-1])[::-1], 0.0)
    cell = np.repeat(np.arange(factors.size), factors)
    above = from_here[:-1] - from_here[end][cell]
    k = np.arange(cell.size) - start[cell] + 1.0
    return _named(name, cell + 1, k, above, by_factor=True)


def no_tally(name: str) -> dict[str, Any]:
    """Return a tally of nothing."""
    return _named(name, np.zeros(0, int), np.zeros(0), np.zeros(0))


def _named(
    name: str, cell: np.ndarray, value: Array, tally: Array, *, by_factor: bool = False
) -> dict[str, Any]:
    return {
        f"V_{name}": value.size,
        f"{name}_by_factor": int(by_factor),
        f"{name}_cell": cell,
        f"{name}_value": value,
        f"{name}_tally": tally,
    }


def log_rising_of(name: str, stats: Mapping[str, Any], shape: Any, xp: Namespace = NUMPY) -> Any:
    """Sum the log rising factorials of a tally by a shape: a number, or one of each cell."""
    cell, value, tally = _parts(name, stats)
    if stats[f"{name}_by_factor"]:
        return xp.dot(tally, xp.log1p(value / of_rows(shape, cell - 1)))
    of = {"V": stats[f"V_{name}"], "cell": cell, "excess": value, "tally": tally}
    return log_rising_by_cell(of, shape, xp)


def rising_slopes_of(name: str, stats: Mapping[str, Any], shape: Array) -> Array:
    """Sum the derivatives of a tally's log rising factorials by the shape, over cells: (C,)."""
    cell, value, _ = _parts(name, stats)
    own = shape[cell - 1]
    if stats[f"{name}_by_factor"]:
        slope = -value / (own * (own + value))
    else:
        slope = rising_slope(value, own)
    return sum_of_tally(name, stats, slope, shape.size)


def sum_of_tally(name: str, stats: Mapping[str, Any], values: Array, n_cells: int) -> Array:
    """Sum values of the pairs of a tally over its cells, shape (C,)."""
    cell, _, tally = _parts(name, stats)
    return np.bincount(cell - 1, tally * values, minlength=n_cells)


def _parts(name: str, stats: Mapping[str, Any]) -> tuple[np.ndarray, Array, Array]:
    cell, value, tally = (stats[f"{name}_{part}"] for part in ("cell", "value", "tally"))
    return cell, value, tally
