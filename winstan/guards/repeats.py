"""Pseudo-replication: rows that repeat a response, or that come from units the formula omits.

Three findings, in this order.

1. *A column names what was repeated*: given the formula's factors the response is constant within
   each of its values, far beyond chance.
2. *Rows come from units*: a column that is called trial, neuron, session or the like holds several
   rows of each combination of the formula's factors, or one row of each of several; rows of one
   unit are alike (an F test), or stand together, as the samples of one trial do (Hurlbert 1984,
   https://doi.org/10.2307/1942661).
3. *Rows are repeated*: a continuous response has the same value in rows that share all predictors,
   and no column says why.

Scores, counts and rounded numbers coincide by nature. Chance is therefore judged by the values
themselves: by how often each occurs (1), and by whether they lie on a grid, or occur under other
conditions too (3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design.evaluation import as_numbers
from winstan.formula.tree import quote_name
from winstan.guards.chance import (
    are_coincidences,
    constant_by_chance,
    difference_across_cells,
    difference_of_units,
    met_elsewhere,
    stand_together,
)
from winstan.guards.codes import (
    codes_of,
    combine,
    common_values,
    is_constant,
    multiplicity,
    number_of,
    owner_of,
    whole_values,
)
from winstan.guards.thresholds import with_terms_of_thresholds
from winstan.guards.words import TRIAL, UNIT, noun, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from winstan.model import Model

# Numbers of more values than this are measurements, not conditions.
MOST_CONDITIONS = 20
# Responses of so few values among those rows are scores or counts: all rows are judged.
FEWEST_VALUES = 1_000
# Share of rows that repeat another's response, below which there is no finding.
FEWEST_REPEATS = 0.005
# Fewer rows to a unit are replicates, not samples of it.
FEWEST_SAMPLES = 5


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows as codes: conditions and groups (`cell`), conditions alone, and the response."""

    cell: np.ndarray
    condition_of_cell: np.ndarray
    y: np.ndarray
    trials: np.ndarray | None
    columns: tuple[str, ...]
    groups: tuple[str, ...]

    @cached_property
    def condition(self) -> np.ndarray:
        return self.condition_of_cell[self.cell]

    @cached_property
    def value(self) -> np.ndarray:
        value = codes_of(self.y)
        return value if self.trials is None else combine(value, codes_of(self.trials))

    @cached_property
    def pair(self) -> np.ndarray:
        """Cell and response together."""
        return combine(self.cell, self.value)

    def is_constant(self, unit: np.ndarray) -> bool:
        """Whether all rows of each unit have one response."""
        return is_constant(unit, self.y) and (self.trials is None or is_constant(unit, self.trials))


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
    y, _ = _response(model)
    n = len(y)
    whole = cache(partial(_rows, model))
    others = _readable(columns, read)
    names = [name for name in columns if words_of(name) & UNIT]
    some = model.tuning.judged_rows
    sampled = _sampled(y, some)
    rows = whole() if sampled is None else _rows(model, sampled)
    n_repeated = len(rows.y) - number_of(rows.pair)
    if sampled is not None and n_repeated < FEWEST_REPEATS * len(rows.y):
        return _units(model, whole, others, names)
    continuous = not model.family.whole
    # Values that could have met by chance are none; so each is an event of its own.
    same_event = continuous and not are_coincidences(rows.y, rows.cell, rows.pair, n)
    if n_repeated:
        found = _constant_within(rows, sampled, whole, others, some=some, same_event=same_event)
        if found is not None:
            return found
    if (found := _units(model, whole, others, names)) is not None:
        return found
    return _copies(whole(), model) if same_event else None


def _sampled(y: np.ndarray, some: int) -> np.ndarray | None:
    """Choose rows to judge, all rows of some values; None where there are few, or few values."""
    if len(y) <= 2 * some:
        return None
    sampled = whole_values(y, some / len(y))
    sampled = sampled[~np.isin(y[sampled], common_values(y))]
    return None if number_of(codes_of(y[sampled])) < FEWEST_VALUES else sampled


def _copies(rows: _Rows, model: Model) -> str | None:
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


def _response(model: Model) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the response and the trials of each row of the data.

    Rows that count categories have the sum of these categories' places: of two, the successes.
    """
    response = model.design.response
    if response.counts is None:
        return response.y, response.trials
    return response.counts @ np.arange(response.counts.shape[1]), response.counts.sum(axis=1)


def _rows(model: Model, sampled: np.ndarray | None = None) -> _Rows:
    """Code the factors of the right side, of all rows or of some; many numbers are no factor."""
    design, formula = model.design, model.formula
    groups = tuple(dict.fromkeys(c for spec in formula.groups for c in spec.factor_columns))
    zero = np.zeros(len(design.predictors), dtype=np.int32)
    named: dict[str, np.ndarray] = {}
    for name in map(str, design.predictors):
        code = codes_of(design.predictors[name])
        is_factor = isinstance(design.predictors[name].dtype, pd.CategoricalDtype)
        if is_factor or name in groups or number_of(code) <= MOST_CONDITIONS:
            named[name] = code
    effects = with_terms_of_thresholds(model)[0].effects
    population = {c for atom in effects.atoms.values() for c in atom.columns}
    cell = combine(zero, *named.values())
    condition = combine(zero, *(code for name, code in named.items() if name in population))
    row, (y, trials) = design.row[design.data_rows], _response(model)
    of_cell = owner_of(cell, condition)
    if sampled is None:
        return _Rows(cell[row], of_cell, y, trials, tuple(named), groups)
    taken = cell[row[sampled]]
    cell = codes_of(taken)
    of_cell = codes_of(of_cell[owner_of(cell, taken)])
    trials = None if trials is None else trials[sampled]
    return _Rows(cell, of_cell, y[sampled], trials, tuple(named), groups)


def _readable(columns: Sequence[str], read: Callable[[str], Any]) -> Callable[..., Any]:
    """Read columns once, and code them on some rows or on all."""
    cache: dict[str, Any] = {}

    def coded(
        rows: np.ndarray | None, names: Iterable[str] | None = None
    ) -> Iterable[tuple[str, Any, np.ndarray]]:
        for name in columns if names is None else names:
            if name not in cache:
                cache[name] = read(name)
            values = cache[name]
            if rows is not None:
                values = values[rows]
            try:
                yield name, values, codes_of(values)
            except TypeError:  # lists and the like have no codes
                continue

    return coded


def _constant_within(
    rows: _Rows,
    sampled: np.ndarray | None,
    whole: Callable[[], _Rows],
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
        is_number = _is_float(values)
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
    rows: _Rows, some: int, sampled: np.ndarray | None, others: Callable[..., Any]
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


def _constant_in_group(rows: _Rows, *, same_event: bool) -> str | None:
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


def _is_derived(rows: _Rows, unit: np.ndarray, code: np.ndarray, values: Any) -> bool:
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


def _units(
    model: Model, whole: Callable[[], _Rows], others: Callable[..., Any], names: Sequence[str]
) -> str | None:
    """Find a column of units, such as trials or neurons, that the formula does not know."""
    if not names:
        return None
    rows = whole()
    n = len(rows.y)
    for name, values, code in others(None, names):
        if _is_float(values):
            continue
        unit = combine(rows.cell, code)
        n_units, n_cells = number_of(unit), number_of(rows.cell)
        if n_units < 2 * n_cells or n < 2 * n_units:
            continue
        is_trial = bool(words_of(name) & TRIAL)
        together = is_trial and n >= FEWEST_SAMPLES * n_units and stand_together(unit)
        if not together and not difference_of_units(_residuals(model, rows), rows.cell, unit):
            continue
        columns = rows.columns if is_trial else rows.groups
        factor = _factor(rows, columns, code, name)
        n_named = n_units if is_trial else number_of(_named(model, rows, columns, code))
        return (
            f"{n:,} rows hold {n_named:,} distinct {noun(name)} (column '{name}'), of which the "
            "formula does not know: rows of one need not be independent, so that intervals may be "
            f"too narrow. Add `(1|{factor})`, or average to one row of each."
        )
    return _repeated_measures(model, rows, others, names)


def _repeated_measures(
    model: Model, rows: _Rows, others: Callable[..., Any], names: Sequence[str]
) -> str | None:
    """Find a column of units that were measured once under each of several conditions."""
    n = len(rows.y)
    if n > model.tuning.judged_rows:
        return None
    for name, values, code in others(None, names):
        if _is_float(values) or words_of(name) & TRIAL or n < 2 * number_of(code):
            continue
        if not difference_across_cells(_residuals(model, rows), rows.cell, code):
            continue
        return (
            f"{n:,} rows hold {number_of(code):,} distinct {noun(name)} (column '{name}'), of which"
            " the formula does not know: rows of one are alike, under other conditions too, so that"
            f" intervals of what differs between them are too narrow. Add `(1|{quote_name(name)})`."
        )
    return None


def _named(model: Model, rows: _Rows, columns: tuple[str, ...], code: np.ndarray) -> np.ndarray:
    predictors, row = model.design.predictors, model.design.row[model.design.data_rows]
    outer = (codes_of(predictors[column])[row] for column in columns)
    return combine(code, *outer)


def _factor(rows: _Rows, columns: tuple[str, ...], code: np.ndarray, name: str) -> str:
    """Name the grouping factor: the column, if its values are unique as they are."""
    unique = number_of(combine(rows.cell, code)) == number_of(code) or (
        columns == rows.groups and _nests(rows, code)
    )
    parts = [name] if unique or not columns else [*columns, name]
    return ":".join(quote_name(part) for part in parts)


def _nests(rows: _Rows, code: np.ndarray) -> bool:
    """Whether each name occurs in one group only, though under several conditions."""
    cells = number_of(combine(code, rows.condition))
    return number_of(combine(code, rows.cell)) == cells


def _residuals(model: Model, rows: _Rows) -> np.ndarray:
    """Return the response less what the predictors left out of the cells explain, linearly."""
    design = model.design
    y, _ = _response(model)
    if model.link.name == "log" and np.all(y > 0):
        y = np.log(y)
    left_out = [
        column
        for column in design.predictors
        if column not in rows.columns
        and not isinstance(design.predictors[column].dtype, pd.CategoricalDtype)
    ]
    if not left_out:
        return y
    X = as_numbers(design.predictors[left_out]).to_numpy(dtype=np.float64)
    X = X[design.row[design.data_rows]]
    counts = np.bincount(rows.cell)
    centred = [v - (np.bincount(rows.cell, v) / counts)[rows.cell] for v in (y, *X.T)]
    X = np.column_stack(centred[1:])
    return centred[0] - X @ np.linalg.lstsq(X, centred[0], rcond=None)[0]


def _is_float(values: Any) -> bool:
    return bool(getattr(getattr(values, "dtype", None), "kind", "O") == "f")
