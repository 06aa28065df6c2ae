"""Frequency weights: how many equal rows each row stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.columns import how_many, infinite_values, some_rows
from winstan.design_warnings import warn_design
from winstan.errors import DataError

if TYPE_CHECKING:
    import narwhals as nw

_SMALLEST = 1e-140  # as the largest number that a column may have is 1e140


def weighted_rows(
    table: nw.DataFrame[Any], place: np.ndarray, weights: str, rows: np.ndarray | None
) -> np.ndarray:
    """Check the weights of the complete rows, and leave out rows that weigh nothing."""
    kept = place if rows is None else rows[place]
    column = table[weights]
    check_weights(weights, column.dtype)
    values = np.asarray(column.to_numpy(), dtype=np.float64)[place]
    if len(bad := np.flatnonzero(~np.isfinite(values))):
        raise DataError(infinite_values(weights, len(bad), some_rows(kept[bad])))
    if len(bad := np.flatnonzero(values < 0)):
        raise DataError(negative_weights(weights, len(bad), some_rows(kept[bad])))
    positive = values > 0
    check_size(weights, values)
    bad = np.flatnonzero(values != np.round(values))
    tell_weights(
        weights,
        fractional=len(bad),
        where=f", in {some_rows(kept[bad])}" if len(bad) else "",
        weightless=int((~positive).sum()),
        n=len(values),
    )
    return place[positive]


def check_weights(weights: str, dtype: nw.dtypes.DType) -> None:
    """Refuse weights that are no numbers."""
    if not dtype.is_numeric():
        raise DataError(
            f"The weights '{weights}' are not numeric ({dtype}). Frequency weights count rows."
        )


def check_size(weights: str, values: np.ndarray) -> None:
    """Refuse weights all of which are so small that their products with the response lose digits.

    Raises
    ------
    DataError
    """
    largest = float(values.max(initial=0.0))
    if 0 < largest < _SMALLEST:
        raise DataError(
            f"The weights '{weights}' are at most {largest:.3g}: no number holds their products "
            f"with the response. Give them in a smaller unit: {weights} / {largest:.0e}."
        )


def negative_weights(weights: str, count: int, where: str) -> str:
    """Say that weights are negative, how many, and in which rows."""
    return (
        f"The weights '{weights}' have {how_many(count, 'negative value')}, in {where}. A "
        "frequency weight says how many equal rows a row stands for."
    )


def tell_weights(weights: str, *, fractional: int, where: str, weightless: int, n: int) -> None:
    """Warn of weights that are no counts, and of rows that weigh nothing; refuse n such rows.

    Raises
    ------
    DataError

    Warns
    -----
    DesignWarning
        ``fractional_weights``, ``zero_weights``.
    """
    if weightless == n:
        raise DataError(f"The weights '{weights}' are all zero: no row counts.")
    if fractional:
        warn_design(
            f"The weights '{weights}' have {how_many(fractional, 'fractional value')}{where}. They "
            "multiply the log-likelihood, but are no row counts: standard errors treat their sum "
            "as the number of rows.",
            "fractional_weights",
        )
    if weightless:
        warn_design(
            f"{how_many(weightless, 'row')} of weight zero in '{weights}' left out.",
            "zero_weights",
        )
