"""Coefficients and group effects, drawn exactly given the variances and correlations sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.residual.system import system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.residual.marginal import CorrelatedResiduals


def noise_size(residual: CorrelatedResiduals) -> int:
    """Return how many standard normal numbers a draw takes."""
    products = residual.products
    return products.W - 1 + products.n_groups * products.width


def draw_effects(
    residual: CorrelatedResiduals,
    roots: Sequence[Array],
    spread: Array,
    numbers: Array,
    noise: Array,
) -> tuple[Array, Array]:
    """Turn standard normal noise into conditional draws.

    Returns
    -------
    columns : ndarray, shape (S, W - 1)
        Coefficients, and z-scores of the other factors' effects.
    z : ndarray, shape (S, q, J)
        z-scores of the factor's own effects.
    """
    products, S = residual.products, len(spread)
    wide = products.W - 1
    at = system(residual, roots, spread, numbers)
    # P^-1 h + C'^-1 noise = C'^-1 (C^-1 h + noise), and C^-1 h is the factor's last row
    factor = np.linalg.cholesky(at.gram)
    half = factor[:, wide, :wide] + noise[:, :wide]
    columns = np.linalg.solve(np.swapaxes(factor[:, :wide, :wide], 1, 2), half[:, :, None])[..., 0]
    J, q = products.n_groups, products.width
    if not J:
        return columns, np.zeros((S, q, 0))
    effects = columns.copy()
    for L, start, group in zip(roots, residual.column, residual.stacked.groups, strict=True):
        if start >= 0:
            some = slice(start, start + group.size)
            scores = columns[:, some].reshape(S, L.shape[1], -1)
            effects[:, some] = (L @ scores).reshape(S, -1)
    left = at.taken[..., wide] - np.einsum("sjqw,sw->sjq", at.taken[..., :wide], effects)
    own = np.linalg.cholesky(at.M)
    half = np.linalg.solve(own, left[..., None]) + noise[:, wide:].reshape(S, J, q, 1)
    z = np.linalg.solve(np.swapaxes(own, -1, -2), half)[..., 0]
    return columns, np.swapaxes(z, 1, 2)
