"""Coefficients and group effects, drawn exactly given the variances that a sampler drew.

Each draw of (sds, correlations, sigma) gets one of (coefficients, effects) from their normal
conditional distribution, so that all together are draws of the posterior. Every step runs over all
draws and patterns at once, in chunks of bounded memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.draws import Sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.families.links import Array
    from winstan.marginal.statistics import Marginal
    from winstan.model import Model

CHUNK_NUMBERS = 4_000_000
# Parts this stream of random numbers from the sampler's, which has the same seed.
STREAM = 1


def sampled_with_effects(
    model: Model, sd: Array, factors: Sequence[Array], aux: Array, seed: int
) -> Sampled:
    """Draw coefficients and effects beside the sampled variances.

    Parameters
    ----------
    model
        With `Model.marginal`.
    sd : ndarray, shape (chains, draws, Q)
    factors : sequence of ndarray, shape (chains, draws, q, q) each
        As in `Sampled`.
    aux : ndarray, shape (chains, draws, 1)
        sigma.
    seed
        The same seed, and the same variances, give the same draws.
    """
    marginal = model.marginal
    assert marginal is not None
    shape = sd.shape[:-1]
    roots = effect_roots(
        model, sd.reshape(aux.size, sd.shape[-1]), [f.reshape(-1, *f.shape[-2:]) for f in factors]
    )
    sigma = aux.reshape(-1)
    random = np.random.default_rng([seed, STREAM])
    J, q, W = marginal.pattern.size, marginal.R.shape[1], marginal.T.shape[2]
    size = (marginal.count.size * q + 3 * W) * W + (4 * J + 4 * marginal.count.size) * q * (q + 1)
    step = max(1, CHUNK_NUMBERS // size)
    products = cross_products(marginal)
    parts = []
    for start in range(0, sigma.size, step):
        some = slice(start, min(start + step, sigma.size))
        noise = random.standard_normal((some.stop - start, noise_size(marginal)))
        parts.append(draw_effects(marginal, products, [L[some] for L in roots], sigma[some], noise))
    columns = np.concatenate([part[0] for part in parts])
    z = np.concatenate([part[1] for part in parts])

    P = model.population.shape[1]
    beta = model.geometry.beta_location + columns[:, :P] @ model.geometry.whitening.joint_scale.T
    terms, inside = model.geometry.terms, 0
    effect = np.zeros((sigma.size, sum(term.score.size for term in terms)))
    for at, term, start in zip(marginal.column, terms, model.geometry.start, strict=True):
        q, n = term.shape[0], term.score.size
        if at < 0:
            effect[:, start : start + n] = z[:, inside : inside + q].reshape(sigma.size, n)
            inside += q
        else:
            effect[:, start : start + n] = columns[:, at : at + n]
    return Sampled(
        beta=beta.reshape(*shape, P),
        sd=sd,
        factors=factors,
        effect=effect.reshape(*shape, effect.shape[1]),
        aux=aux,
    )


def effect_roots(model: Model, sd: Array, factors: Sequence[Array]) -> list[Array]:
    """Cholesky factors of the effects' covariances, a term each, shape (draws, q, q)."""
    out, given, k = [], iter(factors), 0
    for group in model.design.groups:
        q = group.Z.shape[1]
        root = sd[:, k : k + q, None] * np.eye(q)
        if group.correlated and q > 1:
            root = sd[:, k : k + q, None] * next(given)
        out.append(root)
        k += q
    return out


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
        From `effect_roots`.
    sigma : ndarray, shape (draws,)
    noise : ndarray, shape (draws, `noise_size`)

    Returns
    -------
    columns : ndarray, shape (draws, W)
        Whitened coefficients, and z-scores of the other factors' effects.
    z : ndarray, shape (draws, q, J)
        z-scores of the factor's own effects.

    Notes
    -----
    Given the columns c, a group's projected response is t = T c + R L z + e. With z* and e* from
    their priors, z* + (R L)' V^-1 (t - T c - R L z* - e*), V = sigma^2 I + R L L' R', is a draw
    of z given t (Bhattacharya, Chakraborty and Mallick 2016, Biometrika 103, 985-991).
    """
    S = sigma.size
    J, q = marginal.t.shape
    W = marginal.T.shape[2]
    inside = [L for L, at in zip(roots, marginal.column, strict=True) if at < 0]
    root = np.zeros((S, q, q))
    at = 0
    for L in inside:
        width = L.shape[1]
        root[:, at : at + width, at : at + width] = L
        at += width
    # R L, one entry of all patterns an array (S, K), and the inverse of each pattern's covariance.
    RL = np.einsum("kab,sbc->acsk", marginal.R, root)
    inverse = _inverse_covariances(RL, np.square(sigma))

    gram = _gram(products, inverse, W + 1) + marginal.residual / np.square(sigma)[:, None, None]
    scale = np.zeros((S, W + 1, W + 1))
    scale[:, np.arange(W + 1), np.arange(W + 1)] = 1.0
    others = False
    for L, start in zip(roots, marginal.column, strict=True):
        if start < 0:
            continue
        others, width = True, L.shape[1]
        n_levels = _levels_of(marginal, start, width)
        level = np.arange(n_levels)
        for i in range(width):
            for h in range(i + 1):
                rows, cols = start + i * n_levels + level, start + h * n_levels + level
                scale[:, rows, cols] = L[:, i, h, None]
    if others:
        gram = np.swapaxes(scale, 1, 2) @ gram @ scale
    gram += marginal.prior
    factor = np.linalg.cholesky(gram[:, :W, :W])
    # P^-1 h + C'^-1 noise = C'^-1 (C^-1 h + noise)
    half = np.linalg.solve(factor, gram[:, :W, W:])[:, :, 0] + noise[:, :W]
    columns = np.linalg.solve(np.swapaxes(factor, 1, 2), half[:, :, None])[:, :, 0]

    effects = columns
    if others:
        effects = np.einsum("sij,sj->si", scale[:, :W, :W], columns)
    mean = np.einsum("kaw,sw->ask", marginal.T, effects)
    z = noise[:, W : W + J * q].reshape(S, q, J)
    error = sigma[:, None, None] * noise[:, W + J * q :].reshape(S, q, J)
    RL, inverse = RL[..., marginal.pattern], inverse[..., marginal.pattern]  # (q, q, S, J)
    gap = marginal.t.T[:, None] - mean[..., marginal.pattern] - np.swapaxes(error, 0, 1)
    gap -= np.einsum("acsj,scj->asj", RL, z)
    z = z + np.einsum("acsj,asj->scj", RL, np.einsum("absj,bsj->asj", inverse, gap))
    return columns, z


def _levels_of(marginal: Marginal, start: int, width: int) -> int:
    """Levels of the term whose effects begin at a column."""
    after = [at for at in marginal.column if at > start]
    return (min(after, default=marginal.T.shape[2]) - start) // width


def _inverse_covariances(RL: Array, variance: Array) -> Array:
    """Return (variance I + R L L' R')^-1 of each draw and pattern, entries first: (q, q, S, K).

    By the Cholesky factor, whose every entry is one array operation over draws and patterns.
    """
    q = RL.shape[0]
    C = np.einsum("acsk,bcsk->absk", RL, RL)
    C[np.arange(q), np.arange(q)] += variance[:, None]
    D = np.zeros_like(C)
    for b in range(q):
        for c in range(b):
            C[b, b] -= np.square(C[b, c])
        C[b, b] = np.sqrt(C[b, b])
        for a in range(b + 1, q):
            for c in range(b):
                C[a, b] -= C[a, c] * C[b, c]
            C[a, b] /= C[b, b]
    for b in range(q):
        D[b, b] = 1 / C[b, b]
        for a in range(b + 1, q):
            D[a, b] = -np.einsum("csk,csk->sk", C[a, b:a], D[b:a, b]) / C[a, a]
    return np.einsum("cask,cbsk->absk", D, D)


def cross_products(marginal: Marginal) -> Array:
    """Cross-products of the projected columns, shape ((W + 1)(W + 2) / 2, q * q * K).

    Entries of the lower triangle by what the inverse covariances of the patterns weigh.
    """
    lower = np.tril_indices(marginal.residual.shape[0])
    products = np.einsum(
        "kai,kbi->iabk", marginal.projected[:, :, lower[0]], marginal.projected[:, :, lower[1]]
    )
    products[-1] += np.moveaxis(marginal.spread, 0, 2)
    return products.reshape(lower[0].size, -1)


def _gram(products: Array, inverse: Array, wide: int) -> Array:
    """Sum the cross-products, weighed by the inverse covariances, a matrix for each draw."""
    S = inverse.shape[2]
    entries = np.moveaxis(inverse, 2, 0).reshape(S, -1) @ products.T
    lower = np.tril_indices(wide)
    gram = np.empty((S, wide, wide))
    gram[:, lower[0], lower[1]] = entries
    gram[:, lower[1], lower[0]] = entries
    return gram
