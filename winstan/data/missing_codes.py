"""Numbers that stand for missing values in many files: -9, -99, 999 and the like."""

from __future__ import annotations

import numpy as np

_NEGATIVE = frozenset({-9.0, -99.0, -999.0, -9999.0, -99999.0})
_POSITIVE = frozenset({99.0, 999.0, 9999.0, 99999.0})
# Fewer other values have no range that a code could lie outside of.
_OTHERS = 3
# One largest value of 999 may be measured.
_ROWS_OF_POSITIVE = 2


def is_negative_code(value: float) -> bool:
    """Whether a value is customary for what is missing, where no negative number can be."""
    return float(value) in _NEGATIVE


def missing_code(values: np.ndarray) -> tuple[float, int] | None:
    """Find a number that stands for missing values at one end of others.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Finite numbers, in the unit in which they were written.

    Returns
    -------
    tuple of float and int, or None
        The code, and how many values are it. A code is further from all others than these are
        from each other.
    """
    if not values.size:
        return None
    for code, known in ((values.min(), _NEGATIVE), (values.max(), _POSITIVE)):
        if float(code) not in known:
            continue  # most data: no further look
        others = values[values != code]
        n = values.size - others.size
        if np.unique(others).size < _OTHERS or (code > 0 and n < _ROWS_OF_POSITIVE):
            continue
        if np.abs(others - code).min() > np.ptp(others):
            return float(code), n
    return None
