"""New rows, for predictions: coded as the rows were that the model was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, plain_column, some_levels, some_rows
from winstan.data.tables import missing_mask, open_table, take_columns
from winstan.design.checks import check_finite
from winstan.design.evaluation import as_numbers, sum_offsets
from winstan.design.grouping import with_constant
from winstan.design.monotonic import steps_of
from winstan.errors import DataError, EmptyCellError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.design.design import Design
    from winstan.design.evaluation import FittedEffects
    from winstan.design.random_terms import RandomTerm


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """New rows, coded as the first ones were.

    Attributes
    ----------
    X : ndarray of shape (n, K)
        Common design.
    Z
        Of each group term, shape (n, q).
    level
        Of each group term, shape (n,); -1 is a level not seen before.
    offset : ndarray of shape (n,)
        Sum of the offsets.
    arm : tuple of (ndarray of int of shape (n,), or None)
        Of each group term with arms, whose covariance counts for each row.
    steps : ndarray of int, shape (n, V)
        Of each monotonic predictor, see `Design.steps`.
    beside : mapping of str to NewRows
        The same rows for the linear predictors of other parameters, where they are wanted.
    """

    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    level: tuple[np.ndarray, ...]
    offset: np.ndarray
    arm: tuple[np.ndarray | None, ...]
    steps: np.ndarray
    beside: Mapping[str, NewRows] = field(default_factory=dict)

    @property
    def every(self) -> tuple[NewRows, ...]:
        """These rows, and those for other parameters."""
        return self, *self.beside.values()

    def without_groups(self) -> NewRows:
        """Return these rows as those of levels without effects; other parameters' as they are."""
        return replace(self, level=tuple(np.full_like(level, -1) for level in self.level))

    def map(self, function: Callable[[NewRows], NewRows]) -> NewRows:
        """Change these rows and those for other parameters alike."""
        changed = function(replace(self, beside={}))
        return replace(changed, beside={k: function(rows) for k, rows in self.beside.items()})


def evaluate(design: Design, new: Any, *, groups: bool = True, beside: bool = False) -> NewRows:
    """Code new rows as the first ones were: same levels, same transforms.

    Parameters
    ----------
    design
        The design that was fitted.
    new
        A data frame with the right side's columns.
    groups
        Whether group terms are wanted; without, their factors need not be among the columns.
    beside
        Whether the linear predictors of other parameters are wanted too.

    Returns
    -------
    NewRows

    Raises
    ------
    DataError
        For a missing column or value, and for an unknown level of a common term.
    """
    memory = design.memory
    wanted = list(memory.effect_columns)
    if groups:
        wanted += [name for factor in memory.factors for name in factor.columns]
        wanted += [group.by for group in design.groups if group.by]
    given = read_rows(new, list(dict.fromkeys(wanted)))
    rows = _like_first(given, design)
    n = len(given)

    # The first rows go along, as many as show every level: a coding may demand to see all levels,
    # and rows that come out otherwise than before betray a function with no memory.
    shown = _telling_rows(design)
    both = pd.concat(
        [as_numbers(design.predictors[rows.columns].iloc[shown], memory.coded), rows],
        ignore_index=True,
    )
    check = len(shown)
    X = np.hstack(
        [_evaluated(memory.common, both), *(curve.evaluate(both) for curve in memory.smooths)]
    )
    _same_as_first(X[:check], design.X[shown], design.column_names)
    Z, level, arm = [], [], []
    if groups:
        for group, fitted, factor, curve in zip(
            design.groups, memory.groups, memory.factors, memory.group_smooths, strict=True
        ):
            if curve is None:
                z = with_constant(_evaluated(fitted, both), fitted)
            else:
                z = curve.evaluate(both)
            names = group.column_names
            _same_as_first(z[:check], group.Z[shown], names)
            Z.append(z[check:])
            level.append(factor.find(given))
            arm.append(_arm(given, group) if group.arms else None)
    offset = sum_offsets(memory.offsets, both)
    _same_as_first(offset[:check, None], design.offset[shown][:, None], ["offset"])
    check_finite(X[check:], design.column_names, np.arange(n), np.arange(n))
    check_finite(offset[check:, None], ["offset"], np.arange(n), np.arange(n), "new")
    others = {
        name: evaluate(one, new, groups=groups) for name, one in design.beside.items() if beside
    }
    steps = steps_of(design.monotones, rows)
    return NewRows(X[check:], tuple(Z), tuple(level), offset[check:], tuple(arm), steps, others)


def _arm(given: pd.DataFrame, group: RandomTerm) -> np.ndarray:
    """Return each row's place among the arms of a term."""
    place = pd.Index(list(group.arms)).get_indexer(pd.Index(np.asarray(given[group.by])))
    bad = np.flatnonzero(place < 0)
    if bad.size:
        raise DataError(
            f"Column '{group.by}' of the new data has the unknown level "
            f"{given[group.by].iloc[bad[0]]!r}, in {some_rows(bad)}. Known levels: "
            f"{some_levels(list(group.arms), 10)}."
        )
    return place


def read_rows(new: Any, wanted: Sequence[str]) -> pd.DataFrame:
    """Take the wanted columns out of a data frame, complete and of plain types.

    Raises
    ------
    DataError
        For a missing column or value.
    """
    table = take_columns(open_table(new), wanted, "new data")
    columns = {}
    for name in wanted:
        bad = np.flatnonzero(missing_mask(table[name]))
        if len(bad):
            raise DataError(
                f"Column '{name}' of the new data has {how_many(len(bad), 'missing value')}, in "
                f"{some_rows(bad)}. Fill them in, or leave the rows out."
            )
        columns[name], _ = plain_column(table[name], name)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))


def _like_first(given: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Give the effects' columns of new rows the types and levels that they had at first."""
    columns: dict[str, Any] = {}
    for name in design.memory.effect_columns:
        first, values = design.predictors[name], given[name]
        is_factor = isinstance(values.dtype, pd.CategoricalDtype)
        if name in design.memory.grouping:  # a new group is averaged over its own rows
            columns[name] = values.astype(object) if is_factor else values
        elif isinstance(first.dtype, pd.CategoricalDtype):
            levels = first.cat.categories
            codes = levels.get_indexer(pd.Index(np.asarray(values)))
            bad = np.flatnonzero(codes < 0)
            if len(bad):
                raise DataError(
                    f"Column '{name}' of the new data has the unknown level "
                    f"{values.iloc[bad[0]]!r}, in {some_rows(bad)}. Known levels: "
                    f"{some_levels(levels.tolist(), 10)}."
                )
            columns[name] = pd.Categorical.from_codes(codes, dtype=first.dtype)
        elif is_factor:
            raise DataError(
                f"Column '{name}' of the new data is text or a factor; it was numeric at first."
            )
        else:
            columns[name] = values
    return as_numbers(pd.DataFrame(columns, index=given.index), design.memory.coded)


def _telling_rows(design: Design) -> np.ndarray:
    """Choose some first rows that show every level, and the range of every number."""
    D = len(design.predictors)
    chosen = {0, D - 1}
    for name in design.memory.effect_columns:
        values = design.predictors[name]
        is_factor = isinstance(values.dtype, pd.CategoricalDtype)
        if is_factor or name in design.memory.coded:
            first = ~values.duplicated()
            chosen.update(np.flatnonzero(first.to_numpy()).tolist())
        else:
            chosen.update((int(values.to_numpy().argmin()), int(values.to_numpy().argmax())))
    return np.array(sorted(chosen), dtype=np.intp)


def _evaluated(fitted: FittedEffects, rows: pd.DataFrame) -> np.ndarray:
    try:
        return fitted.evaluate(rows)
    except EmptyCellError:
        raise
    except Exception as error:
        raise DataError(
            f"The terms {fitted.effects.text} cannot be evaluated on the new data: {error}"
        ) from error


def _same_as_first(again: np.ndarray, first: np.ndarray, names: Sequence[str]) -> None:
    """Refuse terms whose first rows come out otherwise than they did at first."""
    for name, a, b in zip(names, again.T, first.T, strict=True):
        if not np.allclose(a, b, rtol=1e-8, atol=1e-8 * max(1e-300, np.abs(b).max())):
            raise DataError(
                f"The term '{name}' cannot be evaluated on new data: its function looks at all "
                "rows at once, and does not remember the first ones. Use center(), scale(), "
                "poly() or bs(), which do, or compute the column beforehand."
            )
