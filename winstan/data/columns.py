"""Columns: of any type -> of four plain types; and rows -> distinct rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TEMPORAL = (nw.Datetime, nw.Date, nw.Duration, nw.Time)
_NESTED = (nw.List, nw.Array, nw.Struct)


def some_rows(rows: np.ndarray, limit: int = 5) -> str:
    """Say which rows are meant: ``row 7`` or ``rows 0, 4, 9, ... (counted from 0)``."""
    shown = ", ".join(str(int(row)) for row in rows[:limit])
    more = ", ..." if len(rows) > limit else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more} (counted from 0)"


def some_levels(levels: Sequence[Any], limit: int = 5) -> str:
    """Quote some levels: ``'a', 'b', ...``."""
    return ", ".join(repr(level) for level in levels[:limit]) + (
        ", ..." if len(levels) > limit else ""
    )


def how_many(count: int, noun: str) -> str:
    """``1 value``, ``3 values``, ``1,200 values``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def check_trials(values: np.ndarray, name: str, kept: np.ndarray) -> None:
    """Refuse trials that are no whole numbers from 0 up.

    Parameters
    ----------
    values : ndarray of shape (N,)
        The trials.
    name
        What they are called, for the message.
    kept : ndarray of shape (N,)
        Positions of the rows in the user's frame.
    """
    bad = np.flatnonzero(~((values >= 0) & np.isfinite(values) & (values == np.round(values))))
    if len(bad):
        raise DataError(
            f"The trials {name} have {how_many(len(bad), 'value')} below zero or not whole, in "
            f"{some_rows(kept[bad])}. Trials are counts: whole numbers from 0 up."
        )


def plain_column(
    series: nw.Series[Any], name: str
) -> tuple[np.ndarray | pd.Categorical, list[Any]]:
    """Turn a column without missing values into one of four plain types.

    Parameters
    ----------
    series
        The column, of any data frame library.
    name
        Its name, for messages.

    Returns
    -------
    values
        A copy, as bool, int64, float64 or an ordered `pandas.Categorical` whose levels all occur.
    unused
        Levels that the column declares and no row has.

    Raises
    ------
    DataError
        For dates, lists, complex numbers and mixtures, which have no single meaning as a predictor.
    """
    dtype = series.dtype
    if dtype == nw.Boolean:
        return np.array(series.to_numpy(), dtype=bool), []
    if dtype.is_numeric():
        return _numeric(series), []
    if isinstance(dtype, nw.Enum | nw.Categorical):
        return _categorical(series)
    if dtype == nw.String:
        return _strings(series), []
    if dtype == nw.Object:
        return _objects(series, name), []
    if isinstance(dtype, _TEMPORAL):
        raise DataError(
            f"Column '{name}' holds dates or times ({dtype}). Turn it into a number, such as the "
            "days since the first one, or into text if each date is a level of a factor."
        )
    if isinstance(dtype, _NESTED):
        raise DataError(
            f"Column '{name}' holds lists or records ({dtype}). Spread it over columns or rows of "
            "one value each."
        )
    native = getattr(series.to_native(), "dtype", dtype)
    what = "complex numbers" if "complex" in str(native) else f"values of type {native}"
    raise DataError(
        f"Column '{name}' holds {what}, which no model can use. Turn it into numbers (of complex "
        "ones, the modulus or the phase) or text."
    )


def factor_of(codes: np.ndarray, levels: list[Any]) -> pd.Categorical:
    """Make an ordered factor; ordered, so that formulae keeps the levels' order."""
    dtype = pd.CategoricalDtype(pd.Index(levels), ordered=True)
    return pd.Categorical.from_codes(np.array(codes, dtype=np.int32), dtype=dtype)


def _numeric(series: nw.Series[Any]) -> np.ndarray:
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "iu" and not (
        values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max
    ):
        return values.astype(np.int64)  # a copy, wide enough for sums and powers
    return values.astype(np.float64)


def _strings(series: nw.Series[Any]) -> pd.Categorical:
    if nw.dependencies.is_polars_series(series.to_native()):
        levels = series.unique().cast(nw.String).sort().to_list()
        codes = series.cast(nw.Enum(levels)).to_native().to_physical().to_numpy()
        return factor_of(codes, levels)
    return _factorize(series.to_pandas())


def _factorize(values: Any) -> pd.Categorical:
    """Make a factor of hashable values, its levels sorted."""
    codes, uniques = pd.factorize(values)
    levels = list(uniques)
    order = sorted(range(len(levels)), key=levels.__getitem__)
    rank = np.empty(len(levels), dtype=np.int32)
    rank[order] = np.arange(len(levels))
    return factor_of(rank[codes], [levels[i] for i in order])


def _categorical(series: nw.Series[Any]) -> tuple[pd.Categorical, list[Any]]:
    native = series.to_native()
    if nw.dependencies.is_pandas_series(native):
        values = native.array
    elif isinstance(dtype := series.dtype, nw.Enum):
        values = factor_of(native.to_physical().to_numpy(), list(dtype.categories))
    else:
        # The order of a polars or Arrow dictionary is the order of appearance, in whatever was
        # read before: no order that a user chose.
        is_polars = nw.dependencies.is_polars_series(native)  # it needs no text of every row
        return _strings(series if is_polars else series.cast(nw.String)), []
    levels, codes = values.categories.tolist(), np.asarray(values.codes)
    counts = np.bincount(codes, minlength=len(levels))
    unused = [level for level, count in zip(levels, counts, strict=True) if not count]
    if unused:
        codes = (np.cumsum(counts > 0) - 1)[codes]
        levels = [level for level, count in zip(levels, counts, strict=True) if count]
    return factor_of(codes, levels), unused


def _objects(series: nw.Series[Any], name: str) -> np.ndarray | pd.Categorical:
    """Sort out a pandas object column: it may hold anything."""
    values = series.to_pandas()
    match pd.api.types.infer_dtype(values, skipna=True):
        case "string":
            return _factorize(values)
        case "boolean":
            return values.to_numpy().astype(bool)
        case "integer":
            return values.to_numpy().astype(np.int64)
        case "floating" | "decimal" | "mixed-integer-float":
            return values.to_numpy().astype(np.float64)
        case "datetime" | "datetime64" | "date" | "timedelta" | "timedelta64" | "time" | "period":
            kind = "dates or times"
            remedy = "a number, such as the days since the first one, or text"
        case "complex":
            kind, remedy = "complex numbers", "numbers (the modulus or the phase) or text"
        case _:
            types = sorted({type(value).__name__ for value in values})
            kind, remedy = f"a mixture of types ({', '.join(types[:4])})", "numbers or text"
            if len(types) == 1:
                kind = f"objects of type {types[0]}"
    raise DataError(f"Column '{name}' holds {kind}. Turn it into {remedy}, one value per row.")


def distinct_rows(data: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct rows of some columns.

    Every column is hashed to integer codes on its own, and the codes are combined as digits of one
    integer: much faster than comparing rows.

    Parameters
    ----------
    data
        Complete rows, N of them.
    columns
        The columns that count.

    Returns
    -------
    first : ndarray of shape (D,)
        Position of the first row of each kind, increasing.
    row : ndarray of shape (N,)
        For each row, its place in `first`.
    """
    return distinct_codes(_codes(data, columns), len(data))


def distinct_codes(
    coded: Iterable[tuple[np.ndarray, int]], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct rows of columns of integer codes.

    Parameters
    ----------
    coded
        For each column, its codes from 0 up, shape (n,), and how many there are.
    n
        Number of rows.

    Returns
    -------
    first, row
        As of `distinct_rows`.
    """
    key = np.zeros(n, dtype=np.int64)
    n_keys = 1
    for codes, size in coded:
        if size == n:
            everything = np.arange(n)
            return everything, everything
        if n_keys > np.iinfo(np.int64).max // max(size, 1):
            key, uniques = pd.factorize(key)
            n_keys = len(uniques)
        key *= size  # in place: rows may be many millions
        key += codes
        n_keys *= size
        del codes
    row, uniques = pd.factorize(key)
    del key
    # Numbered in order of appearance: a row is the first of its kind where the largest grows
    return np.searchsorted(np.maximum.accumulate(row), np.arange(len(uniques))), row


def _codes(data: pd.DataFrame, columns: Sequence[str]) -> Iterable[tuple[np.ndarray, int]]:
    for column in columns:
        values = data[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            yield values.cat.codes.to_numpy(), len(values.cat.categories)
        else:
            codes, uniques = pd.factorize(values.to_numpy())
            yield codes, len(uniques)
