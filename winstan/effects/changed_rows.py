"""The rows of the data with some columns set to other values, each row in its own group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import distinct_rows
from winstan.effects.estimands import is_grouping_only
from winstan.effects.means import (
    designs_of,
)
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.effects.estimands import Estimand
    from winstan.effects.specification import Specified
    from winstan.effects.strata import Strata


type Change = Mapping[str, Any]
"""Columns and what they are set to: a value, or a function of the column."""


def settings_of(changes: Sequence[Change], over: Strata) -> tuple[list[Change], list[Array]]:
    """Return every setting to evaluate, with the weights of its levels, shape (l, D) each.

    They stand by change, margin, and different setting of the levels: `Strata.gathered` takes what
    is averaged of them in this order.
    """
    blocks = over.blocks
    settings: list[Change] = [
        {**margin, **change, **setting}
        for change in changes
        for margin in over.margins
        for setting, _ in blocks
    ]
    weights: list[Array] = [over.weights[places] for _, places in blocks]
    return settings, weights * (len(changes) * len(over.margins))


def change_rows(
    model: Specified, settings: Sequence[Change], blocks: Sequence[Array], estimand: Estimand
) -> tuple[pd.DataFrame, list[tuple[np.ndarray, ...]], list[tuple[slice, Array]]]:
    """Set the columns, and merge rows that have become equal.

    Returns
    -------
    rows : DataFrame
        The rows of all settings, one setting after another.
    levels : list of tuple of ndarray of int
        Of each group term, the rows' levels: those that they had, whatever was set. Of the mean,
        and of other parameters that the mean response depends on.
    weights : list of (slice, ndarray)
        Of each setting: where its rows are, and their weights, shape (l, rows).
    """
    frames, weights, start = [], [], 0
    designs = designs_of(model)
    groups = [group for design in designs for group in design.groups]
    found: list[list[np.ndarray]] = [[] for _ in groups]
    # Rows that differ by their group alone are alike where its own effects do not count.
    own = [group.factor in estimand.of("these") for group in groups]
    matters = list(dict.fromkeys(c for d in designs for c in d.memory.effect_columns))
    for change, block in zip(settings, blocks, strict=True):
        new = _with_columns(model.design.predictors, change)
        levels = [level for d in designs for level in _levels(model, d, change, estimand)]
        keys = new[matters]
        if any(own):
            keys = keys.assign(**{f"level {k}": at for k, at in enumerate(levels) if own[k]})
        first, number = (
            distinct_rows(keys, list(keys.columns))
            if len(keys.columns)
            else (np.zeros(1, int), np.zeros(len(new), int))
        )
        merged = np.stack([np.bincount(number, w, minlength=len(first)) for w in block])
        frames.append(new.iloc[first])
        for place_of, level in zip(found, levels, strict=True):
            place_of.append(level[first])
        weights.append((slice(start, start + len(first)), merged))
        start += len(first)
    rows = pd.concat(frames, ignore_index=True)
    whole = iter([np.concatenate(parts) for parts in found])
    return rows, [tuple(next(whole) for _ in d.groups) for d in designs], weights


def _with_columns(rows: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return rows with some columns set to a value, or to a function of the column."""
    new = rows.copy()
    for name, value in change.items():
        column = new[name]
        if callable(value):
            new[name] = value(column)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            new[name] = pd.Categorical([value] * len(new), dtype=column.dtype)
        else:
            new[name] = value
    return new


def _levels(
    model: Specified, design: Design, change: Change, estimand: Estimand
) -> list[np.ndarray]:
    """Return the levels of each group term: the rows' own, unless a group itself is asked for.

    A column that only names groups is no predictor: setting it means to speak of another group.

    Raises
    ------
    OptionError
        If that gives combinations which the data have not, and whose effects are wanted.
    """
    asked = {name: value for name, value in change.items() if is_grouping_only(model, name)}
    out = []
    for group, factor in zip(design.groups, design.memory.factors, strict=True):
        named = {name: value for name, value in asked.items() if name in factor.columns}
        level = factor.find(_with_columns(design.predictors, named)) if named else group.level
        if group.factor in estimand.of("these") and (level < 0).any():
            raise OptionError(
                f"{' and '.join(map(repr, named))} cannot be set to another level: rows would be "
                f"in combinations of {group.factor!r} that the data have not. Ask by= for an "
                "effect in each group, or group_effects() for the groups themselves."
            )
        out.append(level)
    return out
