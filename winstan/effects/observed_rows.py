"""The response row by row, as what the contrasts are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.effects.population import mean_link

if TYPE_CHECKING:
    from winstan.effects.specification import Specified


def observed_rows(model: Specified) -> pd.DataFrame:
    """Return the response row by row: value, weight, and their product total.

    A value is of what the contrasts are of: per trial, and with the offset at zero, so that counts
    become rates. It weighs by its frequency weight, its trials and its exposure. Of angles, which
    are between -pi and pi, the total is the product with the unit vector, a complex number.
    """
    design = model.design
    response = design.response
    value = response.y
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
