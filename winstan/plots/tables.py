"""Checks of the tables that the figures are given, and their labels as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.errors import DataError
from winstan.plots.words import join_words

if TYPE_CHECKING:
    from collections.abc import Sequence


def require_columns(
    table: pd.DataFrame, name: str, columns: Sequence[str], *, empty: bool = False
) -> None:
    """Refuse a table that lacks columns or, unless it may be empty, rows."""
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise DataError(
            f"{name} has no column {join_words(missing)}; it has {join_words(table.columns)}."
        )
    if not empty and table.empty:
        raise DataError(f"{name} has no rows.")


def require_finite(name: str, values: pd.DataFrame | pd.Series, *, positive: bool) -> None:
    """Refuse values that an axis cannot show."""
    x = values.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        raise DataError(
            f"{name} has {np.count_nonzero(~np.isfinite(x))} values that are not finite."
        )
    if positive and (x <= 0).any():
        raise DataError(
            f"{name} has {np.count_nonzero(x <= 0)} values that are not positive, "
            "which a logarithmic axis cannot show."
        )


def as_text(labels: pd.Series) -> pd.Series:
    """Return labels of any type as text."""
    return pd.Series([str(label) for label in labels], index=labels.index, dtype="str")


def in_order(labels: pd.Series) -> pd.Series:
    """Return labels as text, categorical in the order in which they first appear."""
    text = as_text(labels)
    return pd.Series(pd.Categorical(text, list(dict.fromkeys(text))), index=labels.index)
