"""Intervals of draws, one by one or all at once, and the rows of a summary.

Simultaneous intervals are ``mean +- c sd`` for each of several quantities, with c such that so many
draws have all of them inside: the quantile of each draw's largest distance from the means, in sds.

References
----------
Ruppert, Wand and Carroll (2003), Semiparametric Regression, 6.5; Montiel Olea and Plagborg-Moller
(2019), Journal of Applied Econometrics 34, 1-17, for such intervals of draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import special

from winstan._angles import circular_sd, deviations
from winstan.errors import OptionError
from winstan.options import Interval, check_option, check_probability, choices
from winstan.ordered_draws import hdi

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.options import Probability

type Spread = Literal["", "log", "logit", "percent"]
"""The scale of draws that is even: as they are, or their logarithms, logits, or those of changes in
percent."""

INTERVALS = choices(Interval)
SIMULTANEOUS = "sim"
"""What the names of the ends of simultaneous intervals begin with."""
_SPREADS: Mapping[Spread, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "": (lambda x: x, lambda x: x),
    "log": (np.log, np.exp),
    "logit": (special.logit, special.expit),
    "percent": (lambda x: np.log1p(x / 100), lambda x: 100 * np.expm1(x)),
}


def describe(
    values: Array, prob: Probability, interval: Interval, *, circular: bool = False
) -> dict[str, float]:
    """Mean, sd and intervals of draws; the names of the intervals' ends say which they are."""
    columns = summarise_values(values, prob, interval, circular=circular)
    return {name: float(value) for name, value in columns.items()}


def summarise_values(
    values: Array, prob: Probability, interval: Interval, *, circular: bool = False
) -> dict[str, Array]:
    """Return mean, sd and the intervals' ends, shape (...) each, of draws, shape (S, ...).

    Of angles the mean is their direction, between -pi and pi, the sd the circular one, and the
    interval is that of their differences from the mean: its ends are on either side of the mean,
    and may be beyond pi.
    """
    probs = probabilities(prob)
    check_option("interval", interval, Interval)
    center: Any = 0.0
    if circular:
        center, values = deviations(values)
        out = {"mean": center, "sd": circular_sd(values)}
    else:
        out = {"mean": values.mean(axis=0), "sd": values.std(axis=0, ddof=1)}
    for own in probs:
        ends = (center + end for end in interval_ends(values, own, interval))
        out |= dict(zip(interval_names(own, interval), ends, strict=True))
    return out


def simultaneous_ends(
    values: Array,
    prob: float,
    largest: Array | None = None,
    *,
    circular: bool = False,
    spread: Spread = "",
) -> tuple[Array, Array]:
    """Return the ends of intervals that hold all of several quantities at once, shape (...).

    Parameters
    ----------
    values : ndarray, shape (S, ...)
    prob
    largest : ndarray, shape (S,)
        From `largest_distance` of these and others, where there are more; by default of these.
    circular
        The draws are angles.
    spread
        The scale on which they are spread about as far on either side of the mean.
    """
    mean, away, sd = _standardised(values, circular, spread)
    far = _largest(away, sd) if largest is None else largest
    reach = float(np.quantile(far, prob)) * sd
    back = _SPREADS[spread][1]
    return back(mean - reach), back(mean + reach)


def largest_distance(values: Array, *, circular: bool = False, spread: Spread = "") -> Array:
    """Return each draw's largest distance from the means, in sds, shape (S,)."""
    _, away, sd = _standardised(values, circular, spread)
    return _largest(away, sd)


def _standardised(values: Array, circular: bool, spread: Spread) -> tuple[Array, Array, Array]:
    """Return the means, the distances from them, and the sds."""
    if circular:
        mean, away = deviations(values)
        return mean, away, np.sqrt(np.square(away).mean(axis=0))
    even = _SPREADS[spread][0](values)
    mean = even.mean(axis=0)
    return mean, even - mean, even.std(axis=0, ddof=1)


def _largest(away: Array, sd: Array) -> Array:
    safe = np.where(sd > 0, sd, 1.0)  # where all draws are one value, the interval is that value
    return (np.abs(away) / safe).reshape(len(away), -1).max(axis=1)


def probabilities(prob: Any) -> tuple[float, ...]:
    """Return the probabilities that are asked for, one or several.

    Raises
    ------
    OptionError
        If one is no number between 0 and 1, there is none, or one is given twice.
    """
    several = isinstance(prob, Iterable) and not isinstance(prob, str)
    probs = list(prob) if several else [prob]
    for own in probs:
        check_probability("prob", own, 0.94)
    if not probs or len(set(probs)) < len(probs):
        raise OptionError(f"prob takes different numbers, such as [0.5, 0.94], not {prob!r}.")
    return tuple(map(float, probs))


def interval_names(prob: float, interval: str) -> tuple[str, str]:
    """Return the column names of an interval's ends: ``hdi_3%`` and ``hdi_97%``.

    Raises
    ------
    OptionError
        If the kind of interval is unknown, or the probability is not between 0 and 1.
    """
    if interval != SIMULTANEOUS:
        check_option("interval", interval, Interval)
    (own,) = probabilities([prob])
    tail = 100 * (1 - own) / 2
    return f"{interval}_{tail:g}%", f"{interval}_{100 - tail:g}%"


def interval_ends(values: Array, prob: float, interval: Interval) -> tuple[Array, Array]:
    """Return the ends of the highest-density or equal-tailed interval of draws, shape (S, ...)."""
    if interval == "eti":
        lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
        return lower, upper
    lower, upper = hdi(values.reshape(len(values), -1), prob)
    return lower.reshape(values.shape[1:]), upper.reshape(values.shape[1:])
