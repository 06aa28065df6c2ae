"""Intervals of draws, and the rows of a summary."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from winstan.convergence import hdi
from winstan.errors import OptionError
from winstan.options import Interval, check_option, choices

if TYPE_CHECKING:
    from winstan._typing import Array

INTERVALS = choices(Interval)


def describe(values: Array, prob: float, interval: Interval) -> dict[str, float]:
    """Mean, sd and interval of draws; the names of the interval's ends say which it is."""
    names = interval_names(prob, interval)  # first: it refuses what is no probability
    lower, upper = interval_ends(values, prob, interval)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        names[0]: float(lower),
        names[1]: float(upper),
    }


def interval_names(prob: float, interval: Interval) -> tuple[str, str]:
    """Return the column names of an interval's ends: ``hdi_3%`` and ``hdi_97%``.

    Raises
    ------
    OptionError
        If the kind of interval is unknown, or the probability is not between 0 and 1.
    """
    check_option("interval", interval, Interval)
    if not isinstance(prob, Real) or not 0 < prob < 1:
        raise OptionError(f"prob must be a number between 0 and 1, not {prob!r}: 0.94, say.")
    tail = 100 * (1 - prob) / 2
    return f"{interval}_{tail:g}%", f"{interval}_{100 - tail:g}%"


def interval_ends(values: Array, prob: float, interval: Interval) -> tuple[Array, Array]:
    """Return the ends of the highest-density or equal-tailed interval of draws, shape (S, ...)."""
    if interval == "eti":
        lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
        return lower, upper
    lower, upper = hdi(values.reshape(len(values), -1), prob)
    return lower.reshape(values.shape[1:]), upper.reshape(values.shape[1:])
