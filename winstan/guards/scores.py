"""Scores of few ordered categories that are taken as measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan.model import Model

# Categories that scales have, and how far from zero they are counted.
FEWEST, MOST = 3, 7
LARGEST = 10
# Share of zeros above which more values than these are counts whose spread zero cuts off.
ZEROS = 0.05
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
    if np.any(y != np.round(y)):
        return None
    value = np.unique(y)
    if value.size > MOST and value[0] == 0 and np.mean(y == 0) > ZEROS:
        return _of_counts(model)
    if np.abs(y).max() > LARGEST or not FEWEST <= value.size <= MOST or np.any(np.diff(value) != 1):
        return None
    name, least, most = model.design.response.name, value[0], value[-1]
    return (
        f"'{name}' has the whole numbers {least:g} to {most:g} alone: if they are scores of "
        f"ordered categories, a {model.family.label} fit takes their steps to be equal, and "
        "predicts values between and beyond them. Use family='cumulative'; if they are counts, "
        "family='poisson'."
    )


def _of_counts(model: Model) -> str:
    """Say that whole numbers from zero up look like counts."""
    y, name = model.design.response.y, model.design.response.name
    return (
        f"{name!r} has the whole numbers from 0 to {y.max():g}, and 0 in {np.mean(y == 0):.0%} of "
        f"the rows: if they are counts, a {model.family.label} fit gives numbers below 0 and "
        "between them a probability, and small and large means one spread. Use family='poisson', "
        "or 'negative_binomial' where they vary more; if they are scores of ordered categories, "
        "family='cumulative'."
    )
