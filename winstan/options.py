"""Options of a few words, True or False, or a number: their types, and what refuses others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from winstan.errors import OptionError, near_matches

type Interval = Literal["hdi", "eti"]
"""Of draws: highest density, or equal tails."""
type Scale = Literal["response", "link", "odds"]
"""Of effects: the units of the data, those of the linear predictor, or odds of a probability."""
type Pairs = Literal[
    "reference", "all", "sequential", "consecutive", "effect", "helmert", "poly", "dunnett"
]
"""Of contrasts: every value against the first, every pair, each against the one before it (by two
names), against the mean of all, against those before it, polynomials, or as the first with
simultaneous intervals."""
type Comparing = Pairs | Mapping[str, Sequence[float] | Mapping[Any, float]]
"""Pairs, or weights of each level by the name of a contrast."""
type By = str | Sequence[str] | Mapping[str, Iterable[Any] | None]
"""Columns, or columns with the values that they are set to."""
type Ratio = bool | Literal["percent"]
"""Of contrasts: ratios of means in place of differences, or their change in percent."""
type Weighting = Literal["observed", "equal"]
"""Of means: rows as the data have them, or every combination of the other factors alike."""
type Probability = float | Sequence[float]
"""Of an interval, or of several."""
type Groups = Literal["these", "typical", "population", "new"]
"""Whose mean response an effect is about."""
type Whose = Groups | Mapping[str, Groups]
"""One for all group factors, or for each."""
type Predicted = Literal["mean", "response", "link"]
"""The mean response, a response drawn for each draw, or the linear predictor."""
type EffectKind = Literal["deviation", "total"]
"""Of group effects: from the population's coefficients, or added to them."""
type Check = Literal["density", "groups", "statistic"]
"""Of predictive checks: all responses, means of groups, or a statistic."""
type Printed = Literal["effects", "parameters"]
"""Of a table for print: the contrast of every predictor, or the parameters."""
type Kept = Literal["summary", "fits"]
"""What a fit of each group keeps."""
type DegreesOfFreedom = Literal["kenward-roger", "satterthwaite", "normal"]
"""Of the tests of a linear mixed model; by the normal distribution they are infinite."""
type Foretold = Literal["loo", "posterior"]
"""Of residuals: a row from all others, or from all."""
type ResidualVariance = Literal["model", "data"]
"""Of R squared: that of the distribution, or of the residuals."""
type Units = Literal["in", "cm", "mm"]
"""Of a figure's size."""


def choices(option: Any) -> tuple[str, ...]:
    """Return the words of an option's type."""
    return get_args(option.__value__)


def check_option(name: str, value: object, option: Any) -> None:
    """Refuse a value that is none of an option's words.

    Parameters
    ----------
    name
        The option's.
    value
    option
        Its type, such as `Interval`.

    Raises
    ------
    OptionError
        With the words that there are, and what comes near.
    """
    words = choices(option)
    if not isinstance(value, str) or value not in words:
        *some, last = map(repr, words)
        near = near_matches(value, words) if isinstance(value, str) else ""
        raise OptionError(
            f"{name} must be {', '.join(some)} or {last}, not {value!r}."
            + (near if "Did you mean" in near else "")  # else it lists them again
        )


# Options whose None is a value: whatever suits.
_OR_NONE = frozenset({"progress", "log"})
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "ratio": " A change in percent is of the tables: contrast(..., ratio='percent').",
        "draws": " All draws are returned: take a part of the rows for fewer.",
        "slope": " Name the predictor first: contrast('dose', slope=True).",
        "log": " The axis' other scales are plotnine's: add scale_y_continuous(trans=...).",
    }
)


def check_flags(*or_none: str, **given: object) -> None:
    """Refuse values that are neither True nor False, by the name of the option.

    Parameters
    ----------
    *or_none
        Options that may be None too, as ``log`` and ``progress`` always may.
    **given
        Options by name.

    Raises
    ------
    OptionError
        Naming the first such option.
    """
    for name, value in given.items():
        may_be_none = name in _OR_NONE or name in or_none
        if isinstance(value, bool | np.bool_) or (value is None and may_be_none):
            continue
        choices = "True, False or None" if may_be_none else "True or False"
        raise OptionError(f"{name} must be {choices}, not {value!r}.{_HINTS.get(name, '')}")


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number from `least` up.

    Raises
    ------
    OptionError
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise OptionError(f"{name}= must be a whole number from {least} up, not {value!r}.")


def check_probability(name: str, value: object, usual: float) -> None:
    """Refuse what is no number between 0 and 1, and name a usual one.

    Raises
    ------
    OptionError
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < 1:
        raise OptionError(
            f"{name}= must be a number between 0 and 1, not {value!r}: {usual:g}, say."
        )


def refuse_beside_fit(given: Mapping[str, object]) -> None:
    """Refuse options of a model beside a fit, which has its own.

    Parameters
    ----------
    given
        Options by name; those that are as they are by default were not given.

    Raises
    ------
    OptionError
        Naming the first.
    """
    usual = {"center": True, "family": "gaussian"}
    for name, value in given.items():
        if value is not None and (name not in usual or value != usual[name]):
            raise OptionError(
                f"{name}= was given beside a fit, which has its own: give a formula and data for "
                "another model."
            )
