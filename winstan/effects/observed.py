"""The data themselves, to set beside what was fitted: nothing here is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.design import MEAN
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import check_predictor, comparison
from winstan.effects.parameters import is_mean
from winstan.effects.population import mean_link
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.effects.contrasts import Contrast
    from winstan.effects.specification import Specified
    from winstan.options import Pairs

# Values of a treatment that figures can tell apart by colour.
TREATMENTS = 6


def observed_contrast(
    model: Specified,
    result: Contrast,
    values: Sequence[object] | None,
    group: str | None,
    pairs: Pairs = "reference",
) -> pd.DataFrame:
    """Compare the raw means of each group.

    Groups that lack one side of a contrast have no difference, and are left out. Where that is
    every group, as for a treatment that differs between groups only, the means of the groups are
    averaged, each group counting once, and these averages compared.

    Parameters
    ----------
    model
    result
        The fitted contrast.
    values, pairs
        As given to `contrast`.
    group
        The factor whose groups are compared; None takes all rows together.

    Returns
    -------
    DataFrame
        Columns contrast, [by], group (None where it is all of them), difference. No rows for
        a slope, x + 1 against x, or a parameter beside the mean, which no data show without a
        fit.
    """
    compared = comparison(model, result.treatment, values, pairs)
    rows = observed_rows(model)
    rows["by"] = "all" if result.by is None else labels_of(model, result.by)
    rows["group"] = "all" if group is None else labels_of(model, group)
    at = model.design.predictors[result.treatment].to_numpy()[model.design.row]
    inside = rows["by"].isin(["all"] if result.by is None else list(result.levels))
    seen = compared.labels(ratio=result.ratio) == result.labels and bool(compared.names)
    # No data show another parameter without a fit, nor a latent variable.
    seen &= is_mean(model) and model.design.response.categories is None
    means = []
    for value in compared.values if seen else ():
        chosen = rows[(at == value) & inside]
        sums = chosen.groupby(["by", "group"], sort=False)[["total", "weight"]].sum()
        means.append(sums["total"] / sums["weight"])
    sides = [(means[a], means[b]) for a, b in compared.pairs] if seen else []
    table = _differences(sides, result)
    if table.empty or group is None:
        sides = [tuple(side.groupby("by", sort=False).mean() for side in pair) for pair in sides]
        table = _differences(sides, result)
    return (
        table.drop(columns="by") if result.by is None else table.rename(columns={"by": result.by})
    )


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
    return model.design.groups[0].factor if model.design.groups else None


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


def _differences(sides: Sequence[tuple[pd.Series, ...]], result: Contrast) -> pd.DataFrame:
    """Compare the two series of each contrast, where both have a row.

    The series are indexed by level and group, or by level alone.
    """
    rows = []
    for label, (reference, mean) in zip(result.labels if sides else (), sides, strict=True):
        first, second = reference.align(mean, join="inner")
        if result.circular:  # mean unit vectors
            difference = pd.Series(np.angle(second * np.conj(first)), first.index)
        else:
            difference = second / first if result.ratio else second - first
        for key, value in difference.items():
            by, group = key if isinstance(key, tuple) else (key, None)
            rows.append({"contrast": label, "by": by, "group": group, "difference": value})
    table = pd.DataFrame(rows, columns=["contrast", "by", "group", "difference"])
    return table.astype({"group": object, "difference": float})
