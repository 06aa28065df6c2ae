"""Shares, or percentages, that a normal distribution would have beyond their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.families.suitable import named, usual_families
from winstan.guards.residuals import noise_of_rows, on_a_line, some_rows

if TYPE_CHECKING:
    from winstan.model import Model

# Share of the normal distributions beyond 0 and 1 from which one would mind.
BEYOND = 0.005
# Distinct values between the ends below which a response is no continuous share.
FEWEST_VALUES = 10
# What shares of any kind come to somewhere: small numbers of another unit rarely do.
REACHED = 0.75
# Numbers up to a hundred are of many kinds. Rows that the fit has above it, where there are none,
# from which it is a limit: by chance it is one in 20 times at most.
PERCENT, ABSENT = 100.0, 3.0


def check_shares(model: Model) -> str | None:
    """Say whether a response from 0 to 1, or to 100, is given a distribution that goes beyond.

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
    if not on_a_line(model):
        return None
    y = response.y
    top = 1.0 if y.max() <= 1 else PERCENT
    if y.min() < 0 or y.max() > top or y.max() < REACHED * top:
        return None
    rows = some_rows(model)
    inside = y[rows.row][(y[rows.row] > 0) & (y[rows.row] < top)]
    if np.unique(inside).size < FEWEST_VALUES:
        return None
    mean, sd = model.coordinates.eta[rows.cell], noise_of_rows(model, rows)
    above = special.ndtr((mean - top) / sd)
    share = float(np.average(special.ndtr(-mean / sd) + above, weights=rows.weight))
    if share < BEYOND or (top == PERCENT and rows.weight @ above < ABSENT):
        return None
    families = named(usual_families("proportion" if np.any((y == 0) | (y == top)) else "unit"))
    kind, remedy = "", "share, use"
    if top == PERCENT:
        kind, remedy = ", as percentages are", "percentage, divide it by 100 and use"
    return (
        f"All of '{response.name}' is from 0 to {top:g}{kind}, and a {family.label} fit has "
        f"{share:.1%} of its responses beyond; shares also vary less near the ends, and effects on "
        f"them are smaller there. If it is a {remedy} {families}; if it counts successes of "
        "trials, family='binomial'."
    )
