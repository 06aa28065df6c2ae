"""What families of successes have in common that ``stan/trials.stan`` serves: named tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.cellwise import tally_by_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.sample import Sample


def named_tally(
    name: str, sample: Sample, cell: np.ndarray, *, by_cell: bool = True
) -> dict[str, Any]:
    """Count the distinct responses above zero of each cell, or of all: ``{name}_value`` and so on.

    Zeros are left out: what is asked of these tallies is nothing at zero.
    """
    tally = tally_by_cell(sample, cell if by_cell else np.zeros_like(cell))
    kept = tally["value"] > 0
    return {
        f"V_{name}": int(np.count_nonzero(kept)),
        f"{name}_cell": tally["cell"][kept] if by_cell else np.zeros(0, int),
        f"{name}_value": tally["value"][kept],
        f"{name}_tally": tally["tally"][kept],
    }


def no_tally(name: str) -> dict[str, Any]:
    """Return a tally of nothing."""
    return {
        f"V_{name}": 0,
        f"{name}_cell": np.zeros(0, int),
        f"{name}_value": np.zeros(0),
        f"{name}_tally": np.zeros(0),
    }


def tally_of(name: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tally as `winstan.families.rising.log_rising_by_cell` takes it."""
    return {
        "V": stats[f"V_{name}"],
        "cell": stats[f"{name}_cell"],
        "excess": stats[f"{name}_value"],
        "tally": stats[f"{name}_tally"],
    }


def sum_of_tally(name: str, stats: Mapping[str, Any], values: Array, n_cells: int) -> Array:
    """Sum values of the pairs of a tally over its cells, shape (C,)."""
    by_row = stats[f"{name}_tally"] * values
    return np.bincount(stats[f"{name}_cell"] - 1, by_row, minlength=n_cells)
