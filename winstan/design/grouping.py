"""Grouping: the levels of a factor, and the effects that vary between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import some_levels
from winstan.design.evaluation import MEAN, FittedEffects, Term
from winstan.design.random_terms import RandomTerm
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.formula.terms import GroupSpec, ResidualSpec


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A grouping factor: how rows find their level.

    Attributes
    ----------
    columns
        The columns whose combinations are the levels.
    categories
        Values of each column, in order.
    prefixes : tuple of (ndarray or None)
        Of each column, the combinations of the columns before it that occur, increasing, where
        their number stands for them from here on; None where they go on as they are.
    keys : ndarray of shape (L,)
        The combinations that occur, increasing; a combination is the number whose digits are the
        places of its values in `categories`.
    levels
        The levels' names: the user's own values for one column, ``a1:b1`` for several.
    """

    columns: tuple[str, ...]
    categories: tuple[pd.Index, ...]
    prefixes: tuple[np.ndarray | None, ...]
    keys: np.ndarray
    levels: tuple[Any, ...]

    def find(self, rows: pd.DataFrame) -> np.ndarray:
        """Return each row's level, -1 where it is a new one, shape (n,)."""
        key = np.zeros(len(rows), dtype=np.int64)
        known = np.ones(len(rows), dtype=bool)
        for name, values, prefix in zip(self.columns, self.categories, self.prefixes, strict=True):
            if prefix is not None:
                key, seen = _places_in(prefix, key)
                known &= seen
            place = _places(rows[name], values)
            known &= place >= 0
            key = key * len(values) + place
        place, seen = _places_in(self.keys, key)
        return np.where(known & seen, place, -1)


def find_levels(spec: GroupSpec | ResidualSpec, predictors: pd.DataFrame) -> Factor:
    """Find the levels of a factor: of several columns, only the combinations that occur.

    Parameters
    ----------
    spec
        The group term, or that of residual correlation.
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
    keys, prefixes = _combinations(predictors, spec.factor_columns, categories)
    columns: list[list[Any]] = []  # of each column, its value in every level
    rest = keys
    for values, prefix in zip(reversed(categories), reversed(prefixes), strict=True):
        columns.insert(0, values[rest % len(values)].tolist())
        rest = rest // len(values)
        if prefix is not None:
            rest = prefix[rest]
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
    return Factor(spec.factor_columns, tuple(categories), prefixes, keys, levels)


def group_term(
    spec: GroupSpec,
    factor: Factor,
    fitted: FittedEffects,
    Z: np.ndarray,
    predictors: pd.DataFrame,
    parameter: str = MEAN,
) -> RandomTerm:
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
    parameter
        In whose linear predictor it is.
    """
    shift = 1 if spec.design.intercept else 0
    effects = [Term("1", (), (0,), parameter)] if shift else []
    for term in fitted.terms:
        columns = tuple(column + shift for column in term.columns)
        effects.append(replace(term, columns=columns, parameter=parameter))
    level = factor.find(predictors)
    arms, arm_of_level = _arms(spec, factor, level, predictors)
    return RandomTerm(
        factor=spec.factor,
        levels=factor.levels,
        effects=tuple(effects),
        Z=with_constant(Z, fitted),
        level=level,
        correlated=spec.correlated,
        label=spec.label,
        by=spec.by,
        arms=arms,
        arm_of_level=arm_of_level,
        latent=spec.latent,
    )


def _arms(
    spec: GroupSpec, factor: Factor, level: np.ndarray, predictors: pd.DataFrame
) -> tuple[tuple[Any, ...], np.ndarray | None]:
    """Return the labels of the arms of ``gr(g, by=arm)``, and the arm of each level.

    Raises
    ------
    DataError
        If a level has rows in several arms, or there is a single one.
    """
    if not spec.by:
        return (), None
    arms, code = arms_of(predictors[spec.by])
    pairs = np.unique(np.stack([level, code]), axis=1)
    several = np.flatnonzero(np.bincount(pairs[0], minlength=len(factor.levels)) > 1)
    if several.size:
        raise DataError(
            f"gr({spec.factor}, by={spec.by}) needs each level of '{spec.factor}' to be in one "
            f"level of '{spec.by}', and {some_levels([factor.levels[i] for i in several])} "
            f"{'is' if several.size == 1 else 'are'} in several. Groups that are in several arms "
            f"have a slope: ({spec.by} | {spec.factor})."
        )
    if len(arms) < 2:
        raise DataError(
            f"'{spec.by}' of gr({spec.factor}, by={spec.by}) has only one level: write "
            f"(... | {spec.factor})."
        )
    arm_of_level = np.zeros(len(factor.levels), dtype=int)
    arm_of_level[pairs[0]] = pairs[1]
    return arms, arm_of_level


def arms_of(column: pd.Series) -> tuple[tuple[Any, ...], np.ndarray]:
    """Return the labels of a column that occur, in order, and the place of each row's."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        return tuple(column.cat.categories.tolist()), column.cat.codes.to_numpy().astype(int)
    values, code = np.unique(column.to_numpy(), return_inverse=True)
    return tuple(values.tolist()), code


def with_constant(Z: np.ndarray, fitted: FittedEffects) -> np.ndarray:
    """Put the constant in front, where the effects have one."""
    return np.column_stack([np.ones(len(Z)), Z]) if fitted.effects.intercept else Z


def _combinations(
    rows: pd.DataFrame, columns: Sequence[str], categories: Sequence[pd.Index]
) -> tuple[np.ndarray, tuple[np.ndarray | None, ...]]:
    """Find the combinations of several columns' values that occur.

    Where a number would not hold all combinations that there could be, those that occur so far are
    numbered anew: they are no more than there are rows.

    Returns
    -------
    keys, prefixes
        As of `Factor`.
    """
    key = np.zeros(len(rows), dtype=np.int64)
    n_keys = 1
    prefixes: list[np.ndarray | None] = []
    for name, values in zip(columns, categories, strict=True):
        prefix = None
        if n_keys > np.iinfo(np.int64).max // max(len(values), 1):
            prefix, key = np.unique(key, return_inverse=True)
            n_keys = len(prefix)
        prefixes.append(prefix)
        key = key * len(values) + _places(rows[name], values)
        n_keys *= len(values)
    return np.unique(key), tuple(prefixes)


def _places(column: pd.Series, values: pd.Index) -> np.ndarray:
    """Return each row's place among a column's values, -1 where it is none of them."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return values.get_indexer(column.cat.categories)[column.cat.codes]
    return values.get_indexer(pd.Index(column))


def _places_in(keys: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each number's place among sorted ones, and whether it is one of them."""
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return place, keys[place] == key
