"""Which families a response fits, by what the families themselves say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.data.missing_codes import is_negative_code
from winstan.errors import FamilyError
from winstan.families.registry import FAMILIES

if TYPE_CHECKING:
    from winstan.families.consistency import Kind
    from winstan.families.family import Family
    from winstan.families.sample import Sample

# From what few responses are to what all are: a family of the narrowest kind is the one to name.
_KINDS: tuple[Kind, ...] = (
    "binary",
    "unit",
    "count",
    "proportion",
    "positive",
    "nonnegative",
    "real",
)


def usual_families(kind: Kind) -> list[str]:
    """Return the names of the usual families of a kind of response."""
    return [family.name for family in FAMILIES.values() if family.usual and family.kind == kind]


def named(names: list[str]) -> str:
    """Write families as options: ``family='gamma' or 'lognormal'``."""
    *first, last = map(repr, names)
    return "family=" + (f"{', '.join(first)} or {last}" if first else last)


def fitting_families(sample: Sample) -> list[str]:
    """Return the usual families of the narrowest kind that can have produced a response."""
    for kind in _KINDS:
        found = [
            name for name in usual_families(kind) if not np.any(FAMILIES[name].support(sample)[0])
        ]
        if found:
            return found
    return []


def check_support(
    family: Family,
    sample: Sample,
    name: str,
    positions: np.ndarray,
    count: np.ndarray | None = None,
) -> None:
    """Refuse a response that the family cannot have produced.

    Parameters
    ----------
    family
    sample
        The response, N rows.
    name
        The response's name.
    positions : ndarray of int, shape (N,)
        Of the rows, in the user's data frame.
    count : ndarray, shape (N,), or None
        Rows that each stands for, where an engine grouped them: they have no positions.

    Raises
    ------
    FamilyError
        With the count of bad rows, the first few of them, and the families that would fit.
    """
    found = family.support(sample)
    if not isinstance(found, tuple) or len(found) != 3 or np.shape(found[0]) != sample.y.shape:
        raise FamilyError(
            f"support of the family {family.name!r} does not give a tuple of three things: which "
            "rows it cannot have produced (True or False for each), the words for what was wanted, "
            "and what to do instead (a sentence, or '')."
        )
    bad, wanted, remedy = found
    if not np.any(bad):
        return
    whole = np.ones(sample.y.size) if count is None else count
    n_bad, n = int(whole[bad].sum()), int(whole.sum())
    where = np.flatnonzero(bad)[:5]
    rows = ", ".join(
        f"row {positions[i]}: {sample.y[i]:g}" if count is None else f"{sample.y[i]:g}"
        for i in where
    )
    more = ", ..." if np.count_nonzero(bad) > where.size else ""
    fitting = [] if family.trials or family.circular else fitting_families(sample)
    code = n_bad < n and is_negative_code(sample.y[where[0]]) and np.ptp(sample.y[bad]) == 0
    advice = [remedy.replace("{name}", name)] if remedy else []
    if code:
        advice = [
            f"If {sample.y[where[0]]:g} stands for a missing value, make it NaN (null), "
            "and its rows are left out."
        ]
    if not code and any(repr(other) not in remedy for other in fitting):
        else_ = "" if remedy else "; or mend or drop those rows"
        advice.append(f"This response fits {named(fitting)}{else_}.")
    raise FamilyError(
        f"family={family.name!r} needs {wanted}, but {name!r} has {n_bad} of {n} rows "
        f"that are not ({rows}{more}). {' '.join(advice)}".rstrip()
    )
