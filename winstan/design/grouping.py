"""Grouping: the levels of a factor, and the effects that vary between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design.evaluation import FittedEffects, Term
from winstan.errors import DataError

if TYPE_CHECKING:
    from winstan.formula.terms import GroupSpec


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A grouping factor: how rows find their level.

    Attributes
    ----------
    columns
        The columns whose combinations are the levels.
    categories
        Values of each column, in order.
    keys : ndarray of shape (L,)
        The combinations that occur, increasing; a combination is the number whose digits are the
        places of its values in `categories`.
    levels
        The levels' names: the user's own values for one column, ``a1:b1`` for several.
    """

    columns: tuple[str, ...]
    categories: tuple[pd.Index, ...]
    keys: np.ndarray
    levels: tuple[Any, ...]

    def find(self, rows: pd.DataFrame) -> np.ndarray:
        """Return each row's level, -1 where it is a new one, shape (n,)."""
        key, known = _keys(rows, self.columns, self.categories)
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where(known & (self.keys[place] == key), place, -1)


@dataclass(frozen=True, slots=True, eq=False)
class GroupTerm:
    """Effects that vary between the levels of a factor.

    Attributes
    ----------
    factor
        Its name: ``mouse``, ``batch:cask``.
    levels
        The levels that occur, L of them.
    effects
        What varies; columns index `Z`. The constant is called ``1``.
    Z : ndarray of shape (D, q)
        The effects' columns, on the raw scale.
    level : ndarray of shape (D,)
        Each design row's level.
    correlated
        Whether the effects are correlated.
    """

    factor: str
    levels: tuple[Any, ...]
    effects: tuple[Term, ...]
    Z: np.ndarray
    level: np.ndarray
    correlated: bool


def find_levels(spec: GroupSpec, predictors: pd.DataFrame) -> Factor:
    """Find the levels of a factor: of several columns, only the combinations that occur.

    Parameters
    ----------
    spec
        The group term.
    predictors
        D rows with the factor's columns.
    """
    categories = []
    for name in spec.factor_columns:
        values = predictors[name]
        is_factor = isinstance(values.dtype, pd.CategoricalDtype)
        categories.append(
            values.cat.categories if is_factor else pd.Index(np.unique(values.to_numpy()))
        )
    key, _ = _keys(predictors, spec.factor_columns, tuple(categories))
    keys = np.unique(key)
    columns: list[list[Any]] = []  # of each column, its value in every level
    rest = keys
    for values in reversed(categories):
        columns.insert(0, values[rest % len(values)].tolist())
        rest = rest // len(values)
    levels: tuple[Any, ...] = tuple(columns[0])
    if len(columns) > 1:
        levels = tuple(
            ":".join(str(part) for part in parts) for parts in zip(*columns, strict=True)
        )
        if len(set(levels)) < len(levels):
            raise DataError(
                f"Different combinations of '{spec.factor}' have the same name, because levels "
                "contain ':'. Rename the levels."
            )
    return Factor(spec.factor_columns, tuple(categories), keys, levels)


def group_term(
    spec: GroupSpec, factor: Factor, fitted: FittedEffects, Z: np.ndarray, predictors: pd.DataFrame
) -> GroupTerm:
    """Put a group term together.

    Parameters
    ----------
    spec
        What was written.
    factor
        Its levels.
    fitted, Z
        Its effects, without the constant, and their columns, shape (D, q) or (D, q - 1).
    predictors
        D rows with the factor's columns.
    """
    shift = 1 if spec.design.intercept else 0
    effects = [Term("1", (), (0,))] if shift else []
    for term in fitted.terms:
        columns = tuple(column + shift for column in term.columns)
        effects.append(Term(term.name, term.labels, columns))
    return GroupTerm(
        factor=spec.factor,
        levels=factor.levels,
        effects=tuple(effects),
        Z=with_constant(Z, fitted),
        level=factor.find(predictors),
        correlated=spec.correlated,
    )


def with_constant(Z: np.ndarray, fitted: FittedEffects) -> np.ndarray:
    """Put the constant in front, where the effects have one."""
    return np.column_stack([np.ones(len(Z)), Z]) if fitted.effects.intercept else Z


def _keys(
    rows: pd.DataFrame, columns: tuple[str, ...], categories: tuple[pd.Index, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Combine the places of a row's values into one number; say where every value is known."""
    key = np.zeros(len(rows), dtype=np.int64)
    known = np.ones(len(rows), dtype=bool)
    for name, values in zip(columns, categories, strict=True):
        column = rows[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            place = values.get_indexer(column.cat.categories)[column.cat.codes]
        else:
            place = values.get_indexer(pd.Index(column))
        known &= place >= 0
        key = key * len(values) + place
    return key, known
