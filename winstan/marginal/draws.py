"""Coefficients and group effects, drawn exactly given the variances that a sampler drew.

Each draw of (sds, correlations, sigma) gets one of (coefficients, effects) from their normal
conditional distribution, so that all together are draws of the posterior. Every step runs over all
draws and patterns at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.marginal.system import scale_effects, system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.marginal.statistics import Marginal


def noise_size(marginal: Marginal) -> int:
    """Return how many standard normal numbers a draw takes."""
    J, q, W = marginal.pattern.size, marginal.R.shape[1], marginal.T.shape[2]
    return W + 2 * J * q


def draw_effects(
    marginal: Marginal, products: Array, roots: Sequence[Array], sigma: Array, noise: Array
) -> tuple[Array, Array]:
    """Turn standard normal noise into conditional draws.

    Parameters
    ----------
    marginal
    products
        From `cross_products`.
    roots : sequence of ndarray, shape (draws, q, q) each
        From `Design.roots`.
    sigma : ndarray, shape (draws,)
    noise : ndarray, shape (draws, `noise_size`)

    Returns
    -------
    columns : ndarray, shape (draws, W)
        Decorrelated coefficients, and z-scores of the other factors' effects.
    z : ndarray, shape (draws, q, J)
        z-scores of the factor's own effects.

    Notes
    -----
    With z* and e* from their priors, z* + (R L)' V^-1 (t - T c - R L z* - e*) is a draw of z given
    t (`winstan.marginal.system` has the names; Bhattacharya, Chakraborty and Mallick 2016,
    Biometrika 103, 985-991).
    """
    S = sigma.size
    J, q = marginal.t.shape
    W = marginal.T.shape[2]
    at = system(marginal, products, roots, sigma)
    # P^-1 h + C'^-1 noise = C'^-1 (C^-1 h + noise), and C^-1 h is the factor's last row
    factor = np.linalg.cholesky(at.gram)
    half = factor[:, W, :W] + noise[:, :W]
    columns = _solved_upwards(factor[:, :W, :W], half)
    effects = scale_effects(marginal, roots, columns)
    mean = np.einsum("kaw,sw->ask", marginal.T, effects)
    z = noise[:, W : W + J * q].reshape(S, q, J)
    error = sigma[:, None, None] * noise[:, W + J * q :].reshape(S, q, J)
    # What all groups share, as one pattern, is broadcast.
    pattern = marginal.pattern if marginal.count.size > 1 else marginal.pattern[:1]
    RL, inverse = at.RL[..., pattern], at.inverse[..., pattern]  # (q, q, S, J or 1)
    gap = marginal.t.T[:, None] - mean[..., pattern] - np.swapaxes(error, 0, 1)
    gap -= np.einsum("acsj,scj->asj", RL, z)
    z = z + np.einsum("acsj,asj->scj", RL, np.einsum("absj,bsj->asj", inverse, gap))
    return columns, z


def _solved_upwards(factor: Array, right: Array) -> Array:
    """Solve L' x = right for lower triangular matrices (S, W, W) at once, from the last row up."""
    x = np.empty_like(right)
    for a in reversed(range(right.shape[1])):
        rest = right[:, a] - np.einsum("sb,sb->s", factor[:, a + 1 :, a], x[:, a + 1 :])
        x[:, a] = rest / factor[:, a, a]
    return x
