"""Numbers that a function of a formula is given: text that reads as numbers is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from winstan._typing import Array


def numbers(x: Any) -> Array:
    """Return a column as doubles, shape (n,).

    Raises
    ------
    TypeError
        If it has labels. NumPy would read "1.5" as a number, and nobody could tell.
    """
    labels = isinstance(getattr(x, "dtype", None), pd.CategoricalDtype)
    if labels or np.asarray(x).dtype.kind not in "biuf":
        raise TypeError("it takes numbers, and these are labels")
    return np.asarray(x, np.float64)
