"""Densities with zeros of their own, of those of the family without them."""

from __future__ import annotations

from typing import Any

import numpy as np


def base_of(family: str) -> str:
    """The family of what is no zero of its own."""
    return family.removeprefix("zero_inflated_").removeprefix("hurdle_")


def zero_of(family: str) -> str:
    """The parameter of the zeros."""
    return "hu" if family.startswith("hurdle") else "zi"


def with_zeros(
    family: str, y: np.ndarray, above: np.ndarray, none: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    """Log density of each row.

    Parameters
    ----------
    family
    y
    above, none
        The base family's log densities of the rows above zero, and of a zero.
    aux
    """
    share = aux[zero_of(family)]
    if zero_of(family) == "zi":
        return np.where(
            y == 0, np.log(share + (1 - share) * np.exp(none)), np.log1p(-share) + above
        )
    if base_of(family) not in ("gamma", "lognormal"):
        above = above - np.log(-np.expm1(none))
    return np.where(y == 0, np.log(share), np.log1p(-share) + above)
