"""The data themselves, to set beside what was fitted: nothing here is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.design import MEAN
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import check_predictor
from winstan.effects.parameters import is_mean
from winstan.effects.population import mean_link
from winstan.effects.strata import level_columns
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.contrasts import Contrast
    from winstan.effects.specification import Specified

# Values of a treatment that figures can tell apart by colour.
TREATMENTS = 6


def observed_contrast(model: Specified, result: Contrast, group: str | None) -> pd.DataFrame:
    """Compare the raw means of each group.

    Groups that lack a side of a contrast have no difference, and are left out. Where that is
    every group, as for a treatment that differs between groups only, the means of the groups are
    averaged, each group counting once, and these averages compared.

    Parameters
    ----------
    model
    result
        The fitted contrast.
    group
        The factor whose groups are compared; None takes all rows together.

    Returns
    -------
    DataFrame
        Columns contrast, [by], group (None where it is all of them), difference. No rows for
        a slope, x + 1 against x, what is on another scale than the response, or a parameter beside
        the mean, which no data show without a fit.
    """
    # No data show another parameter without a fit, nor a latent variable, nor an sd of the model.
    seen = is_mean(model) and model.design.response.categories is None
    seen &= bool(result.compared) and all(one.names for one in result.compared)
    if not seen or result.measure.scale != "response" or result.measure.standardised:
        return _observed_table(result, [])
    rows = _rows_of_cells(model, result, group)
    if rows.empty:  # of a mean that no row has, as of a number's
        return _observed_table(result, [])
    sums = rows.groupby(["level", "group", "cell"], sort=False)[["total", "weight"]].sum()
    sums["mean"] = sums["total"] / sums["weight"]
    cells = range(int(np.prod([len(one.values) for one in result.compared])))
    means = sums["mean"].unstack("cell").reindex(columns=cells)  # noqa: PD010 - of one index
    table = _differences(means, list(means.index), result)
    if table.empty or group is None:
        whole = means.groupby("level").mean()
        table = _differences(whole, [(level, None) for level in whole.index], result)
    return table


def observed_rows(model: Specified) -> pd.DataFrame:
    """Return the response row by row: value, weight, and their product total.

    A value is of what the contrasts are of: per trial, and with the offset at zero, so that counts
    become rates; of an interval it is the middle. It weighs by its frequency weight, its trials and
    its exposure. Of angles, which are between -pi and pi, the total is the product with the unit
    vector, a complex number.
    """
    design = model.design
    response = design.response
    value = response.y
    if response.limits is not None and response.limits.upper is not None:
        value = 0.5 * (value + response.limits.upper)
    weight = np.ones_like(value) if design.weights is None else design.weights
    if response.trials is not None:
        value = value / response.trials
        weight = weight * response.trials
    offset = design.offset[design.row]
    if mean_link(model) == "log":
        value, weight = value / np.exp(offset), weight * np.exp(offset)
    elif model.link.name == "identity":
        value = value - offset
    if model.family.circular:
        value = wrap_angles(value)
    vector = np.exp(1j * value) if model.family.circular else value
    return pd.DataFrame({"value": value, "weight": weight, "total": vector * weight})


def intercept_data(model: Specified, factor: str, treatment: str | None) -> pd.DataFrame:
    """Raw rows under the intercepts of a factor: level, value, [treatment].

    Raises
    ------
    OptionError
        If the treatment is no predictor, or has more values than there are colours.
    """
    table = pd.DataFrame(
        {"level": labels_of(model, factor), "value": observed_rows(model)["value"]}
    )
    if treatment is not None:
        check_predictor(model, treatment, "treatment=")
        table["treatment"] = ordered_labels(model, treatment)
        n_values = table["treatment"].nunique()
        if n_values > TREATMENTS:
            raise OptionError(
                f"treatment={treatment!r} has {n_values} values: a figure has colours for "
                f"{TREATMENTS}. Name a column of fewer."
            )
    return table


def main_group(model: Specified) -> str | None:
    """Return the factor whose groups are shown beside a contrast: the first group term's."""
    return next((group.factor for group in model.design.groups if not group.latent), None)


def response_label(model: Specified, parameter: str | None = None) -> str:
    """Name what is drawn: the response, for successes their probability; or a parameter of it."""
    if parameter is not None and parameter != MEAN:
        return f"{parameter} of {response_label(model)}"
    response = model.design.response
    if model.family.trials:
        return f"proportion of {model.formula.response_spec.value.name}"
    if model.family.kind == "binary":
        success = None if response.levels in (None, (False, True)) else response.levels[1]
        return f"P({response.name})" if success is None else f"P({response.name} = {success})"
    return response.name


def limits_note(model: Specified) -> str:
    """Say how many rows are censored; nothing where all are measured."""
    limits = model.design.response.limits
    if limits is None or not limits.censored:
        return ""
    return f"{limits.censored:,} of {len(model.design.row):,} rows censored, at their limits"


def labels_of(model: Specified, factor: str) -> np.ndarray:
    """Return each data row's level of a group factor, or value of a column."""
    for group in model.design.groups:
        if group.factor == factor:
            return np.array(group.levels, object)[group.level][model.design.row]
    return model.design.predictors[factor].to_numpy()[model.design.row]


def ordered_labels(model: Specified, factor: str) -> pd.Categorical:
    """Return each data row's level of a group factor, or value of a column, in the model's order.

    A factor's levels stand in the order that the formula gives them, the reference first.
    """
    known = [g.levels for g in model.design.groups if g.factor == factor]
    levels = known[0] if known else coding_of(model, factor).levels
    return pd.Categorical(labels_of(model, factor), list(levels)).remove_unused_categories()


def _rows_of_cells(model: Specified, result: Contrast, group: str | None) -> pd.DataFrame:
    """Return the rows of what is compared: their level of `by`, their group, and their cell."""
    rows = observed_rows(model)
    rows["group"] = "all" if group is None else labels_of(model, group)
    rows["level"] = 0
    if result.by:
        own = pd.MultiIndex.from_arrays([labels_of(model, name) for name in result.by])
        rows["level"] = pd.MultiIndex.from_tuples(result.levels).get_indexer(own)
    cell = np.zeros(len(rows), int)
    inside = rows["level"].to_numpy() >= 0
    for name, one in zip(result.columns, result.compared, strict=True):
        values = model.design.predictors[name].to_numpy()[model.design.row]
        place = pd.Index(one.values).get_indexer(pd.Index(values))
        inside &= place >= 0
        cell = cell * len(one.values) + place
    return rows.assign(cell=cell)[inside]


def _differences(
    means: pd.DataFrame, keys: Sequence[tuple[Any, Any]], result: Contrast
) -> pd.DataFrame:
    """Contrast means of cells, a row for each level and group of the keys that has all of them."""
    sizes = [len(one.values) for one in result.compared]
    given = means.to_numpy()
    known = ~np.isnan(given)
    numbers = np.where(known, np.angle(given) if result.circular else given, 1.0)
    values = np.asarray(numbers, float).reshape(len(means), *sizes)
    counts: Array = np.ones((1, 1))
    for axis, one in reversed(list(enumerate(result.compared))):
        values = result.measure.compared(one.weights, values, axis + 1)
        counts = np.asarray(np.kron(one.weights.plus + one.weights.minus, counts), float)
    found: Array = result.measure.reported(values.reshape(len(means), -1))
    if result.circular:
        found = wrap_angles(found)
    whole = (known.astype(float) @ (counts > 0).T) == (counts > 0).sum(axis=1)
    return _observed_table(
        result,
        [
            (label, int(level), group, found[k, c])
            for c, label in enumerate(result.labels)
            for k, (level, group) in enumerate(keys)
            if whole[k, c]
        ],
    )


def _observed_table(
    result: Contrast, rows: Sequence[tuple[str, int, object, float]]
) -> pd.DataFrame:
    """Return rows of a contrast, a level of `by`, a group and a difference as a table."""
    labels, levels, groups, differences = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {"contrast": pd.Series(labels, dtype=object)}
    at = np.array(levels, int)
    columns |= {n: pd.Series(v) for n, v in level_columns(result.by, result.levels, at).items()}
    columns["group"] = pd.Series(groups, dtype=object)
    columns["difference"] = pd.Series(differences, dtype=float)
    return pd.DataFrame(columns)
