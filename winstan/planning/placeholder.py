"""A response for a layout that has none, so that its model can be made: no result depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import DataError, OptionError
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from winstan.families import Family
    from winstan.formula import Formula

_UNIT = (0.2, 0.4, 0.5, 0.6, 0.8)
_NUMBERS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "real": lambda rng, n: rng.normal(0, 1, n),
    "circular": lambda rng, n: rng.normal(0, 0.5, n),
    "positive": lambda rng, n: np.exp(rng.normal(0, 0.5, n)),
    "nonnegative": lambda rng, n: np.exp(rng.normal(0, 0.5, n)) * (np.arange(n) % 3 > 0),
    "count": lambda rng, n: np.resize([0, 1, 2, 3, 1, 4], n),
    "binary": lambda rng, n: np.resize([0, 1, 1, 0, 1], n),
    "successes": lambda rng, n: np.resize([0, 1, 1, 0, 1], n),
    "unit": lambda rng, n: np.resize(_UNIT, n) + 0.1 * rng.random(n),
    "proportion": lambda rng, n: np.resize([0, 1, *_UNIT], n),
}


def with_placeholder(
    table: pd.DataFrame, formula: Formula, family: Family, categories: int | None
) -> pd.DataFrame:
    """Give a layout the response that the formula names, unless it has it.

    Parameters
    ----------
    table
    formula
    family
    categories
        How many the response has, if that is known.

    Raises
    ------
    DataError
        If the left side needs other columns than the response.
    OptionError
        If it is of categories, and nobody says how many.
    """
    spec = formula.response_spec
    missing = [c for c in formula.response_columns if c not in table]
    if not missing:
        return table
    own = spec.value.columns
    if missing != list(own) or spec.limits is not None or spec.counts:
        what = next((c for c in missing if c not in own), missing[0])
        raise DataError(
            f"The left side {formula.response!r} needs the column {what!r}, which the layout does "
            "not have: add it"
            + (
                ", such as the number of trials of each row."
                if spec.trials is not None
                else "; limits and counts of categories are those of a pilot's rows."
            )
        )
    if len(own) != 1 or not (isinstance(spec.value.node, Name) or family.kind in _LOGGED):
        raise DataError(
            f"The left side {formula.response!r} is a function of columns that the layout does not "
            "have: name the response itself, such as y ~ stim, for what the studies simulate."
        )
    if family.kind in ("ordered", "unordered"):
        if categories is None:
            raise OptionError(
                "Nothing says how many categories the response has: truth={'threshold': [-1, 0, "
                "1]} has one threshold fewer than there are."
            )
        return table.assign(**{own[0]: np.resize(np.arange(1, categories + 1), len(table))})
    rng = np.random.default_rng(0)
    kind = family.kind if isinstance(spec.value.node, Name) else "positive"
    return table.assign(**{own[0]: _NUMBERS[kind](rng, len(table))})


# Of functions of the response, such as log(Power), which positive numbers suit.
_LOGGED = ("real",)
