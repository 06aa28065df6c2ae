"""`layout`: the rows of a study that has not been made, from its factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from winstan.errors import OptionError, near_matches

type Levels = int | Sequence[Any] | Mapping[Any, int]
"""How many units there are; the values; or how many rows each level of another factor has."""


def layout(
    *,
    nested: Mapping[str, str] | None = None,
    between: Mapping[str, str] | None = None,
    **factors: Levels,
) -> pd.DataFrame:
    """Lay a study out: a row for each observation, without the response.

    Factors are crossed: there is a row for each combination of their levels, but for those that are
    `nested` or `between`. It is a plain data frame: leave rows out where a study has gaps, or add
    columns.

    Parameters
    ----------
    nested
        Units within units, ``{"neuron": "mouse"}``: each mouse has neurons of its own, as many as
        are given, and their names are unique.
    between
        What a unit has one level of, ``{"drug": "mouse"}``: levels are dealt to the mice in turn. A
        level that is listed twice is dealt twice: ``drug=["saline", "drug", "drug"]``.
    **factors
        A number of units, ``mouse=6``, which become ``mouse1`` and so on; values, in their order,
        the first of words being the reference, ``stim=["rest", "light"]``; or, of repeats that are
        not as many in each condition, their number by the level of another factor:
        ``trial={"rest": 40, "light": 10}``.

    Returns
    -------
    DataFrame
        A column for each factor, in their order.

    Raises
    ------
    OptionError
        If a factor has no levels, or is within one that is not there.

    Examples
    --------
    >>> import winstan as ws
    >>> len(ws.layout(mouse=6, stim=["rest", "light"], trial=20))
    240
    >>> study = ws.layout(mouse=6, drug=["saline", "drug"], trial=2, between={"drug": "mouse"})
    >>> study.groupby("drug", observed=True)["mouse"].nunique().tolist()
    [3, 3]
    """
    if not factors:
        raise OptionError("layout takes factors: ws.layout(mouse=6, stim=['a', 'b'], trial=20).")
    inside, dealt = dict(nested or {}), dict(between or {})
    _check_units("nested", inside, factors)
    _check_units("between", dealt, factors)
    counted = [name for name, given in factors.items() if isinstance(given, Mapping)]
    apart = {*dealt, *counted}
    if wrong := sorted(set(counted) & ({*dealt} | {*inside})):
        raise OptionError(f"{wrong[0]!r} has a number for each level: it is repeats, and no unit.")
    if not set(factors) - apart:
        raise OptionError("layout needs a factor of its own: a number of units, or values.")
    table = pd.DataFrame(index=pd.RangeIndex(1))
    for name in _parents_first([name for name in factors if name not in apart], inside):
        table = _crossed(table, name, factors[name], inside.get(name))
    for name, unit in dealt.items():
        values = _values(name, factors[name])
        units, levels = pd.factorize(table[unit], sort=False)
        if len(levels) < len(set(values)):
            raise OptionError(
                f"between= deals {len(set(values))} levels of {name!r} to {len(levels)} of "
                f"{unit!r}: each level needs a unit."
            )
        table[name] = _column([values[k % len(values)] for k in units], values)
    for name in counted:
        table = _repeated(table, name, factors[name])
    return table[list(factors)].reset_index(drop=True)


def _check_units(option: str, given: Mapping[str, str], factors: Mapping[str, Any]) -> None:
    """Refuse units that are not there, or are within themselves."""
    for name, unit in given.items():
        for wanted in (name, unit):
            if wanted not in factors:
                raise OptionError(
                    f"{option}= names {wanted!r}, which is no factor of the layout."
                    + near_matches(str(wanted), factors)
                )
        if unit == name or given.get(unit) == name:
            raise OptionError(f"{option}= puts {name!r} within {unit!r}, which is within it.")


def _parents_first(names: list[str], inside: Mapping[str, str]) -> list[str]:
    """Order factors so that units come after those that they are within."""

    def depth(name: str) -> int:
        return 0 if name not in inside else 1 + depth(inside[name])

    return sorted(names, key=depth)


def _crossed(table: pd.DataFrame, name: str, given: Any, unit: str | None) -> pd.DataFrame:
    values = _values(name, given)
    if len(set(values)) < len(values):
        raise OptionError(f"{name}= has a level twice: only what is dealt, by between=, may.")
    n = len(table)
    out = table.iloc[np.repeat(np.arange(n), len(values))].reset_index(drop=True)
    out[name] = _column(values * n, values)
    if unit is not None:
        out[name] = out[unit].astype(str) + "." + out[name].astype(str)
    return out


def _repeated(table: pd.DataFrame, name: str, counts: Any) -> pd.DataFrame:
    """Repeat rows, and number the repeats, as often as the level of another factor says."""
    whole = all(_is_count(count) for count in counts.values())
    others = [c for c in table if set(table[c].unique().tolist()) == set(counts)]
    if not whole or not others:
        raise OptionError(
            f"{name}= gives a number of rows for each of {', '.join(map(repr, counts))}: these "
            "must be all levels of another factor, and the numbers whole and positive."
        )
    times = np.array([counts[level] for level in table[others[0]].tolist()])
    out = table.iloc[np.repeat(np.arange(len(table)), times)].reset_index(drop=True)
    out[name] = np.concatenate([np.arange(1, count + 1) for count in times])
    return out


def _values(name: str, given: Any) -> list[Any]:
    """Return the levels of a factor, in order."""
    if isinstance(given, str | bool):
        raise OptionError(f"{name}= takes a number of units, or a list of values, not {given!r}.")
    if _is_count(given):
        width = len(str(given))
        return [f"{name}{k:0{width}d}" for k in range(1, int(given) + 1)]
    values = np.asarray(given).tolist() if np.iterable(given) else []
    if not values:
        raise OptionError(
            f"{name}= must be a whole number of units from 1 up, or a list of values, not "
            f"{given!r}."
        )
    return values


def _column(cells: list[Any], values: Sequence[Any]) -> Any:
    """Return a column; of words a factor with its levels in the order that was given."""
    if all(isinstance(value, str) for value in values):
        return pd.Categorical(cells, categories=list(dict.fromkeys(values)))
    return cells


def _is_count(value: object) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= 1  # type: ignore[call-overload]
