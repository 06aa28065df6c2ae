"""Coefficients and group effects, drawn exactly given the variances and correlations sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.draws import Sampled
from winstan.residual.system import chunks, system

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.residual.marginal import CorrelatedResiduals

# Parts this stream of random numbers from the sampler's, which has the same seed.
STREAM = 1


def sampled_with_correlation(model: Model, raw: Mapping[str, Array], seed: int) -> Sampled:
    """Return the model's quantities at unconstrained coordinates; what was integrated is drawn.

    Parameters
    ----------
    model
        With `Model.residual`.
    raw
        Blocks of `winstan.unconstrained.coordinate_sizes`.
    seed
    """
    residual = model.residual
    assert residual is not None
    assert model.variances is not None
    at = model.variances.at(
        np.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]], axis=-1)
    )
    shape = at.shape[:-1]
    flat = at.reshape(-1, at.shape[-1])
    variances, spread, numbers = residual.parts(flat)
    roots = model.stacked.roots(variances.sd, variances.factors)
    random = np.random.default_rng([seed, STREAM])
    columns, z = [], []
    for some in chunks(residual, len(flat)):
        noise = random.standard_normal((some.stop - some.start, noise_size(residual)))
        one = draw_effects(residual, [L[some] for L in roots], spread[some], numbers[some], noise)
        columns.append(one[0])
        z.append(one[1])
    return _put_together(
        model,
        residual,
        shape,
        np.concatenate(columns),
        np.concatenate(z),
        spread,
        numbers,
        variances.sd,
        variances.factors,
    )


def _put_together(
    model: Model,
    residual: CorrelatedResiduals,
    shape: tuple[int, ...],
    columns: Array,
    z: Array,
    spread: Array,
    numbers: Array,
    sd: Array,
    factors: Sequence[Array],
) -> Sampled:
    S, P = len(columns), residual.mean_at.size
    beta = np.empty((S, P + residual.spread_at.size))
    beta[:, residual.mean_at] = residual.location + columns[:, :P] @ residual.scale.T
    aux = np.zeros((S, 0))
    if residual.spreads.predicted:
        beta[:, residual.spread_at] = spread
    else:
        aux = np.exp(spread)
    terms, inside = model.coordinates.terms, 0
    effect = np.zeros((S, sum(term.score.size for term in terms)))
    for at, term, start in zip(residual.column, terms, model.coordinates.start, strict=True):
        q, n = term.shape[0], term.score.size
        if at < 0:
            own = np.swapaxes(z[:, :, inside : inside + q], 1, 2)
            effect[:, start : start + n] = own.reshape(S, n)
            inside += q
        else:
            effect[:, start : start + n] = columns[:, at : at + n]
    structure = residual.structure
    correlations = structure.correlations(numbers)
    return Sampled(
        beta=beta.reshape(*shape, beta.shape[1]),
        sd=sd.reshape(*shape, sd.shape[1]),
        factors=[factor.reshape(*shape, *factor.shape[1:]) for factor in factors],
        effect=effect.reshape(*shape, effect.shape[1]),
        aux=aux.reshape(*shape, aux.shape[1]),
        residual={structure.name: correlations.reshape(*shape, *correlations.shape[1:])},
    )


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
    z : ndarray, shape (S, J, q)
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
        return columns, np.zeros((S, 0, 0))
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
    return columns, z
