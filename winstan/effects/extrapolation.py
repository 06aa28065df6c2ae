"""Extrapolation: values far outside the range that the data have, of which nothing was observed."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.columns import how_many, plain_column
from winstan.data.tables import open_table, take_columns
from winstan.design_warnings import warn_design
from winstan.effects.comparisons import columns_of_effects, format_value, has_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.effects.specification import Specified
    from winstan.effects.strata import Strata
    from winstan.options import By

# Share of the range by which a value may lie outside it: round numbers near an end are no surprise.
MARGIN = 0.1


def warn_of_values(model: Specified, column: str, values: Iterable[Any], what: str) -> None:
    """Warn of values that a numeric predictor is set to, and that lie far outside its data.

    Parameters
    ----------
    model
    column
        A predictor; labels have no range.
    values
        Settled ones; functions of the column are passed over.
    what
        The function that sets them, for the message.
    """
    if has_labels(model, column):
        return
    numbers = np.array([float(v) for v in values if isinstance(v, Real)])
    low, high, outside = _outside(model, column, numbers)
    if outside.any():
        far = ", ".join(format_value(value) for value in dict.fromkeys(numbers[outside].tolist()))
        warn_design(
            f"{what} sets {column!r} to {far}, and the data have it from {low:.4g} to {high:.4g}: "
            "there, the answer rests on the form of the model alone. Choose values within the "
            "range.",
            "extrapolation",
        )


def warn_of_levels(model: Specified, by: By | None, over: Strata, what: str) -> None:
    """Warn of values far outside the data that ``by=`` gives to a number."""
    given = by if isinstance(by, Mapping) else {}
    for k, name in enumerate(over.by):
        if given.get(name) is not None:
            warn_of_values(model, name, dict.fromkeys(level[k] for level in over.levels), what)


def warn_of_rows(model: Specified, newdata: Any) -> None:
    """Warn of new rows with numeric predictors far outside the data, a column at a time."""
    effects = columns_of_effects(model)
    columns = [str(c) for c in model.design.predictors]
    names = [c for c in columns if c in effects and not has_labels(model, c)]
    table = take_columns(open_table(newdata), names, "new data")
    for name in names:
        numbers = np.asarray(plain_column(table[name], name)[0], float)
        low, high, outside = _outside(model, name, numbers)
        n = int(np.count_nonzero(outside))
        if n:
            far = numbers[outside]
            ends = " to ".join(dict.fromkeys(f"{x:.4g}" for x in (far.min(), far.max())))
            warn_design(
                f"{how_many(n, 'row')} of the new data {'has' if n == 1 else 'have'} {name!r} "
                f"beyond the data's {low:.4g} to {high:.4g} (at {ends}): there, predictions "
                "rest on the form of the model alone. Predict within the range.",
                "extrapolation",
            )


def _outside(model: Specified, column: str, values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return the range of the data, and which values lie outside by more than the margin."""
    x = model.design.predictors[column].to_numpy(float)
    low, high = float(x.min()), float(x.max())
    # A little more than the margin, so that rounding does not decide on values that lie upon it.
    # Of a curve there is no knot beyond the data: it goes straight on, which they do not tell.
    margin = 0.0 if column in model.formula.curved_columns else MARGIN
    room = (margin * (1 + 1e-9) + 1e-9) * (high - low)
    return low, high, (values < low - room) | (values > high + room)
