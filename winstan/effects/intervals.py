"""Intervals of draws, and the rows of a summary."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from winstan._angles import circular_sd, deviations
from winstan.convergence import hdi
from winstan.errors import OptionError
from winstan.options import Interval, check_option, choices

if TYPE_CHECKING:
    from winstan._typing import Array

INTERVALS = choices(Interval)


def describe(
    values: Array, prob: float, interval: Interval, *, circular: bool = False
) -> dict[str, float]:
    """Mean, sd and interval of draws; the names of the interval's ends say which it is."""
    columns = summarise_values(values, prob, interval, circular=circular)
    return {name: float(value) for name, value in columns.items()}


def summarise_values(
    values: Array, prob: float, interval: Interval, *, circular: bool = False
) -> dict[str, Array]:
    """Return mean, sd and the interval's ends, shape (...) each, of draws, shape (S, ...).

    Of angles the mean is their direction, between -pi and pi, the sd the circular one, and the
    interval is that of their differences from the mean: its ends are on either side of the mean,
    and may be beyond pi.
    """
    names = interval_names(prob, interval)  # first: it refuses what is no probability
    if circular:
        mean, away = deviations(values)
        lower, upper = (mean + end for end in interval_ends(away, prob, interval))
        sd = circular_sd(values)
    else:
        mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
        lower, upper = interval_ends(values, prob, interval)
    return dict(zip(("mean", "sd", *names), (mean, sd, lower, upper), strict=True))


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
