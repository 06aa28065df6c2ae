"""Values at limits of detection, as instruments write them: ``<0.20`` and ``>60``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.data.columns import how_many
from winstan.data.numerals import written_numbers
from winstan.data.tables import missing_mask
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = re.compile(r"\s*(<=|>=|[<>\u2264\u2265])\s*")
_STATUS = {
    "<": "left",
    "<=": "left",
    "\u2264": "left",
    ">": "right",
    ">=": "right",
    "\u2265": "right",
}
_SHOWN = 5


def detection_limits(series: Any) -> pd.DataFrame:
    """Read a column of numbers among which some are limits, such as ``<0.20`` or ``>60``.

    Parameters
    ----------
    series
        A column of text, of any data frame library, or a list.

    Returns
    -------
    DataFrame
        ``value``, the number or the limit, and ``status``: ``"none"`` of a measured value,
        ``"left"`` of one below its limit and ``"right"`` of one above. Missing values stay so.
        (A right-censored count is above its limit: of counts read ``>=60`` as ``>59``.) The
        index is that of a pandas Series.

    Raises
    ------
    DataError
        Where a value is no number, with or without a mark.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.detection_limits(["<0.20", "0.35", ">60"])
       value status
    0   0.20   left
    1   0.35   none
    2  60.00  right
    """
    index = series.index if isinstance(series, pd.Series) else None
    if isinstance(series, list | tuple | np.ndarray):
        series = pd.Series(series, dtype=object)
    try:
        column = nw.from_native(series, series_only=True)
    except TypeError as error:
        raise DataError(
            f"detection_limits takes a column of a data frame, or a list, not "
            f"{type(series).__name__}."
        ) from error
    values: Sequence[Any] = column.to_list()
    missing = np.asarray(missing_mask(column), bool)
    status = np.full(len(values), "none", dtype=object)
    bare = [""] * len(values)
    for i, value in enumerate(values):
        if missing[i]:
            continue
        text = str(value)
        if (mark := _MARK.match(text)) is not None:
            status[i], text = _STATUS[mark.group(1)], text[mark.end() :]
        bare[i] = text
    value = _numbers(bare, ~missing, values)
    return pd.DataFrame({"value": value, "status": status}, index=index)


def _numbers(texts: list[str], given: np.ndarray, values: Sequence[Any]) -> np.ndarray:
    """Read numbers as most of them are written; those that are not given are missing."""
    out = np.full(len(texts), np.nan)
    labels = list(
        dict.fromkeys(text for text, is_given in zip(texts, given, strict=True) if is_given)
    )
    written = written_numbers(labels)
    numbers = pd.Series(labels, dtype=object)
    if written is not None and written.otherwise:
        raise DataError(
            f"Commas may be decimal, or stand between thousands, in all of {labels[0]!r} and the "
            "others: write the numbers with points, and without separators, first."
        )
    if written is not None:
        for pattern, new in written.steps:
            numbers = numbers.str.replace(pattern, new, regex=True)
    read = pd.to_numeric(numbers, errors="coerce").to_numpy(float)
    by_text = dict(zip(labels, read, strict=True))
    out[given] = [by_text[text] for text, is_given in zip(texts, given, strict=True) if is_given]
    bad = np.flatnonzero(given & ~np.isfinite(out))
    if bad.size:
        shown = ", ".join(f"{values[i]!r} in row {i}" for i in bad[:_SHOWN])
        raise DataError(
            f"{how_many(bad.size, 'value')} of {len(texts):,} cannot be read as a number, with or "
            f"without a mark such as '<': {shown}{', ...' if bad.size > _SHOWN else ''} (counted "
            "from 0). Write the limit in place of a word such as 'ND' ('<0.20'), or leave the "
            "value missing."
        )
    return out
