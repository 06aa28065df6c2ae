"""Sizes of a study: the layout with more animals, neurons or trials, or with fewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from winstan.errors import OptionError, near_matches


def read_sizes(n: Any) -> list[dict[str, int]]:
    """Return each combination of the sizes that ``n=`` has, by factor.

    Raises
    ------
    OptionError
        If one is no whole number from 1 up.
    """
    if n is None:
        return [{}]
    if not isinstance(n, Mapping) or not n:
        raise OptionError(
            f"n= says how many levels of which factors: n={{'mouse': [4, 6, 8]}}, not {n!r}."
        )
    several = {str(name): _whole(name, given) for name, given in n.items()}
    return [dict(zip(several, sizes, strict=True)) for sizes in product(*several.values())]


def _whole(name: str, given: Any) -> list[int]:
    values = list(given) if np.iterable(given) and not isinstance(given, str) else [given]
    for value in values:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 1:
            raise OptionError(f"n= gives {value!r} for {name!r}: whole numbers from 1 up.")
    if not values or len(set(values)) < len(values):
        raise OptionError(f"n= must give different numbers for {name!r}, not {given!r}.")
    return sorted(int(value) for value in values)


def numbered(
    table: pd.DataFrame, names: Iterable[str], columns: Sequence[str], predictors: Sequence[str]
) -> pd.DataFrame:
    """Add columns that number the repeats of a row, where a size is of no column.

    Parameters
    ----------
    table
    names
        What sizes are of.
    columns
        The right side's, group factors included: rows that are alike in these are repeats.
    predictors
        Those whose values matter, which have no number of levels to set.

    Raises
    ------
    OptionError
        If a name is about that of a column, is of a predictor's levels, or two are of repeats.
    """
    known = list(table.columns)
    new = [name for name in names if name not in known]
    for name in names:
        if name in predictors and not pd.api.types.is_numeric_dtype(table[name]):
            raise OptionError(
                f"n= names {name!r}, whose levels are what is compared: sizes are of units and of "
                "repeats. Lay out other levels by ws.layout."
            )
        if name in new and "Did you mean" in (near := near_matches(name, known)):
            raise OptionError(f"n= names {name!r}, which is no column of the layout.{near}")
    if len(new) > 1:
        raise OptionError(
            f"n= names {new[0]!r} and {new[1]!r}, of which the layout has no column: one such name "
            f"can stand for the repeats of equal rows. Known: {', '.join(map(repr, known))}."
        )
    if not new:
        return table
    repeat = table.groupby(list(columns), observed=True).cumcount() if columns else table.index
    return table.assign(**{new[0]: np.asarray(repeat)})


def resized(
    table: pd.DataFrame, sizes: Mapping[str, int], units: Sequence[str], predictors: Sequence[str]
) -> pd.DataFrame:
    """Return the layout with so many levels of each factor.

    New levels are copies of those that there are, in turn, so that conditions keep their shares;
    what is within them is copied, with names of its own. The number is within the unit that the
    factor is nested in, if there is one.

    Parameters
    ----------
    table
    sizes
        Levels by factor.
    units
        Columns of units: group factors, and what sizes are of.
    predictors
        Columns of the conditions.
    """
    outer_first = sorted(sizes, key=lambda name: table[name].nunique())
    for name in outer_first:
        table = _with_levels(table, name, sizes[name], units, predictors)
    return table


def parent_of(table: pd.DataFrame, name: str, units: Sequence[str]) -> str | None:
    """Return the unit that a factor's levels are within, the closest of several."""
    outer = [u for u in units if u != name and _inside(table, name, u)]
    return max(outer, key=lambda u: table[u].nunique(), default=None)


def _with_levels(
    table: pd.DataFrame, name: str, k: int, units: Sequence[str], predictors: Sequence[str]
) -> pd.DataFrame:
    parent = parent_of(table, name, units)
    children = [u for u in units if u != name and _inside(table, u, name)]
    level, _ = pd.factorize(table[name])
    cell = np.zeros(len(table), int)
    if predictors:
        cell = table.groupby(list(predictors), sort=False, observed=True).ngroup().to_numpy()
    block = np.zeros(len(table), int) if parent is None else pd.factorize(table[parent])[0]
    rows, turns = [], []
    for b in range(block.max() + 1):
        inside = np.flatnonzero(block == b)
        order = _dealt(level[inside], cell[inside])
        for j in range(k):
            own = inside[level[inside] == order[j % len(order)]]
            rows.append(own)
            turns.append(np.full(own.size, j // len(order)))
    out = table.iloc[np.concatenate(rows)].reset_index(drop=True)
    turn = np.concatenate(turns)
    # A copy of a unit and a copy within it are two things
    names = {name: "", **dict.fromkeys(children, name)}
    return out.assign(**{u: _renamed(table[u], out[u], turn, of) for u, of in names.items()})


def _dealt(level: np.ndarray, cell: np.ndarray) -> list[int]:
    """Order levels so that the first of them have every kind in its share.

    A kind is the conditions in which a level has rows.
    """
    kinds: dict[frozenset[int], list[int]] = {}
    for one in dict.fromkeys(level.tolist()):
        kinds.setdefault(frozenset(cell[level == one].tolist()), []).append(one)
    placed = [
        ((i + 0.5) / len(members), k, one)
        for k, members in enumerate(kinds.values())
        for i, one in enumerate(members)
    ]
    return [one for _, _, one in sorted(placed)]


def _renamed(known: pd.Series, values: pd.Series, turn: np.ndarray, of: str) -> Any:
    """Give copies names of their own: numbers go on, words say which copy (of what) they are."""
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known):
        span = known.max() - known.min() + 1
        return values.to_numpy() + turn * span
    words = values.astype(str).to_numpy(object)
    return np.where(turn == 0, words, words + f"+{of}" + turn.astype(str).astype(object))


def _inside(table: pd.DataFrame, inner: str, outer: str) -> bool:
    """Whether each level of one factor is in one level of another, which has fewer."""
    if table[outer].nunique() >= table[inner].nunique():
        return False
    pairs = table[[inner, outer]].drop_duplicates()
    return len(pairs) == table[inner].nunique()
