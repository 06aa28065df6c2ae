"""What the columns of the data are in what is asked: effects, labels, offsets, and their levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.calls import levels_of
from winstan.design.predictors import Coding
from winstan.effects.means import designs_of
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.effects.specification import Specified

# A number with more values than these is set to its mean and one sd to either side.
MOST_VALUES = 6


def coding_of(model: Specified, column: str) -> Coding:
    """Return a column's levels in the formula's order, its reference first; a number's values."""
    coding = model.design.columns[column].coding
    return coding or Coding(tuple(levels_of(model.design.predictors[column])))


def has_labels(model: Specified, column: str) -> bool:
    """Whether a column's values are labels: text, or numbers inside ``C()`` or of a group factor.

    Such numbers have no x + 1 and no slope.
    """
    if any(one.columns[column].coding for one in designs_of(model)):
        return True
    names_groups = any(one.columns[column].names_groups for one in model.design.every)
    return names_groups and column not in columns_of_effects(model)


def columns_of_effects(model: Specified) -> set[str]:
    """Columns of the common and the group effects: not of offsets, nor of factors alone."""
    return {
        name
        for one in designs_of(model)
        for name, predictor in one.columns.items()
        if predictor.role == "effect"
    }


def columns_of_offsets(model: Specified) -> set[str]:
    """Columns that are in offsets alone."""
    effects = columns_of_effects(model)
    return {
        name
        for name, predictor in model.design.columns.items()
        if predictor.in_offset and not predictor.names_groups and name not in effects
    }


def is_grouping_only(model: Specified, column: str) -> bool:
    """Whether a column names groups, and is no predictor of the mean."""
    found = [one.columns[column] for one in designs_of(model) if column in one.columns]
    return any(p.names_groups for p in found) and all(p.role != "effect" for p in found)


def common_columns(model: Specified) -> list[str]:
    """Columns of the population-level effects, each once, in the formula's order."""
    names = dict.fromkeys(c for t in model.design.terms for a in t.atoms for c in a.columns)
    apart = columns_of_offsets(model)
    return [c for c in names if c in model.design.columns and c not in apart]


def row_weights(model: Specified) -> Array:
    """Rows of the data behind each distinct row, by frequency weight, shape (D,)."""
    design = model.design
    return np.bincount(design.row, design.weights, minlength=len(design.predictors)).astype(float)


def default_levels(model: Specified, column: str) -> tuple[list[Any], bool]:
    """Return the levels that results are given for, and whether they are set in every row.

    Those of a factor or of a number of few values are its own, in their own order; of other numbers
    the mean and one sd to either side are set.
    """
    values = model.design.predictors[column]
    levels = levels_of(values)
    if len(levels) <= MOST_VALUES or has_labels(model, column):
        return levels, False
    weight, x = row_weights(model), values.to_numpy(float)
    mean, sd = np.average(x, weights=weight), spread(x, weight)
    # The mean of a centred column is a rounding error away from zero.
    mean = 0.0 if abs(mean) < 1e-12 * sd else mean
    return [float(mean - sd), float(mean), float(mean + sd)], True


def matching_levels(known: Iterable[Any], value: Any) -> list[Any]:
    """Find the levels that a value stands for: those equal to it, or else written as it is.

    The number 4 stands for the level ``"4"``, and so does 4.0, as which columns with missing values
    hold it; the text ``"4"`` stands for the level 4.
    """
    known = list(known)
    same = [level for level in known if level == value]
    return same or [level for level in known if _written(level) == _written(value)]


def format_value(value: Any) -> str:
    """Write a value as labels have it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _written(value: Any) -> str:
    """Write a value as the levels of a text column would be: whole numbers without a point."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if is_whole else str(value)
