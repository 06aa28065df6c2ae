"""Intervals of draws, and the rows of a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.links import Array

INTERVALS = ("hdi", "eti")


def describe(values: Array, prob: float, interval: str) -> dict[str, float]:
    """Mean, sd and interval of draws; the names of the interval's ends say which it is."""
    lower, upper = interval_ends(values, prob, interval)
    names = interval_names(prob, interval)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        names[0]: lower,
        names[1]: upper,
    }


def interval_names(prob: float, interval: str) -> tuple[str, str]:
    """Return the column names of an interval's ends: ``hdi_3%`` and ``hdi_97%``.

    Raises
    ------
    OptionError
        If the kind of interval is unknown, or the probability is not between 0 and 1.
    """
    if interval not in INTERVALS:
        raise OptionError(f"interval must be 'hdi' or 'eti', not {interval!r}.")
    if not 0 < prob < 1:
        raise OptionError(f"prob must be between 0 and 1, not {prob!r}.")
    tail = 100 * (1 - prob) / 2
    return f"{interval}_{tail:g}%", f"{interval}_{100 - tail:g}%"


def interval_ends(values: Array, prob: float, interval: str) -> tuple[float, float]:
    """Return the ends of the highest-density or equal-tailed interval of draws, shape (S,)."""
    from arviz_stats.base import array_stats  # noqa: PLC0415 - a second that an import should not pay

    if interval == "eti":
        lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2])
    else:
        lower, upper = array_stats.hdi(values, prob=prob, axis=-1)
    return float(lower), float(upper)
