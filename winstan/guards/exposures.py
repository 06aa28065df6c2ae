"""Exposures whose logarithm an offset should have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan.model import Model

# How many times the variance must be that the offset leaves of the logarithms.
WORSE = 2.0
FEWEST_ROWS = 10


def check_exposure(model: Model) -> str | None:
    """Say whether the offset of a log link is an exposure, and not its logarithm.

    The variance of log(y) less the offset is compared with that of log(y) less the offset's own
    logarithm: of an offset that is the logarithm of an exposure the first is the smaller, unless
    predictors say much the same.

    Parameters
    ----------
    model
        Of any family; only a log link, and an offset above zero, can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    design, response = model.design, model.design.response
    atoms = model.formula.offset_atoms
    if model.link.name != "log" or len(atoms) != 1 or response.counts is not None:
        return None
    y, offset = response.y, design.offset[design.row]
    if y.size < FEWEST_ROWS or y.min() < 0 or offset.min() <= 0 or np.ptp(offset) == 0:
        return None
    positive = y[y > 0]
    if not positive.size:
        return None
    z = np.log(y + 0.5 * positive.min()) if positive.size < y.size else np.log(y)
    as_it_is, logarithm = np.var(z - offset), np.var(z - np.log(offset))
    if as_it_is <= WORSE * logarithm:
        return None
    what, least, most = atoms[0].text, offset.min(), offset.max()
    return (
        f"offset({what}) is added to the logarithm of the mean, where {least:g} to {most:g} "
        f"multiply the mean by {np.exp(min(most - least, 700.0)):.2g}. {response.name!r} follows "
        f"the logarithm of {what} more closely (what is left of its own logarithm has a variance "
        f"of {logarithm:.2g}, not {as_it_is:.2g}), as it would if {what} is an exposure: write "
        f"offset(log({what}))."
    )
