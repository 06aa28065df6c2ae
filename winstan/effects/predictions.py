"""Predictions: the mean response, or responses, of given rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import check_trials, distinct_rows, plain_column
from winstan.data.tables import column_names, in_memory, missing_mask, open_table, take_columns
from winstan.design import NewRows, evaluate
from winstan.design.evaluation import one_per_row
from winstan.draws import row_numbers
from winstan.effects.comparisons import has_labels
from winstan.effects.extrapolation import warn_of_rows
from winstan.effects.intervals import interval_ends, interval_names
from winstan.effects.means import (
    CHUNK,
    auxiliary,
    linear_predictor,
    mean_response,
    n_draws_of,
    rows_of,
    taken,
)
from winstan.effects.new_levels import (
    as_fitted,
    draw_new_levels,
    group_settings,
    refuse_new_levels,
)
from winstan.effects.replicates import check_seed
from winstan.errors import DataError, OptionError
from winstan.families.random import draw_responses
from winstan.formula.tree import Constant, Name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.families.links import Array
    from winstan.model import Model

KINDS = ("mean", "response", "link")


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction, made when it is asked for: all draws of many rows may not fit in memory.

    Attributes
    ----------
    blocks : iterator of (slice, ndarray)
        Some rows, and their draws, shape (S, rows of the block).
    n_draws, n_rows : int
        Of all blocks.
    at : ndarray of int, or None
        The row of the blocks that each row is like; None where they are the same.
    row : ndarray of int, or None
        Positions of the rows in the user's data; None where they are counted from 0.
    """

    blocks: Iterator[tuple[slice, Array]]
    n_draws: int
    n_rows: int
    at: np.ndarray | None = None
    row: np.ndarray | None = None


def predict(
    model: Model,
    posterior: Mapping[str, Array],
    newdata: Any = None,
    *,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "these",
    trials: Any = None,
    seed: int = 0,
    own: bool = True,
) -> Prediction:
    """Predict rows, offsets included.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    newdata
        A data frame with the predictors; None is the rows of the data.
    kind : {"mean", "response", "link"}
        The mean response (of binomial, per trial), a response drawn for each draw of the posterior
        (of binomial, successes), or the linear predictor.
    groups : {"these", "new", "average", "zero"}, or mapping
        See `winstan.fitted.predictions.Predictions.predict`.
    trials
        Of binomial responses, a number or the name of a column of `newdata`.
    seed
        Of responses, and of the effects of new levels.
    own
        Whether rows that are alike have responses of their own; to be summarised,
        they need them once.

    Returns
    -------
    Prediction

    Raises
    ------
    OptionError
        For an unknown option.
    DataError
        For columns, values or levels that cannot be used.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of new rows outside the data's range by more than a tenth of it.
    """
    _check_options(kind, groups)
    settings = group_settings(model, groups)
    rng = np.random.default_rng(check_seed(seed))
    each = kind == "response" and (own or model.family.trials)
    if newdata is None:
        rows = rows_of(model.design)
        rows, at = (taken(rows, model.design.row), None) if each else (rows, model.design.row)
    else:
        newdata = _with_fitted_levels(model, in_memory(newdata))
        rows, at = _new_rows(model, newdata, settings), None
        warn_of_rows(model, newdata)
    of = _trials(model, newdata, trials, len(rows.offset)) if kind == "response" else None
    draws = dict(posterior)
    own_levels, new, zero = (_factors_of(settings, s) for s in ("these", "new", "zero"))
    if newdata is not None and own_levels | new:
        factors = _factor_columns(model, newdata, own_levels | new)
        refuse_new_levels(model, rows, factors, own_levels)
        draws, rows = draw_new_levels(model, posterior, rows, factors, rng, new)
    rows = _without(model, rows, zero)
    if newdata is not None and not each:
        rows, at = _merged(rows, with_levels=groups != "average")
    n = len(rows.offset)
    averaged = groups == "average" and bool(model.design.groups)
    blocks = _averages(model, draws, rows, kind) if averaged else _values(model, draws, rows, kind)
    if kind == "response":
        blocks = _responses(model, draws, blocks, of, rng)
    row = row_numbers(model.design) if newdata is None else None
    return Prediction(blocks, n_draws_of(posterior), n, at, row)


def prediction_table(result: Prediction, prob: float, interval: str) -> pd.DataFrame:
    """Summarise a prediction: row, mean, sd, and the interval's ends."""
    names = interval_names(prob, interval)
    summary = np.empty((4, result.n_rows))
    for part, draws in result.blocks:
        summary[0, part] = draws.mean(axis=0)
        summary[1, part] = draws.std(axis=0, ddof=1)
        summary[2:, part] = interval_ends(draws, prob, interval)
    if result.at is not None:
        summary = summary[:, result.at]
    columns = dict(zip(("mean", "sd", *names), summary, strict=True))
    return pd.DataFrame({"row": _numbers(result, summary.shape[1])} | columns)


def prediction_draws(result: Prediction) -> pd.DataFrame:
    """Return a prediction's draws in long form: row, draw, value."""
    draws = np.empty((result.n_draws, result.n_rows))
    for part, values in result.blocks:
        draws[:, part] = values
    if result.at is not None:
        draws = draws[:, result.at]
    n, n_rows = draws.shape
    return pd.DataFrame(
        {
            "row": np.tile(_numbers(result, n_rows), n),
            "draw": np.repeat(np.arange(n), n_rows),
            "value": draws.reshape(-1),
        }
    )


def _numbers(result: Prediction, n: int) -> np.ndarray:
    """Return the numbers that the user's rows have."""
    return np.arange(n) if result.row is None else result.row


def _check_options(kind: str, groups: Any) -> None:
    if kind not in KINDS:
        raise OptionError(f"kind must be 'mean', 'response' or 'link', not {kind!r}.")
    if kind == "response" and isinstance(groups, str) and groups == "average":
        raise OptionError(
            "A response comes from one group, not from their average: kind='response' needs "
            "groups='these', 'new' or 'zero'."
        )


def _factors_of(settings: Mapping[str, str], setting: str) -> set[str]:
    return {factor for factor, of in settings.items() if of == setting}


def _without(model: Model, rows: NewRows, factors: set[str]) -> NewRows:
    """Give no row a level of some factors: their effects are then at zero."""
    pairs = zip(model.design.groups, rows.level, strict=True)
    return replace(
        rows,
        level=tuple(np.full_like(x, -1) if g.factor in factors else x for g, x in pairs),
    )


def _with_fitted_levels(model: Model, newdata: Any) -> Any:
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
    whole = take_columns(table, names, "new data")
    native = whole.to_native()
    if not isinstance(native, pd.DataFrame):
        native = pd.DataFrame({name: whole[name].to_list() for name in names})
    return native.assign(**changed)


def _new_rows(model: Model, newdata: Any, settings: Mapping[str, str]) -> NewRows:
    """Code new rows; where levels do not matter, the factors' columns need not be there."""
    memory = model.design.memory
    table = open_table(newdata)
    there = column_names(table)
    needed = {
        c
        for group, factor in zip(model.design.groups, memory.factors, strict=True)
        if settings[group.factor] in ("these", "new")
        for c in factor.columns
    } - set(memory.effect_columns)
    absent = [name for name in model.design.predictors if name in needed and name not in there]
    if absent and set(memory.effect_columns) <= set(there):
        raise DataError(
            f"The new data have no column {absent[0]!r}, which says what group each row is of. "
            "Without it, groups='average' averages over the fitted groups and groups='zero' leaves "
            "group effects out; groups='new' draws a new group for each name in the column that "
            "was not fitted, so give it one, such as 'new'."
        )
    if needed >= {c for factor in memory.factors for c in factor.columns}:
        return evaluate(model.design, newdata)
    # An intercept alone has no column to count the rows by: any will do.
    wanted = [*memory.effect_columns, *needed] or there[:1]
    given = take_columns(table, wanted, "new data")
    native = given.to_native()
    if not isinstance(native, pd.DataFrame):
        native = pd.DataFrame({name: given[name].to_list() for name in wanted})
    known = model.design.predictors
    apart = {c for factor in memory.factors for c in factor.columns} - set(wanted)
    return evaluate(model.design, native.assign(**{c: known[c].iloc[0] for c in apart}))


def _merged(rows: NewRows, *, with_levels: bool) -> tuple[NewRows, np.ndarray]:
    """Merge rows that are alike, and say which of them each row is."""
    columns = [*rows.X.T, rows.offset, *(column for Z in rows.Z for column in Z.T)]
    columns += list(rows.level) if with_levels else []
    table = pd.DataFrame(dict(enumerate(columns)))
    first, number = distinct_rows(table, list(table.columns))
    return taken(rows, first), number


def _values(
    model: Model, posterior: Mapping[str, Array], rows: NewRows, kind: str
) -> Iterator[tuple[slice, Array]]:
    """Mean, or linear predictor, of each row."""
    for part, eta in linear_predictor(model, posterior, rows):
        with_offset = eta + rows.offset[part]
        yield (
            part,
            mean_response(model, posterior, with_offset) if kind == "mean" else with_offset,
        )


def _averages(
    model: Model, posterior: Mapping[str, Array], rows: NewRows, kind: str
) -> Iterator[tuple[slice, Array]]:
    """Average over the combinations of group levels that the data have, each counting once."""
    levels = np.unique(np.stack([group.level for group in model.design.groups]), axis=1).T
    n_rows = len(rows.offset)
    size = max(1, CHUNK // n_draws_of(posterior))
    for start in range(0, n_rows, size):
        part = slice(start, min(start + size, n_rows))
        some = taken(rows, np.arange(part.start, part.stop))
        total: Any = 0.0
        for combination in levels:
            here = tuple(np.full(len(some.offset), level) for level in combination)
            ((_, values),) = _values(model, posterior, replace(some, level=here), kind)
            total = total + values
        yield part, total / len(levels)


def _responses(
    model: Model,
    posterior: Mapping[str, Array],
    blocks: Iterator[tuple[slice, Array]],
    trials: Array | None,
    rng: np.random.Generator,
) -> Iterator[tuple[slice, Array]]:
    """Draw a response for each linear predictor."""
    aux = auxiliary(model, posterior)
    for part, eta in blocks:
        with np.errstate(over="ignore"):
            mu = model.link.inverse(eta)
        yield (
            part,
            draw_responses(model.family, rng, mu, aux, None if trials is None else trials[part]),
        )


def _factor_columns(model: Model, newdata: Any, factors: set[str]) -> pd.DataFrame:
    """Columns of some group factors, of plain types."""
    pairs = zip(model.design.groups, model.design.memory.factors, strict=True)
    names = dict.fromkeys(c for g, factor in pairs if g.factor in factors for c in factor.columns)
    table = take_columns(open_table(newdata), list(names), "new data")
    return pd.DataFrame({name: plain_column(table[name], name)[0] for name in names})


def _trials(model: Model, newdata: Any, trials: Any, n: int) -> Array | None:
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
