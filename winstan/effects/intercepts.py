"""Each group's intercept on the response scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.effects.intervals import describe
from winstan.effects.means import mean_response
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families.links import Array
    from winstan.model import Model


def group_intercepts(
    model: Model, posterior: Mapping[str, Array], factor: str, prob: float, interval: str
) -> pd.DataFrame:
    """Each group's intercept on the response scale: the mean response at X = 0.

    Other factors' effects are at zero.

    Returns
    -------
    DataFrame
        Columns level, mean, sd, and the interval's ends.
    """
    group = next((g for g in model.design.groups if g.factor == factor), None)
    if group is None:
        factors = [g.factor for g in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(factor, factors)
        )
    name = f"1|{factor}"
    if name not in posterior:
        raise OptionError(
            f"This model has no intercepts by {factor!r}: it has no term (1|{factor})."
        )
    eta = posterior[name] + posterior.get("Intercept", np.zeros(1))[..., None]
    mu = mean_response(model, posterior, eta)
    rows = [
        {"level": level} | describe(mu[:, j], prob, interval)
        for j, level in enumerate(group.levels)
    ]
    return pd.DataFrame(rows)
