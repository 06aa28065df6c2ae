"""Pseudo-replication: rows that repeat a response, or that come from units the formula omits.

Three findings, in this order.

1. *A column names what was repeated*: given the formula's factors the response is constant within
   each of its values, far beyond chance.
2. *Rows come from units*: see `winstan.guards.units`.
3. *Rows are repeated*: a continuous response has the same value in rows that share all predictors,
   and no column says why.

Scores, counts and rounded numbers coincide by nature. Chance is therefore judged by the values
themselves: by how often each occurs (1), and by whether they lie on a grid, or occur under other
conditions too (3).
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.codes import (
    codes_of,
    combine,
    common_values,
    is_constant,
    multiplicity,
    number_of,
    owner_of,
    whole_values,
)
from winstan.guards.chance import are_coincidences, constant_by_chance, met_elsewhere
from winstan.guards.coded_rows import code_rows, is_float, read_columns, response_and_trials
from winstan.guards.units import find_units
from winstan.guards.words import UNIT, noun, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.guards.coded_rows import CodedRows
    from winstan.model import Model

# Responses of so few values among those rows are scores or counts: all rows are judged.
FEWEST_VALUES = 1_000
# Share of rows that repeat another's response, below which there is no finding.
FEWEST_REPEATS = 0.005


def repeated_responses(
    model: Model, columns: Sequence[str], read: Callable[[str], Any]
) -> str | None:
    """Say whether rows repeat responses, and which column tells.

    Parameters
    ----------
    model
        The formula, its design and N rows.
    columns
        Columns of the user's frame that the formula does not use.
    read
        Gives one of them, N values.

    Returns
    -------
    str or None
        What was found, and the remedy.
    """
    y, _ = response_and_trials(model)
    n = len(y)
    whole = cache(partial(code_rows, model))
    others = read_columns(columns, read)
    names = [name for name in columns if words_of(name) & UNIT]
    some = model.tuning.judged_rows
    sampled = _sampled(y, some)
    rows = whole() if sampled is None else code_rows(model, sampled)
    n_repeated = len(rows.y) - number_of(rows.pair)
    if sampled is not None and n_repeated < FEWEST_REPEATS * len(rows.y):
        return find_units(model, whole, others, names)
    continuous = not model.family.whole
    # Values that could have met by chance are none; so each is an event of its own.
    same_event = continuous and not are_coincidences(rows.y, rows.cell, rows.pair, n)
    if n_repeated:
        found = _constant_within(rows, sampled, whole, others, some=some, same_event=same_event)
        if found is not None:
            return found
    if (found := find_units(model, whole, others, names)) is not None:
        return found
    return _copies(whole(), model) if same_event else None


def _sampled(y: np.ndarray, some: int) -> np.ndarray | None:
    """Choose rows to judge, all rows of some values; None where there are few, or few values."""
    if len(y) <= 2 * some:
        return None
    sampled = whole_values(y, some / len(y))
    sampled = sampled[~np.isin(y[sampled], common_values(y))]
    return None if number_of(codes_of(y[sampled])) < FEWEST_VALUES else sampled


def _constant_within(
    rows: CodedRows,
    sampled: np.ndarray | None,
    whole: Callable[[], CodedRows],
    others: Callable[..., Any],
    *,
    some: int,
    same_event: bool,
) -> str | None:
    """Find the column, or the group factor, within whose values the response is constant."""
    found = []
    for name, values, code in others(sampled, _not_dismissed(rows, some, sampled, others)):
        unit = combine(rows.cell, code)
        n_units = number_of(unit)
        if not rows.is_constant(unit) or not constant_by_chance(rows.cell, rows.pair, unit):
            continue
        is_number = is_float(values)
        if n_units == number_of(rows.cell) or (is_number and n_units == number_of(rows.pair)):
            continue  # known to the formula already; the response in other units
        if same_event or not _is_derived(rows, unit, code, values):
            found.append((n_units, is_number, name))
    n = len(whole().y)
    for name, _, code in others(None, [name for _, _, name in sorted(found)]):
        unit = combine(whole().cell, code)
        if sampled is not None and not whole().is_constant(unit):
            continue
        keys = [*rows.columns, name]
        return (
            f"{n:,} rows hold {number_of(unit):,} distinct {noun(name)} (column '{name}'): the "
            "response is the same in all rows of each, so that intervals are too narrow. Keep one "
            f"row of each: `data.drop_duplicates({keys})`."
        )
    return _constant_in_group(whole(), same_event=same_event)


def _not_dismissed(
    rows: CodedRows, some: int, sampled: np.ndarray | None, others: Callable[..., Any]
) -> list[str] | None:
    """Return the columns to judge, all if None: of many rows not those that few rows rule out."""
    n = len(rows.y)
    if sampled is not None or n <= 2 * some:
        return None
    few = np.random.default_rng(0).choice(n, some, replace=False)
    cell, value = rows.cell[few], rows.value[few]
    return [
        name
        for name, values, code in others(few)
        if is_constant(combine(cell, code), value) and multiplicity(values) > 1.5
    ]


def _constant_in_group(rows: CodedRows, *, same_event: bool) -> str | None:
    """Find out whether the response is constant within the groups of the formula themselves."""
    n, n_cells = len(rows.y), number_of(rows.cell)
    if not rows.groups or n < 2 * n_cells or not rows.is_constant(rows.cell):
        return None
    if n_cells <= number_of(rows.condition) or (
        not same_event
        and not constant_by_chance(rows.condition, combine(rows.condition, rows.value), rows.cell)
    ):
        return None
    keys = list(rows.columns)
    return (
        f"{n:,} rows hold {n_cells:,} distinct responses: all rows of one combination of "
        f"{', '.join(map(repr, keys))} have the same, so that intervals are too narrow. Keep one "
        f"row of each: `data.drop_duplicates({keys})`."
    )


def _is_derived(rows: CodedRows, unit: np.ndarray, code: np.ndarray, values: Any) -> bool:
    """Whether a column was made from the response, or the response from it.

    The label of a count, or the count of which the response says whether it is high, go with the
    response in every row, and repeat nothing. A unit's name is shared by no two values of the
    response under the same conditions; and it means another unit under other conditions, or occurs
    under one only, in no order of the responses.
    """
    n_units, n_names = number_of(unit), number_of(code)
    if n_units < 2 * number_of(rows.pair):
        return True
    if not is_constant(code, rows.value):
        return False
    return n_names < n_units or n_names < 10 or _is_monotone(code, rows.y, values)


def _is_monotone(code: np.ndarray, y: np.ndarray, values: Any) -> bool:
    """Whether the response rises, or falls, with the numbers of a column."""
    if getattr(getattr(values, "dtype", None), "kind", "O") not in "iuf":
        return False
    order = np.argsort(owner_of(code, np.asarray(values, dtype=np.float64)))
    steps = np.diff(owner_of(code, y)[order])
    return bool(np.all(steps >= 0) or np.all(steps <= 0))


def _copies(rows: CodedRows, model: Model) -> str | None:
    """Count rows that repeat a response which occurs under their conditions alone.

    Values that have a probability of their own, such as the zeros of a hurdle, are no repeats.
    """
    n, name = len(rows.y), model.design.response.name
    repeats, value = np.bincount(rows.pair) - 1, owner_of(rows.pair, rows.y)
    told = ~met_elsewhere(value) & ~np.isin(value, model.family.masses)
    n_repeated = int(repeats[told].sum())
    # Repeats of the smallest or the largest value alone are at a limit (`winstan.guards.heap`).
    told &= (value > value.min()) & (value < value.max())
    if n_repeated < max(3, FEWEST_REPEATS * n) or not repeats[told].any():
        return None
    return (
        f"{n_repeated:,} of {n:,} rows repeat another row's '{name}' exactly, under the same "
        f"conditions: the rows hold {n - n_repeated:,} distinct measurements. If rows were "
        "copied, remove the copies (`data.drop_duplicates()`); if one measurement stands in "
        "many rows, keep one row of each."
    )
