"""Columns: of any type -> of four plain types; and rows -> distinct rows."""

from __future__ import annotations

from collections import Counter
from numbers import Number
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.data.categories import declared_levels
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TEMPORAL = (nw.Datetime, nw.Date, nw.Duration, nw.Time)
_NESTED = (nw.List, nw.Array, nw.Struct)
LARGEST = 1e140
"""No number of the data may be larger: sums of squares have no more room than 1e308."""


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


def infinite_values(name: str, count: int, where: str) -> str:
    """Say that a column has infinite values, how many, and in which rows."""
    return (
        f"Column '{name}' has {how_many(count, 'infinite value')}, in {where}. "
        "Replace them, or mark them as missing to leave their rows out."
    )


def huge_values(name: str, count: int, where: str, largest: float) -> str:
    """Say that a column has values beyond `LARGEST`, how many, in which rows, and up to which."""
    return (
        f"Column '{name}' has {how_many(count, 'value')} beyond {LARGEST:.0e}, in {where}, up to "
        f"{largest:.3g}: no number holds their squares. Give it in a larger unit: "
        f"{name} / {largest:.0e}."
    )


def check_sizes(values: np.ndarray, name: str, kept: np.ndarray) -> None:
    """Refuse numbers that are infinite, or of which squares would be.

    Parameters
    ----------
    values : ndarray of shape (N,)
    name
        The column's.
    kept : ndarray of shape (N,)
        Positions of the rows in the user's frame.

    Raises
    ------
    DataError
        With their number and the first rows.
    """
    if max(values.max(), -values.min()) <= LARGEST:  # of no NaN
        return
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(infinite_values(name, len(bad), some_rows(kept[bad])))
    size = np.abs(values)
    huge = np.flatnonzero(size > LARGEST)
    if len(huge):
        raise DataError(huge_values(name, len(huge), some_rows(kept[huge]), size.max()))


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
    series: nw.Series[Any], name: str, rows: np.ndarray | None = None
) -> tuple[np.ndarray | pd.Categorical, list[Any]]:
    """Turn a column without missing values into one of four plain types.

    Parameters
    ----------
    series
        The column, of any data frame library.
    name
        Its name, for messages.
    rows : ndarray of shape (n,), or None
        Where its values stand in the user's frame, for messages; None is from 0 on.

    Returns
    -------
    values
        A copy, as bool, int64 (uint64 where numbers are too large for it), float64 or an ordered
        `pandas.Categorical` whose levels all occur.
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
        return _numeric(series, name, rows), []
    if isinstance(dtype, nw.Enum | nw.Categorical):
        return _categorical(series)
    if dtype == nw.String:
        return _strings(series), []
    if dtype == nw.Object:
        return _objects(series, name, rows), []
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


def numbers_with_gaps(series: nw.Series[Any], name: str) -> np.ndarray:
    """Return a column of numbers as float64, with NaN where it has none."""
    if not series.dtype.is_numeric() and not series.is_null().all():
        raise DataError(f"Column '{name}' holds {series.dtype}, and ends of intervals are numbers.")
    return np.asarray(series.cast(nw.Float64).fill_null(float("nan")).to_numpy(), float)


def check_levels(values: pd.Categorical, name: str, rows: np.ndarray) -> None:
    """Refuse a factor that mixes labels and numbers, or has two levels of one text.

    Parameters
    ----------
    values
        The factor.
    name
        Its name, for messages.
    rows : ndarray of shape (n,)
        Where its values stand in the user's frame.
    """
    levels = values.categories.tolist()
    is_label = np.array([isinstance(level, str) for level in levels])
    if is_label.any() and any(isinstance(level, Number) for level in levels):
        _refuse_mixture(name, values.tolist(), rows)
    if not is_label.all() and len(set(map(str, levels))) < len(levels):
        counts = Counter(map(str, levels))
        same = next(text for text, count in counts.items() if count > 1)
        twins = [level for level in levels if str(level) == same]
        raise DataError(
            f"Column '{name}' has {len(twins)} levels that are both written {same!r}, of the types "
            f"{' and '.join(type(level).__name__ for level in twins)}: no table could tell them "
            f"apart. Make them one, such as with data[{name!r}].astype(str)."
        )


def count_rows(kept: np.ndarray, counts: np.ndarray | None) -> int:
    """Count the user's rows; `counts` says how many each kept one stands for, if several."""
    return len(kept) if counts is None else int(counts.sum())


def check_varies(values: pd.Categorical, name: str, n_rows: int) -> None:
    """Refuse a factor of one level, in so many rows of the user's."""
    if len(values.categories) == 1:
        raise DataError(
            f"Column '{name}' has only one level, {values.categories[0]!r}, in the "
            f"{how_many(n_rows, 'used row')}: nothing varies. Leave it out of the formula, "
            "or check which rows were selected."
        )


def factor_of(codes: np.ndarray, levels: list[Any]) -> pd.Categorical:
    """Make an ordered factor; ordered, so that formulae keeps the levels' order."""
    dtype = pd.CategoricalDtype(pd.Index(levels), ordered=True)
    return pd.Categorical.from_codes(np.array(codes, dtype=np.int32), dtype=dtype)


def _numeric(series: nw.Series[Any], name: str, rows: np.ndarray | None) -> np.ndarray:
    if series.dtype in (nw.Int128, nw.UInt128):  # NumPy has no such type
        return _whole(np.array(series.to_list(), dtype=object), name, rows)
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "iu":
        return _whole(values, name, rows)
    return values.astype(np.float64)


def _whole(values: np.ndarray, name: str, rows: np.ndarray | None) -> np.ndarray:
    """Copy whole numbers into 64 bits, wide enough for sums and powers, each of them distinct."""
    if values.dtype.kind == "i" or not values.size:
        return values.astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if low >= np.iinfo(np.int64).min and high <= np.iinfo(np.int64).max:
        return values.astype(np.int64)
    if low >= 0 and high <= np.iinfo(np.uint64).max:
        return values.astype(np.uint64)  # a float would merge ids that lie near each other
    bad = np.flatnonzero([not -(2**63) <= int(value) < 2**63 for value in values])
    raise DataError(
        f"Column '{name}' has {how_many(len(bad), 'whole number')} beyond 64 bits, in "
        f"{some_rows(bad if rows is None else rows[bad])}. Turn the column "
        "into text if the numbers are names, or into floats."
    )


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
    levels, codes = declared_levels(series)
    counts = np.bincount(codes, minlength=len(levels))
    unused = [level for level, count in zip(levels, counts, strict=True) if not count]
    if unused:
        codes = (np.cumsum(counts > 0) - 1)[codes]
        levels = [level for level, count in zip(levels, counts, strict=True) if count]
    return factor_of(codes, levels), unused


def _refuse_mixture(name: str, values: Sequence[Any], rows: np.ndarray | None) -> None:
    """Refuse labels among numbers, naming the labels and their rows.

    Raises
    ------
    DataError
        Always.
    """
    bad = np.flatnonzero([isinstance(value, str) for value in values])
    labels = list(dict.fromkeys(value for value in values if isinstance(value, str)))
    types = sorted({type(value).__name__ for value in values})
    raise DataError(
        f"Column '{name}' holds a mixture of types ({', '.join(types[:4])}): labels among numbers, "
        f"{some_levels(labels)}, in {how_many(len(bad), 'row')}: "
        f"{some_rows(bad if rows is None else rows[bad])}. If the labels stand for missing values, "
        f"pd.to_numeric(data[{name!r}].astype(object), errors='coerce') makes them missing; if all "
        f"values are labels, data[{name!r}].astype(str) makes the numbers text."
    )


def _objects(
    series: nw.Series[Any], name: str, rows: np.ndarray | None
) -> np.ndarray | pd.Categorical:
    """Sort out a pandas object column: it may hold anything."""
    values = series.to_pandas()
    match pd.api.types.infer_dtype(values, skipna=True):
        case "string":
            return _factorize(values)
        case "boolean":
            return values.to_numpy().astype(bool)
        case "integer":
            return _whole(values.to_numpy(), name, rows)
        case "floating" | "decimal" | "mixed-integer-float":
            return values.to_numpy().astype(np.float64)
        case "datetime" | "datetime64" | "date" | "timedelta" | "timedelta64" | "time" | "period":
            kind = "dates or times"
            remedy = "a number, such as the days since the first one, or text"
        case "complex":
            kind, remedy = "complex numbers", "numbers (the modulus or the phase) or text"
        case _:
            types = {type(value) for value in values}
            if str in types and all(t is str or issubclass(t, Number) for t in types):
                _refuse_mixture(name, values.tolist(), rows)
            names = sorted(t.__name__ for t in types)
            kind, remedy = f"a mixture of types ({', '.join(names[:4])})", "numbers or text"
            if len(names) == 1:
                kind = f"objects of type {names[0]}"
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
