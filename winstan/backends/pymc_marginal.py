"""The marginal likelihood of a gaussian model as a PyTensor graph, on winstan's cross-products.

Where the Stan template weighs products by inverse covariances, this solves by their Cholesky
factors: that the two agree guards both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.marginal import Marginal
    from winstan.model import Model


def add_marginal_likelihood(
    pm: Any,
    pt: Any,
    model: Model,
    marginal: Marginal,
    sd: Any,
    factors: Sequence[Any],
    sigma: Any,
) -> None:
    """Add the likelihood as a potential.

    Parameters
    ----------
    pm, pt
        The modules `pymc` and `pytensor.tensor`.
    model, marginal
    sd
        As they are sampled, shape (Q,).
    factors
        Cholesky factors of the correlations, of each correlated term.
    sigma
    """
    wide, q = marginal.residual.shape[0], marginal.R.shape[1]
    root, scale = _roots(pt, model, marginal, sd, factors)
    RL = pt.tensordot(marginal.R, root, axes=[[2], [0]])  # (K, q, q)
    # Last in each block: a root of the responses' spread, which has no other columns beside it.
    values, vectors = np.linalg.eigh(marginal.spread)
    spread = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    columns = np.concatenate([marginal.projected, spread], axis=2)

    # Row by row of all patterns' Cholesky factors, and of the columns solved by them.
    factor: list[list[Any]] = []
    solved: list[Any] = []
    log_density = marginal.log_constant - marginal.n_sigma * pt.log(sigma)
    for a in range(q):
        row: list[Any] = []
        left = pt.as_tensor(columns[:, a])
        for b in range(a + 1):
            entry = (RL[:, a] * RL[:, b]).sum(axis=1)
            for c in range(b):
                entry = entry - row[c] * factor[b][c] if b < a else entry - pt.sqr(row[c])
            if b < a:
                row.append(entry / factor[b][b])
                left = left - row[b][:, None] * solved[b]
            else:
                row.append(pt.sqrt(entry + pt.sqr(sigma)))
        factor.append(row)
        solved.append(left / row[a][:, None])
        log_density = log_density - (marginal.count * pt.log(row[a])).sum()

    gram = marginal.residual / pt.sqr(sigma)
    for part in solved:
        gram = gram + pt.dot(part[:, :wide].T, part[:, :wide])
        log_density = log_density - 0.5 * pt.sqr(part[:, wide:]).sum()
    if scale is not None:
        gram = pt.dot(scale.T, pt.dot(gram, scale))
    pivots = pt.diag(pt.linalg.cholesky(gram + marginal.prior))
    log_density = log_density - 0.5 * pt.sqr(pivots[-1]) - pt.log(pivots[:-1]).sum()
    pm.Potential("likelihood", log_density)


def _roots(
    pt: Any, model: Model, marginal: Marginal, sd: Any, factors: Sequence[Any]
) -> tuple[Any, Any]:
    """Root of the covariance of the factor's effects, and what turns columns into z-scores'."""
    q, wide = marginal.R.shape[1], marginal.residual.shape[0]
    inside, outside = pt.zeros((q, q)), pt.eye(wide)
    at, roots = 0, model.stacked.roots(sd, factors, pt)
    for group, column, own in zip(model.stacked.groups, marginal.column, roots, strict=True):
        width, J = group.q, group.n_levels
        if column < 0:
            inside = inside[at : at + width, at : at + width].set(own)
            at += width
        else:
            some = slice(column, column + width * J)
            outside = outside[some, some].set(pt.linalg.kron(own, pt.eye(J)))
    crossed = any(column >= 0 for column in marginal.column)
    return inside, outside if crossed else None
