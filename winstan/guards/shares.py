"""Shares between 0 and 1 that a normal distribution would have beyond these ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.families.suitable import named, usual_families
from winstan.guards.residuals import noise_of_rows, some_rows

if TYPE_CHECKING:
    from winstan.model import Model

# Share of the normal distributions beyond 0 and 1 from which one would mind.
BEYOND = 0.005
# Distinct values between the ends below which a response is no continuous share.
FEWEST_VALUES = 10
# What shares of any kind come to somewhere: small numbers of another unit rarely do.
REACHED = 0.75


def check_shares(model: Model) -> str | None:
    """Say whether a response from 0 to 1 is given a distribution that goes beyond.

    Parameters
    ----------
    model
        Of any family; only real ones with one kind of noise can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    family, response = model.family, model.design.response
    if family.kind != "real" or family.noise is None or model.link.name != "identity":
        return None
    y = response.y
    if y.min() < 0 or y.max() > 1 or y.max() < REACHED or np.ptp(model.design.offset):
        return None
    rows = some_rows(model)
    inside = y[rows.row][(y[rows.row] > 0) & (y[rows.row] < 1)]
    if np.unique(inside).size < FEWEST_VALUES:
        return None
    mean, sd = model.coordinates.eta[rows.cell], noise_of_rows(model, rows)
    beyond = special.ndtr(-mean / sd) + special.ndtr((mean - 1) / sd)
    share = float(np.average(beyond, weights=rows.weight))
    if share < BEYOND:
        return None
    ends = bool(np.any((y == 0) | (y == 1)))
    return (
        f"All of '{response.name}' is from 0 to 1, and a {family.label} fit has {share:.1%} of its "
        "responses beyond; shares also vary less near the ends, and effects on them are smaller "
        f"there. If it is a share, use {named(usual_families('proportion' if ends else 'unit'))}; "
        "if it counts successes of trials, family='binomial'."
    )
