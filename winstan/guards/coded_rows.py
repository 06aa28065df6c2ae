"""Rows as codes: conditions and groups of the formula, the response, other columns of the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.codes import codes_of, combine, is_constant, number_of, owner_of
from winstan.guards.thresholds import with_terms_of_thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from winstan.model import Model

# Numbers of more values than this are measurements, not conditions.
MOST_CONDITIONS = 20


@dataclass(frozen=True, eq=False)
class CodedRows:
    """N rows as codes: conditions and groups (`cell`), conditions alone, and the response.

    Attributes
    ----------
    cell : ndarray of int, shape (N,)
        The combination of the formula's factors and conditions that each row has.
    condition_of_cell : ndarray of int, shape (cells,)
    y : ndarray, shape (N,)
    trials : ndarray, shape (N,), or None
    columns : tuple of str
        The columns that `cell` is made of.
    groups : tuple of str
        The columns of the formula's group factors.
    """

    cell: np.ndarray
    condition_of_cell: np.ndarray
    y: np.ndarray
    trials: np.ndarray | None
    columns: tuple[str, ...]
    groups: tuple[str, ...]

    @cached_property
    def condition(self) -> np.ndarray:
        """The conditions of each row, without its groups, shape (N,)."""
        return self.condition_of_cell[self.cell]

    @cached_property
    def value(self) -> np.ndarray:
        """The response of each row as a code, shape (N,); trials included."""
        value = codes_of(self.y)
        return value if self.trials is None else combine(value, codes_of(self.trials))

    @cached_property
    def pair(self) -> np.ndarray:
        """Cell and response together."""
        return combine(self.cell, self.value)

    def is_constant(self, unit: np.ndarray) -> bool:
        """Whether all rows of each unit have one response."""
        return is_constant(unit, self.y) and (self.trials is None or is_constant(unit, self.trials))


def response_and_trials(model: Model) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the response and the trials of each row of the data.

    Rows that count categories have the sum of these categories' places: of two, the successes.
    """
    response = model.design.response
    if response.counts is None:
        return response.y, response.trials
    return response.counts @ np.arange(response.counts.shape[1]), response.counts.sum(axis=1)


def code_rows(model: Model, sampled: np.ndarray | None = None) -> CodedRows:
    """Code the factors of the right side, of all rows or of those `sampled`.

    A predictor of many different numbers is not a factor.
    """
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
    row, (y, trials) = design.row[design.data_rows], response_and_trials(model)
    of_cell = owner_of(cell, condition)
    if sampled is None:
        return CodedRows(cell[row], of_cell, y, trials, tuple(named), groups)
    taken = cell[row[sampled]]
    cell = codes_of(taken)
    of_cell = codes_of(of_cell[owner_of(cell, taken)])
    trials = None if trials is None else trials[sampled]
    return CodedRows(cell, of_cell, y[sampled], trials, tuple(named), groups)


def read_columns(columns: Sequence[str], read: Callable[[str], Any]) -> Callable[..., Any]:
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


def is_float(values: Any) -> bool:
    """Whether a column holds numbers that need not be whole."""
    return bool(getattr(getattr(values, "dtype", None), "kind", "O") == "f")
