"""Frame: the data that a formula uses, complete and of known types.

Any data frame comes in (pandas, polars, Arrow, whatever narwhals reads, or a mapping of columns);
a pandas frame of plain columns comes out, a copy, so that the user's data are never changed.
Numbers and booleans stay what they are (a boolean predictor is the number 0 or 1, as in bambi, and
as R's treatment coding has it); text becomes a factor with sorted levels; a factor whose levels
the user ordered keeps that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.data.categories import declared_levels, has_order, sorted_away
from winstan.data.columns import (
    check_levels,
    check_sizes,
    check_trials,
    check_varies,
    count_rows,
    factor_of,
    how_many,
    numbers_with_gaps,
    plain_column,
    some_levels,
)
from winstan.data.tables import column_names, missing_mask, open_table, take_columns
from winstan.data.text import check_text_predictors
from winstan.data.weights import weighted_rows
from winstan.design_warnings import warn_design
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data.grouped import Grouped
    from winstan.formula import Formula

_NONE_LEFT = (
    "have missing values: {}. Fill them in, or leave the emptiest column out of the formula."
)
_LEFT_OUT = "left out: they have missing values, in {}."


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The used columns of the complete rows.

    Attributes
    ----------
    data
        N rows. Columns are bool, int64, float64, or ordered Categorical without unused levels, but
        for a response that is taken as categories, and columns of ``mo()``.
    kept : ndarray of shape (N,)
        Positions of these rows in the user's frame, by which messages and results name them.
    place : ndarray of shape (N,)
        Their positions in the data that came in: others, where these are a part of that frame.
    n_rows
        Rows of the data that came in.
    missing
        Missing values per column, for columns that have any.
    weightless
        Complete rows that are left out because their weight is zero.
    weights : ndarray of shape (N,), or None
        Frequency weights, all above zero.
    trials : ndarray of shape (N,), or None
        Trials given by ``trials=``.
    ordered
        Columns whose levels the user ordered.
    column
        Code of a column as a pandas Series, for messages; its name is to be put in.
    untried
        Rows that are left out because they have 0 trials.
    categories
        Labels of the response's categories, in order, where they are settled: those of more rows
        than these. None where the rows, or the levels that are declared, say them.
    grouped
        How the N rows stand for more, where an engine grouped them; else None.
    sampled
        A sample of the user's rows, all of their columns, in the engine's own data frame, for the
        guards; None where an engine has grouped none, and of what a model keeps.
    """

    data: pd.DataFrame
    kept: np.ndarray
    place: np.ndarray
    n_rows: int
    missing: Mapping[str, int]
    weightless: int
    weights: np.ndarray | None
    trials: np.ndarray | None
    ordered: frozenset[str] = frozenset()
    column: str = "data[{!r}]"
    untried: int = 0
    categories: tuple[Any, ...] | None = None
    grouped: Grouped | None = None
    sampled: Any = None

    def count(self, rows: np.ndarray) -> int:
        """Count the rows of the user's data that some of the N stand for; `rows` is a mask."""
        return int(rows.sum() if self.grouped is None else self.grouped.count[rows].sum())


def frame_from(
    data: Any,
    formula: Formula,
    *,
    weights: str | None = None,
    trials: str | int | None = None,
    rows: np.ndarray | None = None,
    all_levels: bool = False,
    counts: np.ndarray | None = None,
) -> Frame:
    """Take the columns that a formula needs out of a data frame, and check them.

    Parameters
    ----------
    data
        A data frame of any library that narwhals reads, lazy ones included, or a mapping from
        names to columns of equal length.
    formula
        What the columns are for.
    weights
        Name of a column of frequency weights: a row of weight 3 stands for three equal rows.
    trials
        For counts of successes: the number of trials, or the name of its column.
    rows : ndarray of int, optional
        Where the rows stand in the user's frame, if the data are a part of it.
    all_levels
        Whether the response keeps levels that it declares and no row has; whoever asks for them
        says so.
    counts : ndarray of shape (n,), optional
        How many rows of the user's each complete row stands for, where an engine grouped them.

    Returns
    -------
    Frame

    Raises
    ------
    DataError
        When the columns are not there or cannot be used.

    Warns
    -----
    DesignWarning
        When rows or levels are left out, and for weights that are no counts.
    """
    extra = [name for name in (weights, trials) if isinstance(name, str)]
    if trials is not None and formula.response_spec.trials is not None:
        raise DataError(
            f"The trials are given twice: by {formula.response} and by trials={trials!r}. "
            "Remove one."
        )
    if weights is not None and not isinstance(weights, str):
        raise DataError(
            f"weights= takes the name of a column of the data, not {type(weights).__name__}."
        )
    opened = open_table(data)
    known = set(column_names(opened))
    used = [name for name in formula.columns if name in known or name not in formula.ambient]
    table = take_columns(opened, list(dict.fromkeys([*used, *extra])))
    n_rows = len(table)
    if n_rows == 0:
        raise DataError("The data frame is empty: it has no rows.")

    place, missing = _complete_rows(table, formula.optional_columns)
    n_complete = len(place)
    if weights is not None:
        place = weighted_rows(table, place, weights, rows)
    if len(place) < n_rows:
        table = table[place]
    kept = place if rows is None else rows[place]

    n_used = count_rows(kept, counts)
    units = _columns_of_units(formula)  # a single series is one unit
    columns: dict[str, Any] = {}
    for name in table.columns:
        if name in formula.optional_columns:
            columns[name] = numbers_with_gaps(table[name], name)
            continue
        columns[name], unused = plain_column(table[name], name, kept)
        if unused and (
            (all_levels and name in formula.response_columns) or name in formula.monotonic_columns
        ):
            levels, codes = declared_levels(table[name])
            columns[name], unused = factor_of(codes, levels), []
        if name not in formula.limit_columns:  # that all rows are censored is said elsewhere
            _check_column(columns[name], name, kept, unused, None if name in units else n_used)
    _tell_order(formula, table)
    text = {
        name: columns[name]
        for name in used
        if table[name].dtype in (nw.String, nw.Object) and isinstance(columns[name], pd.Categorical)
    }
    counted = trials is not None or formula.response_spec.trials is not None
    column = _column_code(table)
    check_text_predictors(
        formula,
        text,
        kept,
        row_is_one=weights is None and not counted,
        column=column,
        counts=counts,
    )
    formula.check_response_columns(used)
    return Frame(
        data=pd.DataFrame(
            {name: columns[name] for name in used}, index=pd.RangeIndex(len(kept)), copy=False
        ),
        kept=kept,
        place=place,
        n_rows=n_rows,
        missing=missing,
        weightless=n_complete - len(kept),
        weights=None if weights is None else columns[weights].astype(np.float64),
        trials=_trials(trials, columns, kept),
        ordered=frozenset(name for name in used if has_order(table[name])),
        column=column,
    )


def _column_code(table: nw.DataFrame[Any]) -> str:
    """Write how a column of the user's frame becomes one of pandas, for the code of messages."""
    if table.implementation.is_polars():
        return "pd.Series(data[{!r}].to_list())"
    return (
        "pd.Series(data[{!r}].to_pylist())" if table.implementation.is_pyarrow() else "data[{!r}]"
    )


def _complete_rows(
    table: nw.DataFrame[Any], optional: frozenset[str]
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the positions of complete rows, and the missing values per column."""
    n_rows = len(table)
    incomplete = np.zeros(n_rows, dtype=bool)
    missing: dict[str, int] = {}
    for name in table.columns:
        if name in optional:
            continue
        mask = missing_mask(table[name])
        if (count := int(mask.sum())) > 0:
            missing[name] = count
            incomplete |= mask
    if not missing:
        few = n_rows <= np.iinfo(np.int32).max  # half the memory, for as many rows as there are
        return np.arange(n_rows, dtype=np.int32 if few else np.int64), missing
    kept = np.flatnonzero(~incomplete)
    tell_missing(missing, n_rows, len(kept))
    return kept, missing


def tell_missing(
    missing: Mapping[str, int],
    n_rows: int,
    n_kept: int,
    *,
    none_left: str = _NONE_LEFT,
    left_out: str = _LEFT_OUT,
) -> None:
    """Warn of rows that are left out for missing values, by column; refuse data of no others.

    Parameters
    ----------
    missing
        How many rows lack each column.
    n_rows, n_kept
    none_left, left_out
        What is said of all rows, and of some; ``{}`` stands for the columns.

    Raises
    ------
    DataError

    Warns
    -----
    DesignWarning
        ``missing_rows``.
    """
    where = ", ".join(f"'{name}' ({count:,})" for name, count in missing.items())
    if n_kept == 0:
        raise DataError(f"All {how_many(n_rows, 'row')} {none_left.format(where)}")
    warn_design(
        f"{n_rows - n_kept:,} of {n_rows:,} rows are {left_out.format(where)}", "missing_rows"
    )


def _check_column(
    values: np.ndarray | pd.Categorical,
    name: str,
    kept: np.ndarray,
    unused: list[Any],
    n_varying: int | None,
) -> None:
    """Check a column; `n_varying` is in how many rows it must vary, if it must."""
    if unused:
        shown = some_levels(unused)
        warn_design(
            f"Column '{name}' declares {how_many(len(unused), 'level')} that no used row has, left "
            f"out: {shown}.",
            "unused_levels",
        )
    if isinstance(values, pd.Categorical):
        check_levels(values, name, kept)
        if n_varying is not None:
            check_varies(values, name, n_varying)
    elif values.dtype.kind == "f":
        check_sizes(values, name, kept)


def _columns_of_units(formula: Formula) -> frozenset[str]:
    """Columns that name units of correlated residuals, and nothing else."""
    own = () if formula.residual is None else formula.residual.factor_columns
    return frozenset(own).difference(formula.response_columns, formula.predictor_columns)


def _tell_order(formula: Formula, table: nw.DataFrame[Any]) -> None:
    """Say where the levels of an Arrow dictionary are sorted, and the order decides something."""
    decides = {column for atom in formula.population_atoms for column in atom.columns}
    for name in table.columns:
        if name not in decides and name not in formula.response_columns:
            continue
        levels = sorted_away(table[name]) if table[name].dtype == nw.Categorical else None
        if levels is not None:
            warn_design(
                f"Column '{name}' is an Arrow dictionary that does not say that it is ordered: its "
                f"levels are sorted, {some_levels(sorted(levels))}, and the first one is the "
                f"reference. If the dictionary's own order is meant ({some_levels(levels)}), write "
                "it with ordered=True.",
                "level_order",
            )


def _trials(
    trials: str | int | None, columns: Mapping[str, Any], kept: np.ndarray
) -> np.ndarray | None:
    if trials is None:
        return None
    if isinstance(trials, str):
        values, name = columns[trials], f"'{trials}'"
        if isinstance(values, pd.Categorical) or values.dtype.kind == "b":
            raise DataError(f"The trials {name} are not numeric. Trials are counts.")
        values = values.astype(np.float64)
    else:
        if isinstance(trials, bool) or not isinstance(trials, int | float | np.number):
            raise DataError(
                f"trials={trials!r} is neither a number nor the name of a column of counts."
            )
        values, name = np.full(len(kept), float(trials)), f"= {trials}"
    check_trials(values, name, kept)
    return values
