"""Monotonic effects as PyTensor graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import add_priors
from winstan.families.namespace import pytensor_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model


def monotonic_factors(pm: Any, pt: Any, model: Model, free_aux: Any) -> list[Any]:
    """Return what each product multiplies columns of equal steps by, (B * C,) each.

    Priors and Jacobians of the simplexes' pieces are added as potentials.
    """
    simplexes = model.simplexes
    if simplexes is None:
        return []
    free, xp = free_aux[model.pieces], pytensor_namespace()
    add_priors(pm, "simplex_prior", simplexes.priors, xp.expit(free))
    pm.Potential("simplex_jacobian", (xp.log_expit(free) + xp.log_expit(-free)).sum())
    steps = np.tile(model.cells.steps, (model.cells.blocks, 1))
    heights, one = [], np.ones(1)
    for start, monotone in zip(simplexes.starts, simplexes.monotones, strict=True):
        own, D = free[start : start + monotone.n - 1], monotone.n
        below = 1 - pt.exp(pt.cumsum(xp.log_expit(-own)))  # of the simplex, below each category
        heights.append(pt.concatenate([one, below * (D / np.arange(1, D)), one]))
    out = []
    for product in simplexes.products:
        factor: Any = 1.0
        for v in product:
            factor = factor * heights[v][steps[:, v]]
        out.append(factor)
    return out


def curved_population(
    pm: Any, pt: Any, model: Model, sampled: Any, factors: Sequence[Any]
) -> tuple[Any, Any]:
    """Return coefficients, and what columns add beyond the simplexes that the coordinates are at.

    See `winstan.coordinates.monotonic`; `sampled` is what is in place of the coefficients, (P,).
    """
    total: Any = 0.0
    beta = sampled
    inside = (np.arange(len(model.cells.offset)) < model.cells.n).astype(float)
    for c, column in enumerate(model.curved):
        own, size = column.x * factors[column.product], 1.0
        b = column.constant if column.at is None else sampled[column.at]
        if column.scaled:
            size = pt.dot(column.slope, own)
            pm.Potential(f"curved_{c}", -pt.log(size))
        own = (own - column.center) / size - column.reference
        total = total + b * own
        if column.at is not None:
            beta = pt.inc_subtensor(beta[column.at], b / size - b)
        if column.mean.any():
            shift = b * pt.dot(column.mean, own)
            total, beta = total - shift * inside, pt.inc_subtensor(beta[0], -shift)
    return beta, total
