"""Tables: any data frame in, the columns in use out, as an eager narwhals frame."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from pandas.arrays import ArrowExtensionArray

from winstan.data.categories import declared_levels, is_missing_level, keep_pandas_order
from winstan.errors import DataError, near_matches
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Eager = pd.DataFrame | nw.DataFrame[Any]
    type Table = Eager | nw.LazyFrame[Any]


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
        return _mapped(data)
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(data, pyarrow.Table):
        data = keep_pandas_order(data)
    try:
        with warnings.catch_warnings():
            # That narwhals will ask for a package of its own beside Dask is not the user's to mend.
            warnings.filterwarnings("ignore", "Dask support is moving", FutureWarning)
            return nw.from_native(data)
    except TypeError as error:
        file = isinstance(data, (str, os.PathLike))
        raise DataError(
            f"The data are not a data frame but {type(data).__name__}. Give a pandas or polars "
            "data frame, an Arrow table, or a mapping of columns"
            + (": read the file first, here no path is taken." if file else ".")
        ) from error


def in_memory(data: Any) -> Eager:
    """Open a data frame, and evaluate it if it is lazy: once, for all that will be read of it.

    The rows of a lazy frame may come in another order each time. Columns that were read apart
    would not belong together.
    """
    table = open_table(data)
    return table.collect() if isinstance(table, nw.LazyFrame) else table


def _mapped(data: Mapping[Any, Any]) -> pd.DataFrame:
    """Make a data frame of a mapping from names to columns, each with the levels it declares."""
    indexes = {n: c.index for n, c in data.items() if isinstance(c, pd.Series)}
    for name, index in indexes.items():
        first = next(iter(indexes))
        if not index.equals(indexes[first]):
            raise DataError(
                f"The columns '{first}' and '{name}' of the mapping are Series of different "
                f"indexes ({_shown(indexes[first])} and {_shown(index)}): which rows belong "
                "together is not certain. If they stand in the same order, give arrays, "
                f"data[{name!r}].to_numpy(); if the index says which belong together, join them "
                f"first, pd.concat([...], axis=1)."
            )
    try:
        return pd.DataFrame({name: _pandas_values(column) for name, column in data.items()})
    except (ValueError, TypeError) as error:
        raise DataError(
            f"The mapping cannot be read as a table ({error}). Its values must be columns of "
            "equal length."
        ) from error


def _shown(index: pd.Index) -> str:
    few = ", ".join(map(repr, index[:3].tolist()))
    return f"{few}{', ...' if len(index) > 3 else ''}: {len(index):,} rows"


def _pandas_values(column: Any) -> Any:
    """Return a column of any library as one that pandas holds without changing its values."""
    if isinstance(column, pd.Series):
        return column.reset_index(drop=True)
    if isinstance(column, nw.Series):
        return _pandas_values(column.to_native())
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(column, pyarrow.Array | pyarrow.ChunkedArray):
        return pd.Series(ArrowExtensionArray(column))
    return _of_polars(column) if nw.dependencies.is_polars_series(column) else column


def _of_polars(column: Any) -> Any:
    """Return a polars column for pandas; without pyarrow, which not everybody has."""
    series = nw.from_native(column, series_only=True)
    if isinstance(series.dtype, nw.Enum | nw.Categorical):
        levels, codes = declared_levels(series)
        ordered = isinstance(series.dtype, nw.Enum)
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(levels, ordered=ordered))
    is_boolean = series.dtype == nw.Boolean
    if series.dtype in (nw.Int128, nw.UInt128) or not (series.dtype.is_numeric() or is_boolean):
        return pd.Series(series.to_list())
    if series.dtype.is_float() or not series.null_count():
        return series.to_numpy()
    return pd.array(
        series.to_list(),
        dtype="boolean" if is_boolean else "UInt64" if series.dtype == nw.UInt64 else "Int64",
    )


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
    known = check_columns(table, names, what)
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


def check_columns(table: Table, names: Sequence[str], what: str = "data") -> list[str]:
    """Check that columns are there, each of them once; evaluate nothing of a lazy frame.

    Returns
    -------
    list of str
        All names of the table.
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
    return known


def missing_mask(series: nw.Series[Any]) -> np.ndarray:
    """Return where a column is null, None, NaT or NaN, shape (n,)."""
    dtype = getattr(series.to_native(), "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":  # pandas' plain columns: at once
        values = series.to_numpy()
        return np.isnan(values) if dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    mask = series.is_null()
    if series.dtype.is_float():
        mask = mask | series.is_nan().fill_null(value=True)
    missing = mask.to_numpy().astype(bool)
    if series.dtype == nw.Categorical and (of_level := is_missing_level(series)) is not None:
        return missing | of_level
    return missing


def _hint(name: str, known: Sequence[str]) -> str:
    hint = near_matches(name, known)
    unusual = [column for column in known if repr(column) in hint and quote_name(column) != column]
    if unusual and not hint.startswith(" Known"):
        hint += f" In a formula, write such a name in back-ticks: {quote_name(unusual[0])}."
    return hint
