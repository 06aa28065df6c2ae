"""Where the priors of the Intercept, or of the columns that stand for it, are: at mean predictors.

With an Intercept every predictor is measured from its mean. Without one, the predictors beside the
level columns (``cond`` in ``0 + cond + x``) are measured from their mean in the rows of each level,
so that a level's prior is one of the response that its rows have on average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array


def level_means(X: Array, constant: Array, weight: Array) -> Array | None:
    """Return the means of the other columns that each level column takes over.

    Parameters
    ----------
    X : ndarray, shape (C, K)
    constant : ndarray, shape (K,)
        Weights with which columns of X add up to the constant (`Design.constant`).
    weight : ndarray, shape (C,)
        Rows of data in each row of X.

    Returns
    -------
    ndarray, shape (K, K), or None
        M: ``X - X @ M`` are the centred columns, and ``beta - M @ beta`` the coefficients at zero
        of those that are sampled. None where there are no other columns.
    """
    levels, others = np.flatnonzero(constant), np.flatnonzero(constant == 0)
    if not others.size:
        return None
    shares = X[:, levels] * constant[levels]
    if np.count_nonzero(shares) != len(shares):  # not one level a row: shares, splines
        shares = np.ones_like(shares)
    counted = weight[:, None] * shares
    out = np.zeros((len(constant), len(constant)))
    means = (counted.T @ X[:, others]) / counted.sum(axis=0)[:, None]
    out[np.ix_(levels, others)] = constant[levels, None] * means
    return out


def at_zero(slopes: Array, means: Array | None) -> Array:
    """Move level columns' coefficients from the means of the other predictors to their zeros.

    Parameters
    ----------
    slopes : ndarray, shape (..., K)
    means : ndarray, shape (K, K), or None
        From `level_means`.
    """
    return slopes if means is None else slopes - slopes @ means.T
