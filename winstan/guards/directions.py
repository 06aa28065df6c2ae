"""Directions that a half-tangent does not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.data.columns import some_levels
from winstan.effects.observed import labels_of, observed_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.model import Model

# How near to the direction opposite to the origin a mean direction may be: beyond, a half-tangent
# is above 2.4 in size, which a normal prior hardly expects.
NEAR = np.pi / 4
# Chance, all levels of a column together, that angles without any direction seem to have one.
LIKELIHOOD = 1e-3
# A number of more values has no levels.
MOST_VALUES = 6


def check_directions(model: Model) -> str | None:
    """Say which level's mean direction lies where the half-tangent jumps.

    Mean directions are those of the rows; Rayleigh's test tells whether they have any.

    Parameters
    ----------
    model
        Of any family; only links of directions with a cut can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.

    References
    ----------
    Mardia and Jupp (2000), Directional Statistics, section 6.3.1.
    """
    if not model.link.cut:
        return None
    cut = float(wrap_angles(model.link.origin + np.pi))
    rows = observed_rows(model)
    for name, labels in _columns(model):
        code, levels = pd.factorize(labels)
        n = np.bincount(code, rows["weight"])
        total = [np.bincount(code, part(rows["total"])) for part in (np.real, np.imag)]
        direction, length = np.arctan2(total[1], total[0]), np.hypot(*total) / n
        directed = np.exp(-n * np.square(length)) * len(levels) < LIKELIHOOD
        close = np.abs(wrap_angles(direction - cut)) < NEAR
        found = np.flatnonzero(directed & close)
        if found.size:
            shown = some_levels([levels[k] for k in found])
            return (
                f"The mean direction of '{model.design.response.name}' in {shown} of '{name}' "
                f"({', '.join(f'{direction[k]:.2f}' for k in found[:5])}) is near the one that the "
                f"{model.link.name} link does not reach, {cut:.2f}, opposite to that of all rows. "
                "Linear predictors there are large, and of opposite signs on either side: the "
                "prior pulls the direction away, and the draws stay on one side and seem sure. "
                "Use link='identity', which reaches all directions."
            )
    return None


def _columns(model: Model) -> Iterator[tuple[str, np.ndarray]]:
    """Give the columns of labels, or of few numbers, and the group factors, row by row."""
    for name, column in model.design.predictors.items():
        if isinstance(column.dtype, pd.CategoricalDtype) or column.nunique() <= MOST_VALUES:
            yield str(name), labels_of(model, str(name))
    for group in model.design.groups:
        yield group.factor, labels_of(model, group.factor)
