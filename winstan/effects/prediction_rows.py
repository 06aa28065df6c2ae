"""The rows to predict: their columns as the fit has them, their groups, trials and known errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import check_trials, distinct_rows, how_many, plain_column
from winstan.data.tables import column_names, missing_mask, open_table, take_columns
from winstan.design import NewRows, evaluate
from winstan.design.evaluation import one_per_row
from winstan.effects.comparisons import has_labels
from winstan.effects.means import (
    take_rows,
)
from winstan.effects.new_levels import as_fitted
from winstan.errors import DataError, OptionError
from winstan.families.sample import Limits
from winstan.formula.tree import Constant, Name

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.effects.specification import Specified


def with_fitted_levels(model: Specified, newdata: Any) -> Any:
    """Let numbers stand for levels of text, and text for levels that are numbers."""
    table = open_table(newdata)
    there = column_names(table)
    columns = [str(c) for c in model.design.predictors]
    once = [c for c in columns if there.count(c) == 1 and has_labels(model, c)]
    if not once:
        return newdata
    given = take_columns(table, once, "new data")
    changed: dict[str, Any] = {}
    for name in once:
        if missing_mask(given[name]).any():
            continue  # refused, with its rows, if it is needed
        values = pd.Series(plain_column(given[name], name)[0])
        first = model.design.predictors[name]
        is_factor = isinstance(first.dtype, pd.CategoricalDtype)
        fitted = as_fitted(values, (first.cat.categories if is_factor else first.unique()).tolist())
        if fitted is not values:
            changed[name] = fitted
    if not changed:
        return newdata
    names = [name for name in there if there.count(name) == 1]
    return _in_pandas(table, names).assign(**changed)


def _in_pandas(table: Any, names: list[str]) -> pd.DataFrame:
    """Take some columns as pandas has them."""
    given = take_columns(table, names, "new data")
    native = given.to_native()
    if isinstance(native, pd.DataFrame):
        return native
    return pd.DataFrame({name: given[name].to_list() for name in names})


def code_rows(model: Specified, newdata: Any, of_levels: set[str], *, beside: bool) -> NewRows:
    """Code new rows; only the factors whose levels matter need to have their columns there."""
    designs = model.design.every if beside else (model.design,)
    factors = [factor for one in designs for factor in one.memory.factors]
    effect_columns = dict.fromkeys(c for one in designs for c in one.memory.effect_columns)
    table = open_table(newdata)
    there = column_names(table)
    groups = [group for one in designs for group in one.groups]
    needed = {
        c
        for group, factor in zip(groups, factors, strict=True)
        if group.factor in of_levels
        for c in factor.columns
    } - set(effect_columns)
    absent = [name for name in model.design.predictors if name in needed and name not in there]
    if absent and set(effect_columns) <= set(there):
        raise DataError(
            f"The new data have no column {absent[0]!r}, which says what group each row is of. "
            "Without it, groups='population' averages over the population that the groups come "
            "from and groups='typical' leaves group effects out; groups='new' draws a new group "
            "for each name in the column that "
            "was not fitted, so give it one, such as 'new'."
        )
    if needed >= {c for factor in factors for c in factor.columns}:
        return evaluate(model.design, newdata, beside=beside)
    # An intercept alone has no column to count the rows by: any will do.
    wanted = [*effect_columns, *needed] or there[:1]
    known = model.design.predictors
    apart = {c for factor in factors for c in factor.columns} - set(wanted)
    rows = _in_pandas(table, wanted).assign(**{c: known[c].iloc[0] for c in apart})
    return evaluate(model.design, rows, beside=beside)


def merge_alike(rows: NewRows) -> tuple[NewRows, np.ndarray]:
    """Merge rows that are alike, and say which of them each row is."""
    columns: list[Array] = []
    for one in rows.every:
        columns += [*one.X.T, one.offset, *(column for Z in one.Z for column in Z.T), *one.level]
        columns += [arm for arm in one.arm if arm is not None]
        columns += [*one.steps.T]
    table = pd.DataFrame(dict(enumerate(columns)))
    first, number = distinct_rows(table, list(table.columns))
    return take_rows(rows, first), number


def factor_columns(model: Specified, newdata: Any, factors: set[str]) -> pd.DataFrame:
    """Columns of some group factors, of plain types."""
    names = dict.fromkeys(
        c
        for one in model.design.every
        for group, factor in zip(one.groups, one.memory.factors, strict=True)
        if group.factor in factors
        for c in factor.columns
    )
    table = take_columns(open_table(newdata), list(names), "new data")
    return pd.DataFrame({name: plain_column(table[name], name)[0] for name in names})


def known_errors(model: Specified, newdata: Any, n: int) -> Limits:
    """Known standard errors of each row."""
    limits, spec = model.design.response.limits, model.formula.response_spec.limits
    assert limits is not None
    assert spec is not None
    assert spec.error is not None
    if newdata is None:
        return Limits(error=limits.error, with_sigma=limits.with_sigma)
    node = spec.error.node
    if isinstance(node, Name):
        table = take_columns(open_table(newdata), [node.text], "new data")
        column = plain_column(table[node.text], node.text)[0]
        error = one_per_row(column, n, f"Column '{node.text}'")
    elif isinstance(node, Constant) and isinstance(node.value, int | float):
        error = np.full(n, float(node.value))
    else:
        raise OptionError(
            f"Responses of new rows need their standard errors, and se({spec.error.text}) is no "
            "column: make one of it before the fit (or ask for kind='mean')."
        )
    if bad := int(np.count_nonzero(~(error > 0))):
        raise DataError(
            f"The standard errors '{spec.error.text}' of {how_many(bad, 'new row')} are not "
            "positive."
        )
    return Limits(error=error, with_sigma=limits.with_sigma)


def trials_of(model: Specified, newdata: Any, trials: Any, n: int) -> Array | None:
    """Trials of each row, for families that have them."""
    if not model.family.trials:
        if trials is not None:
            raise OptionError(f"trials= is for family='binomial', not {model.family.name!r}.")
        return None
    if newdata is None and trials is None:
        return model.design.response.trials
    spec = model.formula.response_spec.trials
    name = trials
    if name is None and spec is not None:
        if isinstance(spec.node, Name):
            name = spec.columns[0]
        elif isinstance(spec.node, Constant):
            name = spec.node.value
    if isinstance(name, str) and newdata is not None:
        table = take_columns(open_table(newdata), [name], "new data")
        values = one_per_row(plain_column(table[name], name)[0], n, f"Column '{name}'")
    elif isinstance(name, int | np.integer) and not isinstance(name, bool):
        values = np.full(n, float(name))
    else:
        raise OptionError(
            "Binomial responses need trials: give trials= a number, or the name of a column of "
            "the new data (or ask for kind='mean', the probability of success)."
        )
    check_trials(values, f"'{name}'", np.arange(n))
    return values
