"""Angles that are taken for numbers on a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.guards.residuals import noise_of_rows, on_a_line, some_rows

if TYPE_CHECKING:
    from winstan.model import Model

# Ends of a circle, and its unit: what makes radians of it.
CIRCLES = (
    (-np.pi, np.pi, "radians", ""),
    (0.0, 2 * np.pi, "radians", ""),
    (-180.0, 180.0, "degrees", "np.deg2rad({})"),
    (0.0, 360.0, "degrees", "np.deg2rad({})"),
)
# How much of the circle the response goes through, and how far beyond it rounding may take it.
REACHED, ROUNDING = 0.9, 2e-4
# Rows that the fit has beyond each end, where there are none, from which both are limits: by chance
# they are one in 50 times.
ABSENT = 2.0
# Distinct values below which these are no angles that were measured.
FEWEST_VALUES = 10


def check_angles(model: Model) -> str | None:
    """Say whether a response is about a whole circle, and is given a distribution on a line.

    Parameters
    ----------
    model
        Of any family; only real ones with one kind of noise can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy. Angles of one narrow range are numbers like
        others, and have none.
    """
    family, response = model.family, model.design.response
    if not on_a_line(model):
        return None
    y = response.y
    found = next((circle for circle in CIRCLES if _fills(y, circle[0], circle[1])), None)
    rows = some_rows(model)
    if found is None or np.unique(y[rows.row]).size < FEWEST_VALUES:
        return None
    low, high, unit, made = found
    mean, sd = model.coordinates.eta[rows.cell], noise_of_rows(model, rows)
    beyond = [special.ndtr((low - mean) / sd), special.ndtr((mean - high) / sd)]
    if min(float(rows.weight @ each) for each in beyond) < ABSENT:
        return None
    share = float(np.average(sum(beyond), weights=rows.weight))
    left = made.format(response.name) or response.name
    return (
        f"All of '{response.name}' is from {low:.4g} to {high:.4g}, as angles in {unit} are, and a "
        f"{family.label} fit has {share:.1%} of its responses beyond; it takes angles on either "
        "side of the cut for the farthest from each other, and their mean for one that none is "
        f"near. If they are angles, use family='von_mises' of {left}, in radians."
    )


def _fills(y: np.ndarray, low: float, high: float) -> bool:
    """Whether values go through a circle, and not beyond."""
    close = ROUNDING * (high - low)
    within = y.min() >= low - close and y.max() <= high + close
    return bool(within and np.ptp(y) >= REACHED * (high - low))
