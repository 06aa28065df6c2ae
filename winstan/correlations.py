"""Correlation matrices of group effects, by their canonical partial correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from winstan._typing import Array

# Correlations that rounding has brought to one.
_NEAR_ONE, _LEAST_LENGTH = 1 - 1e-15, 1e-15


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


def free_correlations(matrices: Array) -> Array:
    """Return the numbers of which `correlation_factors` makes roots of correlation matrices.

    Parameters
    ----------
    matrices : ndarray, shape (..., q, q)

    Returns
    -------
    ndarray, shape (..., q (q - 1) / 2)
    """
    q, out = matrices.shape[-1], []
    factor = np.zeros_like(matrices)
    for i in range(q):
        left = np.ones(matrices.shape[:-2])
        for j in range(i):
            across = (factor[..., i, :j] * factor[..., j, :j]).sum(axis=-1)
            factor[..., i, j] = (matrices[..., i, j] - across) / factor[..., j, j]
            z = factor[..., i, j] / np.sqrt(left)
            out.append(np.arctanh(np.clip(z, -_NEAR_ONE, _NEAR_ONE)))
            left = np.maximum(left - np.square(factor[..., i, j]), _LEAST_LENGTH)
        factor[..., i, i] = np.sqrt(left)
    return np.stack(out, axis=-1) if out else np.zeros((*matrices.shape[:-2], 0))


def partial_log_density(raw: Array, q: int, eta: float) -> Array:
    """Log density of `raw` under an LKJ prior, normalised, shape (...).

    The partial correlations are independent: those of column j (from zero) have a beta
    distribution on (-1, 1), both of whose parameters are ``eta + (q - 2 - j) / 2``.

    Notes
    -----
    Lewandowski, Kurowicka and Joe (2009), as above, section 2.4.
    """
    column = np.array([j for i in range(q) for j in range(i)], float)
    # log(1 - tanh^2), which is not lost to rounding far out
    log_slope = 2 * (np.log(2.0) - np.abs(raw) - np.log1p(np.exp(-2 * np.abs(raw))))
    power = eta + (q - 2 - column) / 2
    return np.asarray((log_slope * power - log_symmetric_beta(power)).sum(axis=-1))


def log_slope_of_matrices(raw: Array, q: int) -> Array:
    """Log derivative of the entries of correlation matrices by `raw`, shape (...).

    With densities uniform over matrices, that of `raw` is its LKJ density at eta = 1.
    """
    column = np.array([j for i in range(q) for j in range(i)], float)
    volume = log_symmetric_beta(1 + (q - 2 - column) / 2).sum()  # of all correlation matrices
    return partial_log_density(raw, q, 1.0) + volume


def log_symmetric_beta(a: Array | float) -> Array:
    """Return the log of the integral of ``(1 - x^2)^(a - 1)`` over (-1, 1)."""
    return np.asarray(special.betaln(a, a) + (2 * a - 1) * np.log(2.0))
