"""Which columns stand for the constant in a design that has no intercept.

Without an intercept something else has to carry the mean of the response: the columns of a factor
that is coded level by level (``0 + cond``), of the cells of an interaction (``0 + a:b``), shares
that add up to one, or a column of ones that the user made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.design.evaluation import Term

_CLOSE = 1e-8
_SAMPLE = 10_000


def constant_weights(X: np.ndarray, terms: Sequence[Term]) -> np.ndarray | None:
    """Return the weights with which columns add up to the constant.

    Only sums count (weights of one), and single columns that are constant themselves: any other
    combination that happens to be constant does not make its coefficients means.

    Parameters
    ----------
    X : ndarray of shape (D, K)
        Design without an intercept, of full column rank.
    terms
        Its terms.

    Returns
    -------
    ndarray of shape (K,), or None
        w with ``X @ w == 1``, zero for the columns that take no part. None where there is none.
    """
    K = X.shape[1]
    if K == 0 or len(X) == 0:
        return None
    for term in terms:  # the usual case, and a cheap one
        weights = np.zeros(K)
        weights[list(term.columns)] = 1.0
        if is_constant(X, weights):
            return weights
    few = X if len(X) <= 2 * _SAMPLE else X[:: len(X) // _SAMPLE]
    for rows in (few, X)[: 1 if few is X else 2]:
        weights = np.linalg.lstsq(rows, np.ones(len(rows)), rcond=None)[0]
        if not np.allclose(rows @ weights, 1.0, atol=_CLOSE):
            return None  # what some rows rule out, all rows do
        weights[np.abs(weights) < _CLOSE * np.abs(weights).max()] = 0.0
        taking = weights[weights != 0]
        if len(taking) > 1 and not np.allclose(taking, 1.0, atol=1e-6):
            continue
        if len(taking) > 1:
            weights = np.where(weights != 0, 1.0, 0.0)
        if is_constant(X, weights):
            return weights
    return None


def is_constant(X: np.ndarray, weights: np.ndarray) -> bool:
    """Whether columns with these weights, shape (K,), add up to one in every row of X."""
    taking = np.flatnonzero(weights)
    first = X[0, taking] @ weights[taking]
    if abs(first - 1.0) > _CLOSE:
        return False
    return bool(np.allclose(X[:, taking] @ weights[taking], 1.0, rtol=0, atol=_CLOSE))
