"""Replicates of censored responses as an instrument would read them: put at its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import OptionError
from winstan.families.sample import LEFT, RIGHT

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.effects.specification import Specified

type Clip = bool | tuple[float | None, float | None]
"""Whether replicates are put at the limits of the data, or at these two: None is none."""


def limits_of_clip(model: Specified, clip: Clip) -> tuple[float, float]:
    """Return the ends between which replicates are read, in the units of the data.

    Raises
    ------
    OptionError
        If there are no limits, if rows have several, or if what is given is no pair of numbers.
    """
    if isinstance(clip, bool):
        return _of_data(model) if clip else (-np.inf, np.inf)
    ends = clip if isinstance(clip, tuple | list) and len(clip) == 2 else (None, None)
    low, high = (
        number if end is None else float(end) if _is_number(end) else np.nan
        for end, number in zip(ends, (-np.inf, np.inf), strict=True)
    )
    if not low < high or (low == -np.inf and high == np.inf):
        raise OptionError(
            "clip must be True, False or a pair of limits, the lower one first and None where "
            f"there is none, such as (0.2, None), not {clip!r}."
        )
    return low, high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _of_data(model: Specified) -> tuple[float, float]:
    """Return the one limit on each side that all censored rows have."""
    response = model.design.response
    status = None if response.limits is None else response.limits.status
    y = response.in_units(response.y.astype(float))
    sides = {
        "left": np.zeros(0) if status is None else np.unique(y[status == LEFT]),
        "right": np.zeros(0) if status is None else np.unique(y[status == RIGHT]),
    }
    several = next((side for side, found in sides.items() if found.size > 1), None)
    if several:
        raise OptionError(
            f"clip=True is for one limit on a side, and the {several}-censored rows of "
            f"{response.name!r} have {sides[several].size}: where measured rows would have been "
            "limited they do not say. Give the limits, clip=(lower, upper)."
        )
    if not any(found.size for found in sides.values()):
        raise OptionError(
            f"clip=True puts replicates at the limits of censored rows, and {response.name!r} has "
            "no row that is 'left' or 'right'. Give the limits, clip=(lower, upper), or leave clip "
            "out."
        )
    left, right = sides.values()
    return (float(left[0]) if left.size else -np.inf), (float(right[0]) if right.size else np.inf)


def clipped(y: Array, ends: tuple[float, float]) -> Array:
    """Put what is beyond an end at it."""
    return np.clip(y, *ends) if np.isfinite(ends).any() else y
