"""Arguments of simulations, checked."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from winstan.errors import DataError


def count(name: str, value: object) -> int:
    """Return a number of things, 1 or more.

    Raises
    ------
    DataError
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise DataError(f"{name}={value!r} must be a whole number, 1 or more.")
    return int(value)


def generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator of a seed.

    Raises
    ------
    DataError
        If it is no seed.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise DataError(f"seed={seed!r} cannot seed a random number generator: {error}.") from error
