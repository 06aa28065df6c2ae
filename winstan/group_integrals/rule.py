"""For which models the effects are integrated out group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan.coordinates import Coordinates
    from winstan.design import Stacked
    from winstan.likelihood import Likelihood
    from winstan.tuning import Tuning

TEMPLATE = "group_integrals"
# By the family's own template, its link, and its numbers beside the mean: the sign of the linear
# predictor in what each row adds to its group's total.
_SIGNS = {("poisson", "log", 0): 1, ("gamma", "log", 1): -1}


def sign_of(likelihood: Likelihood) -> int | None:
    """Return the sign of a likelihood's linear predictor, or None if it has no such integrals."""
    if likelihood.predicted or likelihood.statistics.get("linear"):
        return None
    numbers = len(likelihood.scalars)
    return _SIGNS.get((likelihood.family.template, likelihood.link.name, numbers))


def are_integrated(
    likelihood: Likelihood, stacked: Stacked, coordinates: Coordinates, tuning: Tuning
) -> bool:
    """Whether the only group term is an intercept of so many groups, of such a likelihood."""
    if len(stacked.groups) != 1 or sign_of(likelihood) is None:
        return False
    (group,) = stacked.groups
    plain = group.q == 1 and group.shared is None and not group.latent
    P = coordinates.beta_location.size
    together = len(coordinates.decorrelation.remaining_scale) > P  # drawn with the coefficients
    many = group.n_levels >= tuning.integrals_from
    return plain and many and not together and bool(np.all(group.Z == 1))
