"""What results are given for and averaged over: the levels of `by`, and the weights of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.effects.comparisons import check_predictor, has_labels, listed, settle_value
from winstan.effects.means import (
    designs_of,
)
from winstan.errors import OptionError
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.effects.specification import Specified


# A numeric `by` with more values than these is set to its mean and one sd to either side.
MOST_VALUES = 6


@dataclass(frozen=True, slots=True)
class Strata:
    """The levels that results are given for, and the rows that each of them averages.

    Attributes
    ----------
    by : str or None
    levels : tuple
        Values of `by`; a single None without it.
    weights : ndarray, shape (L, D)
        Of the design's rows, for each level; they sum to one.
    sets : bool
        Whether `by` is set to the level in every row, in place of choosing the rows that have it.
    """

    by: str | None
    levels: tuple[Any, ...]
    weights: Array
    sets: bool = False


def strata(model: Specified, by: str | Mapping[str, Iterable[Any]] | None) -> Strata:
    """Find the levels of `by` and the weights of the rows.

    Parameters
    ----------
    model
    by
        A column: its levels, each averaged over the rows that have it; of a number with more than
        six values, the mean and one sd to either side, set in every row. ``{"x": [1, 5]}`` sets x
        in every row to the values given.

    Raises
    ------
    OptionError
        If it is no predictor, or a value is no level of it.
    """
    given: Iterable[Any] | None = None
    if isinstance(by, Mapping):
        if len(by) != 1:
            raise OptionError(f"by= takes one column with its values, not {len(by)} of them.")
        (by, given), *_ = by.items()
    everything = np.ones((1, len(model.design.predictors)), bool)
    if by is None:
        return Strata(None, (None,), _weights(model, everything))
    check_predictor(model, by, "by=")
    check_label(by)
    column = model.design.predictors[by]
    categories = (
        column.cat.categories
        if isinstance(column.dtype, pd.CategoricalDtype)
        else pd.Index(np.sort(column.unique()))
    )
    if given is None and len(categories) > MOST_VALUES and not has_labels(model, by):
        weight = row_weights(model)
        x = column.to_numpy(float)
        mean, sd = np.average(x, weights=weight), spread(x, weight)
        # The mean of a centred column is a rounding error away from zero.
        mean = 0.0 if abs(mean) < 1e-12 * sd else mean
        given = [float(mean - sd), float(mean), float(mean + sd)]
    if given is not None:
        levels = tuple(settle_value(model, by, value) for value in listed(given))
        if not levels:
            raise OptionError(f"by= has no values for {by!r}.")
        return Strata(by, levels, _weights(model, everything), sets=True)
    levels = tuple(categories.tolist())
    members = np.stack([column.to_numpy() == level for level in levels])
    return Strata(by, levels, _weights(model, members))


def row_weights(model: Specified) -> Array:
    """Rows of the data behind each distinct row, by frequency weight, shape (D,)."""
    design = model.design
    return np.bincount(design.row, design.weights, minlength=len(design.predictors)).astype(float)


def check_label(name: str) -> None:
    """Refuse a column whose name a table of results has for itself."""
    if name in ("contrast", "draw", "groups", "value", "mean", "sd", "p_direction", "p_rope"):
        raise OptionError(
            f"The column {name!r} has the name of a column of the result. Rename it, and fit again."
        )


def _weights(model: Specified, members: np.ndarray) -> Array:
    """Weights of the design rows for each set of them, shape (L, D); each level's sum to one.

    Rows that differ by the treatment alone are averaged as they are: the counterfactual treats
    them alike. Groups count equally, rows within a group by their number.
    """
    weight = row_weights(model)
    levels = [group.level for design in designs_of(model) for group in design.groups]
    if levels:
        levels_of_row = np.stack(levels)
        codes = np.unique(levels_of_row, axis=1, return_inverse=True)[1].reshape(-1)
    else:
        codes = np.zeros(len(weight), int)
    out = np.zeros(members.shape)
    for row, member in zip(out, members, strict=True):
        inside = np.where(member, weight, 0.0)
        of_group = np.bincount(codes, inside)
        present = of_group > 0
        row[:] = inside / np.where(present, of_group, 1.0)[codes] / np.count_nonzero(present)
    return out
