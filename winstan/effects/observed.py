"""The data themselves, to set beside what was fitted: nothing here is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.design import MEAN
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import check_predictor
from winstan.effects.population import mean_link
from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.effects.specification import Specified

# Values of a treatment that figures can tell apart by colour.
TREATMENTS = 6


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
