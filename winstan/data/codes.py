"""Codes: values as small whole numbers, and combinations of columns as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.arrays import NumpyExtensionArray

if TYPE_CHECKING:
    from collections.abc import Iterator

# Numbers are looked up in a table while it has fewer entries than this for each row.
_SPARSEST = 4
_PIECE = 2**15
# 2^64 over the golden ratio: multiplicative hashing (Knuth, The Art of Computer Programming 3,
# section 6.4).
_ODD = np.uint64(0x9E3779B97F4A7C15)
_LARGEST = float(2**64 - 2**11)  # of the floats below 2^64


def codes_of(values: Any) -> np.ndarray:
    """Return numbers for the values of a column; missing is a value too.

    Parameters
    ----------
    values
        N values of one kind.

    Returns
    -------
    ndarray of int, shape (N,)
        From 0 to the number of distinct values less one, all of which occur. In 32 bits where that
        is enough: of many millions of rows several columns' codes are held at once.
    """
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        values = np.asarray(pd.Series(values).cat.codes)
    if isinstance(values, NumpyExtensionArray):
        values = values.to_numpy()
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and values.size:
        low, high = values.min(), values.max()
        # Of floats too, NaN and infinity apart: counts are whole numbers
        if float(high) - float(low) < _SPARSEST * values.size:
            keys = _whole_numbers(values, low)
            if keys is not None:
                return _renumbered(keys, int(keys.max()) + 1)
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return np.asarray(codes, dtype=_int_for(len(codes)))


def combine(first: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Return numbers for the combinations of several codes, as `codes_of` would."""
    for other in others:
        # Renumbered each time: the number of keys is below the square of the row count.
        n_other = number_of(other)
        n_keys = number_of(first) * n_other
        key = np.multiply(first, n_other, dtype=_int_for(n_keys))
        key += other
        first = _renumbered(key, n_keys) if n_keys < _SPARSEST * key.size else codes_of(key)
    return first


def _renumbered(keys: np.ndarray, n_keys: int) -> np.ndarray:
    """Return numbers for the keys that occur, by a table of all: faster than by hashing."""
    occurs = np.zeros(n_keys, dtype=bool)
    occurs[keys] = True
    number = np.cumsum(occurs, dtype=_int_for(n_keys))
    number -= 1
    codes = np.empty(keys.size, dtype=_int_for(keys.size))
    for piece in pieces(keys.size):
        codes[piece] = number[keys[piece]]
    return codes


def pieces(n: int, size: int = _PIECE) -> Iterator[slice]:
    """Part n rows into pieces, by default such as the processor's cache can hold."""
    return (slice(start, start + size) for start in range(0, n, size))


def _int_for(n: int) -> type[np.integer[Any]]:
    return np.int32 if n <= np.iinfo(np.int32).max else np.int64


def _whole_numbers(values: np.ndarray, low: Any) -> np.ndarray | None:
    """Return numbers from 0 up, or None if there are fractions."""
    kind = values.dtype.kind
    parts = list(pieces(values.size))
    if kind == "f" and any(not np.array_equal(np.floor(values[p]), values[p]) for p in parts):
        return None
    if kind != "f" and low == 0:
        return values
    # In 64 bits, or the difference of two numbers of 8 might not fit; part by part, or all rows
    # would be there twice
    wide = {"f": np.float64, "u": np.uint64}.get(kind, np.int64)
    out = np.empty(values.size, dtype=_int_for(_SPARSEST * values.size))
    for part in parts:
        out[part] = np.subtract(values[part], low, dtype=wide)
    return out


def number_of(codes: np.ndarray) -> int:
    """Return how many codes there are."""
    return int(codes.max()) + 1 if codes.size else 0


def owner_of(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return, for each code, the value of one of its rows, shape ``(number_of(codes),)``."""
    out = np.empty(number_of(codes), dtype=values.dtype)
    out[codes] = values
    return out


def is_constant(unit: np.ndarray, values: np.ndarray) -> bool:
    """Whether there is one value within every unit."""
    owner = owner_of(unit, values)
    return all(np.array_equal(owner[unit[p]], values[p]) for p in pieces(unit.size))


def whole_values(values: np.ndarray, share: float) -> np.ndarray:
    """Take a share of the values, chosen by a hash of their bits, and all rows of each.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
    share
        Of the distinct values, between 0 and 1; about that of the rows, if no value is common.

    Returns
    -------
    ndarray of int
        Rows, in order.
    """
    bar = np.uint64(min(share, 1.0) * _LARGEST)
    rows = [np.empty(0, dtype=np.int64)]
    for piece in pieces(len(values)):
        bits = (values[piece] + 0.0).view(np.uint64)  # + 0.0: -0.0 is 0.0
        bits = (bits ^ (bits >> np.uint64(32)) ^ _ODD) * _ODD  # _ODD twice: or zero stays zero
        bits = (bits ^ (bits >> np.uint64(29))) * _ODD
        rows.append(piece.start + np.flatnonzero(bits < bar))
    return np.concatenate(rows)


def common_values(values: np.ndarray, n_rows: int = 2_000, share: float = 0.01) -> np.ndarray:
    """Return the values that have such a share of some rows, taken at random."""
    rows = np.random.default_rng(0).integers(len(values), size=n_rows)
    found, counts = np.unique(values[rows], return_counts=True)
    return found[counts >= share * n_rows]


def multiplicity(values: Any, n_sample: int = 2_000) -> float:
    """Estimate how many rows share a row's value, on average over rows; 1 if none is repeated.

    Parameters
    ----------
    values
        N values of one kind.
    n_sample
        Rows to look at; all of them, if there are no more.
    """
    n = len(values)
    some = np.random.default_rng(0).choice(n, min(n, n_sample), replace=False)
    sample = pd.Series(values).iloc[some]
    counts = sample.value_counts(dropna=False)
    total = pd.Series(values)[pd.Series(values).isin(counts.index)].value_counts(dropna=False)
    return float((total.reindex(counts.index).to_numpy() * counts.to_numpy()).sum() / len(some))
