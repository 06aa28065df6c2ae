"""What families with zeros of their own have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample

# What rows above zero tell of their mean where a cell has none: next to nothing, and above zero.
LEAST = 1e-6
# The largest double below one.
LARGEST_SHARE = 1 - 2.0**-53


def zero_rows(sample: Sample, cell: np.ndarray, n_cells: int) -> dict[str, Array]:
    """Count the zeros, and the rows above zero, of each cell by weight."""
    n_zero = sample.by_cell(cell, n_cells, (sample.y == 0).astype(float))
    return {"n_zero": n_zero, "n_above": sample.by_cell(cell, n_cells) - n_zero}


def above_zero(sample: Sample, *, logged: bool = False) -> tuple[np.ndarray, Sample]:
    """Return which rows are above zero, and these, or their logarithms."""
    kept = sample.y > 0
    some = sample.taken(kept)
    return kept, replace(some, y=np.log(some.y)) if logged else some


def positive_part(sample: Sample) -> Sample:
    """Return the rows above zero."""
    return above_zero(sample)[1]


def log_odds(share: Any, xp: Namespace) -> tuple[Any, Any]:
    """Return the logit of a probability, and the logarithm of one less it."""
    share = xp.minimum(share, LARGEST_SHARE)
    log_rest = xp.log1p(-share)
    return xp.log(share) - log_rest, log_rest


def log_sum(one: Any, other: Any, xp: Namespace) -> Any:
    """Return log(exp(one) + exp(other)), about the larger of the two."""
    more = one - other
    return xp.where(more > 0, one - xp.log_expit(more), other - xp.log_expit(-more))
