"""Correlation matrices of group effects, by their canonical partial correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array


def correlation_factors(raw: Array, q: int) -> Array:
    """Cholesky factors of correlation matrices from canonical partial correlations.

    Parameters
    ----------
    raw : ndarray, shape (..., q (q - 1) / 2)
        artanh of the partial correlations, row by row.
    q

    Returns
    -------
    ndarray, shape (..., q, q)

    Notes
    -----
    Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100, 1989-2001; the Stan
    reference manual, on correlation matrices.
    """
    z, entry = np.tanh(raw), 0
    factor = np.zeros((*raw.shape[:-1], q, q))
    for i in range(q):
        left = np.ones(raw.shape[:-1])
        for j in range(i):
            factor[..., i, j] = z[..., entry] * np.sqrt(left)
            left = left - np.square(factor[..., i, j])
            entry += 1
        factor[..., i, i] = np.sqrt(left)
    return factor


def partial_log_density(raw: Array, q: int, eta: float) -> Array:
    """Log density of `raw` under an LKJ prior, but for a constant, shape (...).

    The partial correlations are independent: those of column j (from zero) have a beta
    distribution on (-1, 1), both of whose parameters are ``eta + (q - 2 - j) / 2``.

    Notes
    -----
    Lewandowski, Kurowicka and Joe (2009), as above, section 2.4.
    """
    column = np.array([j for i in range(q) for j in range(i)], float)
    # log(1 - tanh^2), which is not lost to rounding far out
    log_slope = 2 * (np.log(2.0) - np.abs(raw) - np.log1p(np.exp(-2 * np.abs(raw))))
    return (log_slope * (eta + (q - 2 - column) / 2)).sum(axis=-1)
