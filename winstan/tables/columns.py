"""What the columns of a tidy table are: labels, estimates, ends of intervals, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.errors import DataError

if TYPE_CHECKING:
    from winstan._typing import Array

END = re.compile(r"(hdi|eti|sim)_([0-9.]+)%")
"""An end of an interval, by kind and percent."""
KINDS = {"hdi": "highest-density", "eti": "equal-tailed", "sim": "simultaneous"}
SHORT = {"hdi": "HDI", "eti": "interval", "sim": "simultaneous"}
PROBABILITIES = ("p_direction", "p_rope", "probability")
LABELS = {
    "p_direction": "P(direction)",
    "p_rope": "P(ROPE)",
    "probability": "probability",
    "ess_bulk": "ESS (bulk)",
    "ess_tail": "ESS (tail)",
    "r_hat": "R-hat",
    "mcse_mean": "MCSE",
}
"""What columns of winstan's tables are called in print; others have their own names."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two columns that are the ends of one interval.

    Attributes
    ----------
    kind : {"hdi", "eti", "sim"}
    percent : float
        Its probability, such as 94.
    lower, upper : str
        The columns.
    """

    kind: str
    percent: float
    lower: str
    upper: str

    @property
    def title(self) -> str:
        """What stands over the ends: ``94% HDI``."""
        return f"{self.percent:g}% {SHORT[self.kind]}"

    @property
    def words(self) -> str:
        """What a caption calls it: ``94% highest-density interval``."""
        return f"{self.percent:g}% {KINDS[self.kind]} interval"

    @property
    def tail(self) -> float:
        """The probability below the lower end, of equal tails."""
        return (1 - self.percent / 100) / 2


def intervals_of(table: pd.DataFrame) -> list[Interval]:
    """Pair the ends of intervals, in the order of their columns."""
    ends: dict[tuple[str, float], dict[str, str]] = {}
    for name in map(str, table.columns):
        if found := END.fullmatch(name):
            tail = float(found[2])
            side = "lower" if tail < 50 else "upper"
            key = (found[1], round(abs(100 - 2 * tail), 6))
            ends.setdefault(key, {})[side] = name
    return [
        Interval(kind, percent, pair["lower"], pair["upper"])
        for (kind, percent), pair in ends.items()
        if len(pair) == 2
    ]


def effective_draws(table: pd.DataFrame) -> Array | None:
    """Return each row's effective draws: its own, or the fewest of the fit; None if unknown.

    ``attrs["ess"]`` is a number, or one for each row.
    """
    if {"ess_bulk", "ess_tail"} <= set(table.columns):
        return table[["ess_bulk", "ess_tail"]].min(axis=1).to_numpy(dtype=float)
    given = table.attrs.get("ess")
    if given is None:
        return None
    return np.broadcast_to(np.asarray(given, float), (len(table),))


def with_names_as_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which a named, or worded, index is the first columns."""
    if isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        return table.copy()
    unnamed = "parameter" if "r_hat" in table else "term"
    names = [name or unnamed for name in table.index.names]
    taken = [name for name in names if name in table.columns]
    if taken:
        raise DataError(
            f"{taken[0]!r} is a column of the table and the name of its index. Rename the index: "
            "table.rename_axis('row')."
        )
    numbered = table.index.nlevels == 1 and pd.api.types.is_integer_dtype(table.index.dtype)
    if numbered and table.index.name is None:
        return table.reset_index(drop=True)  # rows that were chosen among others
    out = table.rename_axis(names).reset_index()
    out.attrs = dict(table.attrs)
    return out
