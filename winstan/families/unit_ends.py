"""What families of shares that may be exactly 0 or 1 have in common.

Between the ends a share is beta, of mean mu and precision phi, so that a cell needs how many rows
are at either end, and the beta's statistics of the others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import beta
from winstan.families.zeros import LEAST

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Score, Statistics
    from winstan.families.links import Link
    from winstan.families.sample import Sample


def inside(sample: Sample) -> tuple[np.ndarray, Sample]:
    """Return which rows are between the ends, and these."""
    kept = (sample.y > 0) & (sample.y < 1)
    some = replace(
        sample,
        y=sample.y[kept],
        offset=sample.offset[kept],
        weight=None if sample.weight is None else sample.weight[kept],
    )
    return kept, some


def rows_inside(sample: Sample) -> Sample:
    """Return the rows between the ends."""
    return inside(sample)[1]


def end_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> dict[str, Any]:
    """Rows at either end, and the beta's statistics of the others, per cell."""
    kept, some = inside(sample)
    return {
        "n_zero": sample.by_cell(cell, n_cells, (sample.y == 0).astype(float)),
        "n_one": sample.by_cell(cell, n_cells, (sample.y == 1).astype(float)),
        **beta.statistics(some, cell[kept], n_cells),
    }


def beta_score(
    score: Score, stats: Statistics, eta: Array, aux: Any, link: Link
) -> tuple[Array, Array]:
    """Score and information by one of the beta's parameters, of the rows between the ends."""
    slope, _ = score(stats, eta, aux, link)
    # A cell without such rows tells next to nothing of it.
    rows = np.maximum(stats["n"], LEAST * (stats["n"] + stats["n_zero"] + stats["n_one"]))
    _, information = score({**stats, "n": rows}, eta, aux, link)
    return slope, information


def beta_log_density(y: Array, eta: Array, aux: Any, link: Link) -> Array:
    """Log density of a beta at the rows between the ends; any number elsewhere."""
    return beta.log_density(np.where((y > 0) & (y < 1), y, 0.5), eta, aux, link, None)
