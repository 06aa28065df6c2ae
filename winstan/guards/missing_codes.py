"""Responses of which some are no measurement, but a code of what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.data.missing_codes import missing_code

if TYPE_CHECKING:
    from winstan.model import Model


def check_missing_code(model: Model) -> str | None:
    """Say whether a response has -9, -99, 999 or the like far from all other values.

    Parameters
    ----------
    model
        Of any family; categories are looked at where their labels are numbers.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    response = model.design.response
    if response.counts is not None or response.levels is not None:
        return None
    y = response.y
    if response.categories is not None:
        try:
            labels = np.array([float(label) for label in response.categories])
        except (TypeError, ValueError):
            return None  # words
        y = labels[y.astype(int)]
    found = missing_code(y)
    if found is None:
        return None
    code, n = found
    what = "as a category of its own" if response.categories is not None else "as measured"
    name = response.name
    return (
        f"{n:,} of {y.size:,} rows of {name!r} are {code:g}, far from all others "
        f"({y[y != code].min():g} to {y[y != code].max():g}): this is often a code of missing "
        f"values, and is taken {what}. If it is one, make it missing, and its rows are left out: "
        f"data[{name!r}] = data[{name!r}].replace({code:g}, np.nan)."
    )
