"""Predictions: the mean response, or responses, of given rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.tables import in_memory
from winstan.design import NewRows
from winstan.draws import row_numbers
from winstan.effects.correlated import (
    check_given,
    residuals_of_rows,
    values_with_residuals,
)
from winstan.effects.estimands import Estimand, choose_estimand, factors_of
from winstan.effects.extrapolation import warn_of_rows
from winstan.effects.intervals import interval_names, summarise_values
from winstan.effects.latent import draw_latent, groups_of_rows
from winstan.effects.means import (
    auxiliary,
    draw_responses,
    eta_at,
    linear_predictor,
    mean_needs_beside,
    n_draws_of,
    rows_of,
    take_rows,
)
from winstan.effects.new_levels import draw_new_levels, refuse_new_levels
from winstan.effects.placing import GroupedRows, grouped_rows, keep_levels
from winstan.effects.prediction_rows import (
    code_rows,
    factor_columns,
    known_errors,
    merge_alike,
    trials_of,
    with_fitted_levels,
)
from winstan.effects.replicates import check_seed
from winstan.errors import OptionError
from winstan.options import Predicted, check_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.options import Groups, Interval, Whose


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction, made when it is asked for: all draws of many rows may not fit in memory.

    Attributes
    ----------
    blocks : iterator of (slice, ndarray)
        Some rows, and their draws, shape (S, rows of the block).
    n_draws, n_rows : int
        Of all blocks.
    estimands : tuple of Estimand
        Whose means, or responses, rows are.
    whose : ndarray of int, or None
        Which of them each row is of; None where there is one.
    at : ndarray of int, or None
        The row of the blocks that each row is like; None where they are the same.
    row : ndarray of int, or None
        Positions of the rows in the user's data; None where they are counted from 0.
    circular : bool
        The draws are angles, between -pi and pi.
    """

    blocks: Iterator[tuple[slice, Array]]
    n_draws: int
    n_rows: int
    estimands: tuple[Estimand, ...]
    whose: np.ndarray | None = None
    at: np.ndarray | None = None
    row: np.ndarray | None = None
    circular: bool = False


def predict(
    model: Specified,
    posterior: Mapping[str, Array],
    newdata: Any = None,
    *,
    kind: Predicted = "mean",
    groups: Whose = "these",
    trials: Any = None,
    seed: int = 0,
    own: bool = True,
    predictor: str | None = None,
    given: str | None = None,
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
    groups : {"these", "typical", "population", "new"}, or mapping
        See `winstan.fitted.predictions.Predictions.predict`.
    trials
        Of binomial responses, a number or the name of a column of `newdata`.
    seed
        Of responses, and of the effects of new levels.
    own
        Whether rows that are alike have responses of their own; to be summarise_values,
        they need them once.
    predictor
        The parameter whose linear predictor is wanted; None is the first one.
    given : {"data"}, optional
        Whether correlated residuals are given those of the data.

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
    check_option("kind", kind, Predicted)
    known = check_given(model, given, groups)
    correlated = model.residuals is not None and (known or (kind == "response" and own))
    every = kind == "response" or predictor is not None or correlated
    groups = groups_of_rows(model, groups, new=newdata is not None)
    if isinstance(groups, Mapping):  # rows are in groups of their own, where nothing else is said
        left_out: dict[str, Groups] = dict.fromkeys(factors_of(model, beside=every), "these")
        groups = left_out | dict(groups)
    estimand = choose_estimand(model, groups, beside=every)
    if kind == "response" and estimand.of("population"):
        raise OptionError(
            "A response comes from one group, not from the population's mean: kind='response' "
            "needs groups='these', 'new' or 'typical'."
        )
    rng = np.random.default_rng(check_seed(seed))
    limits = model.design.response.limits
    errors = limits is not None and limits.error is not None
    each = correlated or (kind == "response" and (own or model.family.trials or errors))
    own_levels, new = set(estimand.of("these")), set(estimand.of("new"))
    beside = every or (kind == "mean" and mean_needs_beside(model))
    if newdata is None:
        rows = rows_of(model.design, beside=beside)
        of_data = model.design.row[model.design.data_rows]
        rows, at = (take_rows(rows, of_data), None) if each else (rows, of_data)
    else:
        newdata = with_fitted_levels(model, in_memory(newdata))
        rows, at = code_rows(model, newdata, own_levels | new, beside=beside), None
        warn_of_rows(model, newdata)
    of: Any = None
    if kind == "response":
        of = trials_of(model, newdata, trials, len(rows.offset))
        of = known_errors(model, newdata, len(rows.offset)) if errors else of
    draws = dict(posterior)
    estimands, whose = _estimands_of_rows(model, estimand, rows)
    if newdata is not None and own_levels | new:
        factors = factor_columns(model, newdata, own_levels | new)
        refuse_new_levels(model, rows, factors, own_levels)
        latent = partial(draw_latent, model, posterior, given=known, rng=rng)
        draws, rows = draw_new_levels(model, draws, rows, factors, rng, new, latent=latent)
    rows = keep_levels(model, rows, own_levels | new)
    if newdata is not None and not each:
        rows, at = merge_alike(rows)
    placed = grouped_rows(model, draws, rows, estimand)
    blocks = _values(model, placed, kind, predictor)
    if correlated:
        found = residuals_of_rows(model, draws, newdata, rows, given=known, rng=rng)
        blocks = values_with_residuals(model, draws, rows, found, kind)
    elif kind == "response":
        blocks = _responses(model, placed, blocks, of, rng)
    row = row_numbers(model.design)[model.design.data_rows] if newdata is None else None
    n_draws = n_draws_of(posterior)
    circular = model.family.circular and kind != "link"
    return Prediction(blocks, n_draws, len(rows.offset), estimands, whose, at, row, circular)


def prediction_table(result: Prediction, prob: float, interval: Interval) -> pd.DataFrame:
    """Summarise a prediction: row, [groups], mean, sd, and the interval's ends."""
    names = interval_names(prob, interval)
    summary = np.empty((4, result.n_rows))
    for part, draws in result.blocks:
        columns = summarise_values(draws, prob, interval, circular=result.circular)
        summary[:, part] = list(columns.values())
    if result.at is not None:
        summary = summary[:, result.at]
    named = dict(zip(("mean", "sd", *names), summary, strict=True))
    numbers: dict[str, Any] = {"row": _numbers(result, summary.shape[1])}
    table = pd.DataFrame(numbers | _label(result) | named)
    table.attrs |= _attributes(result)
    return table


def prediction_draws(result: Prediction) -> pd.DataFrame:
    """Return a prediction's draws in long form: row, draw, value."""
    draws = np.empty((result.n_draws, result.n_rows))
    for part, values in result.blocks:
        draws[:, part] = values
    if result.at is not None:
        draws = draws[:, result.at]
    n, n_rows = draws.shape
    table = pd.DataFrame(
        {
            "row": np.tile(_numbers(result, n_rows), n),
            "draw": np.repeat(np.arange(n), n_rows),
            "value": draws.reshape(-1),
        }
    )
    table.attrs |= _attributes(result)
    return table


def drawn_categories(result: Prediction, labels: Sequence[Any]) -> pd.DataFrame:
    """Return drawn responses that are categories in long form: row, draw, value (a label)."""
    table = prediction_draws(result)
    table["value"] = pd.Categorical.from_codes(
        table["value"].to_numpy(int), pd.Index(labels), ordered=True
    )
    return table


def category_shares(result: Prediction, labels: Sequence[Any]) -> pd.DataFrame:
    """Return the share of each category among drawn responses: category, row, [groups], share."""
    shares = np.empty((len(labels), result.n_rows))
    for part, draws in result.blocks:
        shares[:, part] = [(draws == k).mean(axis=0) for k in range(len(labels))]
    if result.at is not None:
        shares = shares[:, result.at]
    rows: dict[str, Any] = {"row": _numbers(result, shares.shape[1])}
    tables = [
        pd.DataFrame({"category": label} | rows | _label(result) | {"share": own})
        for label, own in zip(labels, shares, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs |= _attributes(result)
    return table


def _label(result: Prediction) -> dict[str, Any]:
    """Return the column that says whose response each row is; none without group terms."""
    labels = [estimand.label for estimand in result.estimands]
    if result.whose is None or not labels[0]:
        return dict(labels[0])
    return {"groups": np.array([label["groups"] for label in labels], object)[result.whose]}


def _attributes(result: Prediction) -> dict[str, str]:
    """Return what the table's ``attrs`` say of all rows."""
    attrs = [estimand.attrs for estimand in result.estimands]
    return {name: "; ".join(each[name] for each in attrs) for name in attrs[0]}


def _numbers(result: Prediction, n: int) -> np.ndarray:
    """Return the numbers that the user's rows have."""
    return np.arange(n) if result.row is None else result.row


def _estimands_of_rows(
    model: Specified, estimand: Estimand, rows: NewRows
) -> tuple[tuple[Estimand, ...], np.ndarray | None]:
    """Say whose responses rows are: each is in its own group, which is new only if not fitted."""
    pairs = [
        pair
        for one, coded in zip(model.design.every, rows.every, strict=False)
        for pair in zip(one.groups, coded.level, strict=True)
    ]
    drawn = {
        factor: np.any([level < 0 for g, level in pairs if g.factor == factor], axis=0)
        for factor in estimand.of("new")
    }
    if not drawn or not len(rows.offset):
        return (Estimand(estimand.settings, frozenset(estimand.settings)),), None
    kinds, whose = np.unique(np.column_stack(list(drawn.values())), axis=0, return_inverse=True)
    estimands = []
    for kind in kinds:
        own = {f: "new" if is_new else "these" for f, is_new in zip(drawn, kind, strict=True)}
        settings = dict(estimand.settings) | own
        estimands.append(Estimand(settings, frozenset(settings)))
    return tuple(estimands), whose.ravel() if len(kinds) > 1 else None


def _values(
    model: Specified, placed: GroupedRows, kind: Predicted, predictor: str | None
) -> Iterator[tuple[slice, Array]]:
    """Mean, or a linear predictor, of each row."""
    posterior = placed.posterior
    if predictor is not None and predictor in model.design.beside:
        rows, design = placed.rows.beside[predictor], model.design.beside[predictor]
        for part, _ in linear_predictor(model, posterior, placed.rows):
            yield part, eta_at(design, posterior, rows, part) + rows.offset[part]
        return
    for part, eta in linear_predictor(model, posterior, placed.rows):
        with_offset = eta + placed.rows.offset[part]
        if kind != "mean":
            yield part, with_offset
            continue
        beside = auxiliary(model, posterior, placed.rows, part)
        mean = placed.mean(model, beside, part, with_offset)
        yield part, np.angle(mean) if model.family.circular else mean


def _responses(
    model: Specified,
    placed: GroupedRows,
    blocks: Iterator[tuple[slice, Array]],
    of: Any,
    rng: np.random.Generator,
) -> Iterator[tuple[slice, Array]]:
    """Draw a response for each linear predictor."""
    for part, eta in blocks:
        aux = auxiliary(model, placed.posterior, placed.rows, part)
        yield part, draw_responses(model, rng, eta, aux, None if of is None else of[part])
