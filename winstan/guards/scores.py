"""Scores of few ordered categories that are taken as measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan.model import Model

# Categories that scales have, and how far from zero they are counted.
FEWEST, MOST = 3, 7
LARGEST = 10
# Rows below which nothing is said.
FEWEST_ROWS = 30


def check_scores(model: Model) -> str | None:
    """Say whether the response looks like scores of few ordered categories.

    Parameters
    ----------
    model
        Of any family; only real ones under the identity link can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    y = model.design.response.y
    if model.family.kind != "real" or model.link.name != "identity" or y.size < FEWEST_ROWS:
        return None
    if np.abs(y).max() > LARGEST or np.any(y != np.round(y)):
        return None
    value = np.unique(y)
    if not FEWEST <= value.size <= MOST or np.any(np.diff(value) != 1):
        return None
    name, least, most = model.design.response.name, value[0], value[-1]
    return (
        f"'{name}' has the whole numbers {least:g} to {most:g} alone: if they are scores of "
        f"ordered categories, a {model.family.label} fit takes their steps to be equal, and "
        "predicts values between and beyond them. Use family='cumulative'; if they are counts, "
        "family='poisson'."
    )
