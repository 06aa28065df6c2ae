"""Where the predictors are centred, and the priors of what is then sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.centering import center_levels, predictor_means
from winstan.priors import Priors, resolve
from winstan.residual import residual_slots
from winstan.scales import default_slots

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.building.statement import Statement
    from winstan.model import Model
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True, eq=False)
class Centering:
    """What is subtracted from the K population-level predictors.

    Attributes
    ----------
    centered : bool
        Whether those beside an Intercept are centred on their means.
    predictor_mean : ndarray, shape (K,)
    level_means : ndarray, shape (K, K), or None
        What is subtracted within the levels of columns that stand for the Intercept.
    """

    centered: bool
    predictor_mean: Array
    level_means: Array | None

    @classmethod
    def of(cls, model: Model) -> Centering:
        """Return a model's own."""
        return cls(model.center, model.predictor_mean, model.level_means)


def resolve_priors(
    statement: Statement, priors: Mapping[str, Prior] | Priors | None, *, center: bool
) -> tuple[Centering, Priors]:
    """Give every parameter its prior: the user's, or the default by the data's scales.

    Parameters
    ----------
    statement
    priors
        The user's by name or class; or those of an equal model, which are taken as they are.
    center
        Whether to centre the predictors where that is possible.

    Raises
    ------
    PriorError
    """
    design, stacked, cells = statement.design, statement.stacked, statement.cells
    centered = center and design.intercept
    apart = centered and stacked.intercept  # an Intercept before the columns
    if isinstance(priors, Priors):
        resolved = priors
    else:
        slots = default_slots(stacked, cells, statement.likelihood, statement.scales)
        if design.residual is not None:
            slots += residual_slots(design.residual)
        thresholds = statement.likelihood.family.thresholds
        location = "Intercept" if thresholds is None else thresholds.name
        resolved = resolve(slots, priors, at_mean=[location] if apart else [])
    predictor_mean = predictor_means(stacked, cells, centered=apart)
    level_means = None
    if center and np.any(stacked.constant):
        level_means, resolved = center_levels(stacked, cells, resolved)
    return Centering(centered, predictor_mean, level_means), resolved
