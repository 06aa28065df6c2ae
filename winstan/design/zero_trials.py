"""Rows without trials: nothing was tried there, so that they say nothing of a proportion."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_rows
from winstan.design.response import make_response
from winstan.design_warnings import warn_design
from winstan.errors import DataError
from winstan.formula import evaluation_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data import Frame
    from winstan.formula import Formula


def leave_out_zero_trials(formula: Formula, frame: Frame, namespace: Mapping[str, Any]) -> Frame:
    """Return the frame without its rows of 0 successes in 0 trials.

    Their density is 1 whatever the parameters, so that the posterior is the same; but 0 / 0 is no
    proportion, and leave-one-out has nothing to leave out.

    Parameters
    ----------
    formula
        Whose left side may have trials.
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
    if frame.trials is None and formula.response_spec.trials is None:
        return frame
    response = make_response(formula, frame, evaluation_names(formula, namespace))
    # Successes without trials are an error, which the family names.
    empty = (response.trials == 0) & (response.y == 0)
    if not empty.any():
        return frame
    rows = frame.kept[empty]
    if empty.all():
        raise DataError(
            f"All {how_many(len(rows), 'row')} of {response.name!r} have 0 trials: there is "
            "nothing to explain. Check the column of trials, or the filter before it."
        )
    lost = []
    data = frame.data[~empty].reset_index(drop=True)
    for name in data.columns:
        if isinstance(data[name].dtype, pd.CategoricalDtype):
            before = data[name].cat.categories
            data[name] = data[name].cat.remove_unused_categories()
            lost += [f"{name}: {level}" for level in before.difference(data[name].cat.categories)]
    named = f" No other row has {', '.join(lost[:5])}{', ...' if len(lost) > 5 else ''}."
    warn_design(
        f"{len(rows):,} of {frame.n_rows:,} rows have 0 trials in {response.name!r}, and are left "
        f"out: they say nothing of a proportion ({some_rows(rows)}).{named if lost else ''}",
        "zero_trials",
    )
    keep = ~empty
    return replace(
        frame,
        data=data,
        kept=frame.kept[keep],
        place=frame.place[keep],
        untried=int(np.count_nonzero(empty)),
        weights=None if frame.weights is None else frame.weights[keep],
        trials=None if frame.trials is None else frame.trials[keep],
    )
