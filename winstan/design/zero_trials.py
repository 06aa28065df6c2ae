"""Rows without trials, or counts: nothing was tried there, and they say nothing of proportions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import check_varies, how_many, some_rows
from winstan.design.counts import counts_of
from winstan.design.response import make_response
from winstan.design_warnings import warn_design
from winstan.errors import DataError
from winstan.formula import evaluation_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data import Frame
    from winstan.formula import Formula


def leave_out_zero_trials(formula: Formula, frame: Frame, namespace: Mapping[str, Any]) -> Frame:
    """Return the frame without its rows of 0 successes in 0 trials, or of 0 in all categories.

    Their density is 1 whatever the parameters, so that the posterior is the same; but 0 / 0 is no
    proportion, and leave-one-out has nothing to leave out.

    Parameters
    ----------
    formula
        Whose left side may have trials, or count categories.
    frame
    namespace
        The caller's functions and values.

    Raises
    ------
    DataError
        If no row has trials.

    Warns
    -----
    DesignWarning
        ``zero_trials``, with the count of the rows.
    """
    spec = formula.response_spec
    name = spec.name
    if spec.counts:
        empty = ~counts_of(spec, frame).any(axis=1)
    elif frame.trials is None and spec.trials is None:
        return frame
    else:
        response = make_response(formula, frame, evaluation_names(formula, namespace))
        # Successes without trials are an error, which the family names.
        empty = np.asarray((response.trials == 0) & (response.y == 0))
    if not empty.any():
        return frame
    rows, count = frame.kept[empty], frame.count(empty)
    if empty.all():
        raise DataError(
            f"All {how_many(count, 'row')} of {name!r} have 0 trials: there is nothing to "
            "explain. Check the columns of counts, or the filter before them."
        )
    data, lost = _without(frame.data, empty, frame.count(~empty))
    named = f" No other row has {', '.join(lost[:5])}{', ...' if len(lost) > 5 else ''}."
    where = "" if frame.grouped is not None else f" ({some_rows(rows)})"
    warn_design(
        f"{count:,} of {frame.n_rows:,} rows have 0 trials in {name!r}, and are left "
        f"out: they say nothing of a proportion{where}.{named if lost else ''}",
        "zero_trials",
    )
    keep = ~empty
    return replace(
        frame,
        data=data,
        kept=frame.kept[keep],
        place=frame.place[keep],
        untried=count,
        grouped=None if frame.grouped is None else frame.grouped.taken(keep),
        weights=None if frame.weights is None else frame.weights[keep],
        trials=None if frame.trials is None else frame.trials[keep],
    )


def _without(
    data: pd.DataFrame, empty: np.ndarray, n_others: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return the other rows, and the levels that only these had."""
    lost = []
    data = data[~empty].reset_index(drop=True)
    for name in data.columns:
        if isinstance(data[name].dtype, pd.CategoricalDtype):
            before = data[name].cat.categories
            data[name] = data[name].cat.remove_unused_categories()
            check_varies(data[name].array, name, n_others)
            lost += [f"{name}: {level}" for level in before.difference(data[name].cat.categories)]
    return data, lost
