"""What the families' sums over cells have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from winstan._typing import Array


def log_factorial(values: Array) -> Array:
    """Return log(y!), shape of `values`."""
    out = values + 1.0
    special.gammaln(out, out=out)  # in place: rows may be many millions
    return out


def quasi_score(n: Array, excess: Array, slope: Array, variance: Any) -> tuple[Array, Array]:
    """Return score and expected information by eta of an exponential family, shape (C,) each.

    Parameters
    ----------
    n, excess : ndarray, shape (C,)
        Rows of each cell, and the sum of their responses less their means.
    slope : ndarray, shape (C,)
        d mu / d eta.
    variance
        Of a row.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, section 2.5: (sum y - n mu) mu' / V and
    n mu'^2 / V.
    """
    return excess * slope / variance, n * np.square(slope) / variance
