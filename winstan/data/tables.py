"""Tables: any data frame in, the columns in use out, as an eager narwhals frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from winstan.errors import DataError, near_matches
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    type Table = pd.DataFrame | nw.DataFrame[Any] | nw.LazyFrame[Any]


def open_table(data: Any) -> Table:
    """Recognise a data frame of any library, or a mapping from names to columns.

    Raises
    ------
    DataError
        When it is something else.
    """
    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, Mapping):
        try:
            return pd.DataFrame(dict(data))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"The mapping cannot be read as a table ({error}). Its values must be columns of "
                "equal length."
            ) from error
    try:
        return nw.from_native(data)
    except TypeError as error:
        raise DataError(
            f"The data are not a data frame but {type(data).__name__}. Give a pandas or polars "
            "data frame, an Arrow table, or a mapping of columns."
        ) from error


def column_names(table: Table) -> list[str]:
    """Return the names of a table's columns, as strings."""
    if isinstance(table, pd.DataFrame):
        return [str(name) for name in table.columns]
    return table.collect_schema().names()


def take_columns(table: Table, names: Sequence[str], what: str = "data") -> nw.DataFrame[Any]:
    """Select columns, after checking that each is there, and once.

    Parameters
    ----------
    table
        From `open_table`; lazy ones are collected, the selected columns only.
    names
        The columns.
    what
        What the table is, for messages.
    """
    known = column_names(table)
    counts = Counter(known)
    for name in names:
        if counts[name] == 0:
            raise DataError(f"The {what} have no column '{name}'.{_hint(name, known)}")
        if counts[name] > 1:
            raise DataError(
                f"The {what} have {counts[name]} columns named '{name}'. Rename all but one."
            )
    if isinstance(table, pd.DataFrame):
        # By position, since pandas allows names that are no strings.
        native = pd.DataFrame(
            {name: table.iloc[:, known.index(name)] for name in names},
            index=table.index,
            copy=False,  # `plain_column` copies
        )
        return nw.from_native(native.reset_index(drop=True), eager_only=True)
    table = table.select(names)
    return table.collect() if isinstance(table, nw.LazyFrame) else table


def missing_mask(series: nw.Series[Any]) -> np.ndarray:
    """Return where a column is null, None, NaT or NaN, shape (n,)."""
    mask = series.is_null()
    if series.dtype.is_float():
        mask = mask | series.is_nan().fill_null(value=True)
    return mask.to_numpy().astype(bool)


def _hint(name: str, known: Sequence[str]) -> str:
    hint = near_matches(name, known)
    unusual = [column for column in known if repr(column) in hint and quote_name(column) != column]
    if unusual and not hint.startswith(" Known"):
        hint += f" In a formula, write such a name in back-ticks: {quote_name(unusual[0])}."
    return hint
