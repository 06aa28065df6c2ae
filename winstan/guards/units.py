"""Rows that come from units, such as trials or neurons, of which the formula does not know.

A column that is called trial, neuron, session or the like holds several rows of each combination of
the formula's factors, or one row of each of several. Rows of one unit are alike (an F test), or
stand together, as the samples of one trial do (Hurlbert 1984, https://doi.org/10.2307/1942661).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.codes import codes_of, combine, number_of
from winstan.design.evaluation import as_numbers
from winstan.formula.tree import quote_name
from winstan.guards.chance import difference_across_cells, difference_of_units, stand_together
from winstan.guards.coded_rows import is_float, response_and_trials
from winstan.guards.words import TRIAL, noun, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.guards.coded_rows import CodedRows
    from winstan.model import Model

# Fewer rows to a unit are replicates, not samples of it.
FEWEST_SAMPLES = 5


def find_units(
    model: Model, whole: Callable[[], CodedRows], others: Callable[..., Any], names: Sequence[str]
) -> str | None:
    """Find a column of units, such as trials or neurons, that the formula does not know."""
    if not names:
        return None
    rows = whole()
    n = len(rows.y)
    for name, values, code in others(None, names):
        if is_float(values):
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
    model: Model, rows: CodedRows, others: Callable[..., Any], names: Sequence[str]
) -> str | None:
    """Find a column of units that were measured once under each of several conditions."""
    n = len(rows.y)
    if n > model.tuning.judged_rows:
        return None
    for name, values, code in others(None, names):
        if is_float(values) or words_of(name) & TRIAL or n < 2 * number_of(code):
            continue
        if not difference_across_cells(_residuals(model, rows), rows.cell, code):
            continue
        return (
            f"{n:,} rows hold {number_of(code):,} distinct {noun(name)} (column '{name}'), of which"
            " the formula does not know: rows of one are alike, under other conditions too, so that"
            f" intervals of what differs between them are too narrow. Add `(1|{quote_name(name)})`."
        )
    return None


def _named(model: Model, rows: CodedRows, columns: tuple[str, ...], code: np.ndarray) -> np.ndarray:
    predictors, row = model.design.predictors, model.design.row[model.design.data_rows]
    outer = (codes_of(predictors[column])[row] for column in columns)
    return combine(code, *outer)


def _factor(rows: CodedRows, columns: tuple[str, ...], code: np.ndarray, name: str) -> str:
    """Name the grouping factor: the column, if its values are unique as they are."""
    unique = number_of(combine(rows.cell, code)) == number_of(code) or (
        columns == rows.groups and _nests(rows, code)
    )
    parts = [name] if unique or not columns else [*columns, name]
    return ":".join(quote_name(part) for part in parts)


def _nests(rows: CodedRows, code: np.ndarray) -> bool:
    """Whether each name occurs in one group only, though under several conditions."""
    cells = number_of(combine(code, rows.condition))
    return number_of(combine(code, rows.cell)) == cells


def _residuals(model: Model, rows: CodedRows) -> np.ndarray:
    """Return the response less what the predictors left out of the cells explain, linearly."""
    design = model.design
    y, _ = response_and_trials(model)
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
