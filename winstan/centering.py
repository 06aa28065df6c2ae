"""Where the priors of the Intercept, or of the columns that stand for it, are: at mean predictors.

With an Intercept every predictor is measured from its mean. Without one, the predictors beside the
level columns (``cond`` in ``0 + cond + x``) are measured from their mean in the rows of each level,
so that a level's prior is one of the response that its rows have on average.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Stacked
    from winstan.priors import Priors


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


def predictor_means(stacked: Stacked, cells: Cells, *, centered: bool) -> Array:
    """Return the means of the mean's predictors, where there is an Intercept to be at them.

    Predictors of single thresholds stand beside that constant too.
    """
    out = np.zeros(stacked.block.size)
    for b, anchored in enumerate(stacked.anchored):
        if centered and (b == 0 or anchored):
            own = stacked.block == b
            out[own] = np.average(cells.of_block(cells.X, b)[:, own], axis=0, weights=cells.weight)
    return out


def moved_by_means(stacked: Stacked, slopes: Array, means: Array) -> Array:
    """Return what predictors add to the linear predictor of each block at their means, (..., B).

    Parameters
    ----------
    stacked
    slopes : ndarray, shape (..., K)
    means : ndarray, shape (K,)
        From `predictor_means`.
    """
    blocks = [stacked.block == b for b in range(len(stacked.parameters))]
    return np.stack([slopes[..., own] @ means[own] for own in blocks], axis=-1)


def thresholds_at_zero(stacked: Stacked, at_mean: Array, moved: Array) -> Array:
    """Move thresholds from the means of the predictors to their zeros, shape (..., K - 1).

    Parameters
    ----------
    stacked
    at_mean : ndarray, shape (..., K - 1)
    moved : ndarray, shape (..., B)
        From `moved_by_means`: of the mean's predictors, and of each threshold's own.
    """
    own = np.flatnonzero(stacked.anchored)
    return at_mean + moved[..., :1] + (moved[..., own] if own.size else 0.0)


def center_levels(stacked: Stacked, cells: Cells, priors: Priors) -> tuple[Array | None, Priors]:
    """Put the default priors of level columns at the mean of the other predictors.

    The intercept of a parameter beside the mean is one of a single level. A prior that the user
    gave to a level column is of the coefficient as it is reported.
    """
    K = stacked.block.size
    whole, at_mean = np.zeros((K, K)), set(priors.at_mean)
    for b in range(cells.blocks):
        own = np.flatnonzero(stacked.block == b)
        constant = stacked.constant[own]
        names = {stacked.column_names[k] for k, share in zip(own, constant, strict=True) if share}
        apart = "Intercept" in {
            term.name for term in stacked.terms if set(term.columns) <= set(own)
        }
        if not names or (priors.given.intersection(names) and not apart):
            continue
        means = level_means(cells.of_block(cells.X, b)[:, own], constant, cells.weight)
        if means is not None:
            whole[np.ix_(own, own)] = means
            at_mean |= names
    if not np.any(whole):
        return None, priors
    return whole, replace(priors, at_mean=frozenset(at_mean))


def centered_design(
    stacked: Stacked, cells: Cells, predictor_mean: Array, means: Array | None
) -> Array:
    """Return the population-level design, centred, with the Intercept's column first."""
    if cells.blocks == 1:
        out = cells.X - (predictor_mean if means is None else cells.X @ means)
        return np.column_stack([np.ones(cells.n), out]) if stacked.intercept else out
    out = cells.X if means is None else cells.X - cells.X @ means
    own = np.repeat(np.arange(cells.blocks), cells.n)[:, None] == stacked.block
    out = out - own * predictor_mean
    if not stacked.intercept:
        return out
    ones = (np.arange(len(out)) < cells.n).astype(float)
    return np.column_stack([ones, out])
