"""Limits and known errors of the response, row by row, as a left side gives them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels, some_rows
from winstan.design.evaluation import fit_expression, one_per_row
from winstan.design_warnings import warn_design
from winstan.errors import DataError
from winstan.families.sample import INTERVAL, LEFT, MEASURED, RIGHT, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.formula.terms import Atom, LimitSpec

_STATUS: Mapping[object, int] = {
    "none": MEASURED,
    "left": LEFT,
    "right": RIGHT,
    "interval": INTERVAL,
}
# Words of columns that say what was seen, where a status says what was not.
_EVENT = re.compile(r"(?<![a-z])(events?|dead|death|died|observed|uncensored)(?![a-z])", re.I)


def make_limits(
    spec: LimitSpec,
    y: np.ndarray,
    name: str,
    rows: pd.DataFrame,
    names: Mapping[str, Any],
    kept: np.ndarray,
    *,
    whole: bool = False,
) -> Limits:
    """Evaluate what a left side says of the response's limits and errors.

    Parameters
    ----------
    spec
        What it says.
    y : ndarray, shape (N,)
        The response, of a censored row its limit.
    name
        Of the response.
    rows
        N rows of the columns in use.
    names
        Functions and values beside columns.
    kept : ndarray of int, shape (N,)
        Positions of the rows in the user's data frame, for messages.
    whole
        Whether responses are whole numbers, which can be what a limit or a bound is.

    Raises
    ------
    DataError
        With the count of the rows that cannot be, and the first of them.
    """

    def numbers(atom: Atom | None) -> np.ndarray | None:
        if atom is None:
            return None
        return one_per_row(fit_expression(atom, names).evaluate(rows), len(y), f"'{atom.text}'")

    status = None
    if spec.status is not None:
        status = _status(fit_expression(spec.status, names).evaluate(rows), spec.status, len(y))
    upper, lb, ub, error = map(numbers, (spec.upper, spec.lb, spec.ub, spec.error))
    if status is not None and np.any(status == INTERVAL):
        if upper is None:
            raise DataError(
                f"{how_many(int(np.sum(status == INTERVAL)), 'row')} of {name!r} have the status "
                "'interval', and nothing says where the intervals end: write "
                f"censored({name}, upper, {spec.status.text if spec.status else 'status'}) ~ ..."
                + _of_survival(status, spec.status)
            )
        _refuse(
            (status == INTERVAL) & ~(upper > y),
            f"The intervals of {name!r} end where they begin, or before, or nowhere",
            "The response is their lower end, and the upper one is above it.",
            kept,
        )
        upper = np.where(status == INTERVAL, upper, y)
    else:
        upper = None
    for bound, atom in ((lb, spec.lb), (ub, spec.ub)):
        if bound is not None and atom is not None:
            _refuse(np.isnan(bound), f"The bound '{atom.text}' is no number", "Give each.", kept)
    limits = Limits(status, upper, lb, ub, error, spec.with_sigma)
    if limits.truncated:
        _check_truncation(limits, y, name, kept, whole=whole)
    if error is not None and spec.error is not None:
        _refuse(
            ~((error > 0) & np.isfinite(error)),
            f"The standard errors '{spec.error.text}' are not positive",
            "A value that is known exactly has no standard error: leave its row out.",
            kept,
        )
    return limits


def _status(values: Any, atom: Atom, n: int) -> np.ndarray:
    """Read the status of each row: words, -1, 0, 1 and 2, or whether it is right-censored."""
    series = pd.Series(np.broadcast_to(np.asarray(values).reshape(-1), (n,)))
    codes: dict[object, int] = {}
    unknown = []
    for value in series.unique():
        plain = value.strip().lower() if isinstance(value, str) else value
        code = _STATUS.get(plain) if isinstance(plain, str) else _code(plain)
        if code is None:
            unknown.append(value)
        else:
            codes[value] = code
    if unknown:
        bad = int(series.isin(unknown).sum())
        raise DataError(
            f"The status '{atom.text}' of {how_many(bad, 'row')} is {some_levels(unknown)}: a row "
            "is 'none' (measured), 'left' (at most the value), 'right' (at least; of counts, more "
            "than the value) or 'interval', "
            "which can be written 0, -1, 1 and 2; or True where it is right-censored."
        )
    status = series.map(codes).to_numpy(np.int8)
    if not any(isinstance(value, str) for value in codes):
        _warn_of_events(status, atom)
    return status


def _warn_of_events(status: np.ndarray, atom: Atom) -> None:
    """Warn of numbers that may say which rows had their event, the reverse of what they do here."""
    right = int(np.sum(status == RIGHT))
    if set(np.unique(status)) != {MEASURED, RIGHT}:
        return
    if 2 * right <= status.size and _EVENT.search(atom.text) is None:
        return
    warn_design(
        f"'{atom.text}' is 1, or True, in {right:,} of {how_many(status.size, 'row')}, which are "
        "taken as right-censored, as brms takes them. In survival's Surv() such a 1 is an event "
        "that was seen, the reverse. Words leave no doubt: np.where(seen, 'none', 'right').",
        "event_status",
    )


def _of_survival(status: np.ndarray, atom: Atom | None) -> str:
    """Explain 1 and 2 to those who mean censored and dead, as survival's data have them."""
    if atom is None or set(np.unique(status)) != {RIGHT, INTERVAL}:
        return ""
    return (
        f" If '{atom.text}' is 1 for censored rows and 2 for events, as in survival's data, make "
        "it words: np.where(status == 2, 'none', 'right')."
    )


def _code(value: object) -> int | None:
    return next((code for code in _STATUS.values() if value == code), None)


def _check_truncation(
    limits: Limits, y: np.ndarray, name: str, kept: np.ndarray, *, whole: bool
) -> None:
    """Refuse responses that could not have been seen: of counts, lb itself can be."""
    below = np.less if whole else np.less_equal
    lb = np.broadcast_to(-np.inf, y.shape) if limits.lb is None else limits.lb
    ub = np.broadcast_to(np.inf, y.shape) if limits.ub is None else limits.ub
    _refuse(~(lb < ub), f"The bounds of {name!r} leave nothing between them", "Mend them.", kept)
    outside = (y < lb) | (y > ub)
    if limits.status is not None:  # what lies beyond a limit must reach into the bounds
        outside = np.where(limits.status == LEFT, below(y, lb), outside)
        outside = np.where(limits.status == RIGHT, y >= ub, outside)
        if limits.upper is not None:
            apart = (y >= ub) | below(limits.upper, lb)
            outside = np.where(limits.status == INTERVAL, apart, outside)
    _refuse(
        outside,
        f"{name!r} is outside the bounds of its truncation",
        "Truncation says that such rows were never seen. Rows that were seen, and whose value is "
        f"known to be beyond a limit only, are censored: censored({name}, status) ~ ...",
        kept,
    )


def _refuse(bad: np.ndarray, what: str, remedy: str, kept: np.ndarray) -> None:
    if np.any(bad):
        where = np.flatnonzero(bad)
        rows = how_many(where.size, "row")
        raise DataError(f"{what}, in {rows}: {some_rows(kept[where])}. {remedy}")
