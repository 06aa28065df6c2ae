"""Responses heaped at their smallest or largest value, as at a limit of detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.families import FAMILIES
from winstan.families.suitable import named

if TYPE_CHECKING:
    from winstan.model import Model

# Kinds of responses that hardly ever tie, but for the values that have a probability of their own.
_CONTINUOUS = ("real", "positive", "unit", "nonnegative", "proportion")
# A heap is so many rows, such a share of all, and so many times the rows of any other value.
_ROWS = 5
_SHARE = 0.02
_TIMES = 3.0


def heaped(model: Model) -> str | None:
    """Say whether a continuous response has a heap of rows at one of its ends.

    Measurements that are rounded tie everywhere; a heap is many more rows than any other value has.

    Parameters
    ----------
    model
        Of any family; of responses with limits there is no finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    response, kind = model.design.response, model.family.kind
    if response.limits is not None or kind not in _CONTINUOUS:
        return None
    y, weights = response.y, model.design.weights
    enough = max(_ROWS, _SHARE * (y.size if weights is None else float(weights.sum())))
    at_end = (y == y.min(), y == y.max())
    if all(np.sum(at if weights is None else weights[at]) < enough for at in at_end):
        return None  # most data: all values need not be sorted
    value, at = np.unique(y, return_inverse=True)
    if value.size < _ROWS:
        return None
    rows = np.bincount(at, weights)
    name = response.name
    for end, which, side in ((0, "smallest", "left"), (-1, "largest", "right")):
        others = float(np.delete(rows, end).max())
        own = value[end] in model.family.masses
        if own or rows[end] < max(enough, _TIMES * others):
            continue
        zeros = (
            " If they are true zeros, family='hurdle_gamma' or 'hurdle_lognormal' has them beside "
            "positive values."
            if value[end] == 0 and value[0] == 0
            else ""
        )
        return (
            f"{rows[end]:,.0f} of {rows.sum():,.0f} rows of {name!r} have its {which} value, "
            f"{value[end]:g}, and no other value has more than {others:,.0f}: they may be values "
            "beyond a limit of detection, or of time. Taken as measured they bias means and make "
            f"the spread too small. If they are beyond it, make a column of the status, '{side}' "
            f"there and 'none' elsewhere, and write censored({name}, status) ~ ...."
            f"{_other_family(model)}{zeros}"
        )
    return None


def _other_family(model: Model) -> str:
    """Say which families have censored rows, where the model's own has none."""
    family = model.family
    if family.cumulative is not None:
        return ""
    kinds = {family.kind, "positive"} if family.kind == "nonnegative" else {family.kind}
    can = [name for name, other in FAMILIES.items() if other.cumulative and other.kind in kinds]
    if not can:
        return (
            f" family={family.name!r} cannot have censored rows: leave them out, fit once more, "
            "and see what changes."
        )
    return f" family={family.name!r} cannot have censored rows; {named(can)} can."
