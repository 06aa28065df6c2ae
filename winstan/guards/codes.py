"""Codes: values as small whole numbers, and combinations of columns as one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def codes_of(values: Any) -> np.ndarray:
    """Return numbers for the values of a column, in order of appearance; missing is a value too.

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
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return np.asarray(codes, dtype=np.int32 if len(codes) <= np.iinfo(np.int32).max else np.int64)


def combine(first: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Return numbers for the combinations of several codes, as `codes_of` would."""
    for other in others:
        # Renumbered each time, so that the product stays below the square of the row count.
        key = np.multiply(first, number_of(other), dtype=np.int64)
        key += other
        first = codes_of(key)
    return first


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
    return bool(np.array_equal(owner_of(unit, values)[unit], values))


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
