"""Correlated residuals as a PyTensor graph, on winstan's cross-products.

Where the Stan template takes inverses entry by entry, this solves by Cholesky factors of whole
matrices: that the two agree guards both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import add_priors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model
    from winstan.residual import CorrelatedResiduals
    from winstan.residual.structure import Structure


def add_correlated_likelihood(
    pm: Any,
    pt: Any,
    model: Model,
    residual: CorrelatedResiduals,
    sd: Any,
    factors: Sequence[Any],
    last: Any,
) -> None:
    """Add the likelihood, and the priors of spreads with a formula and of correlations.

    Parameters
    ----------
    pm, pt
        The modules `pymc` and `pytensor.tensor`.
    model, residual
    sd
        Of the group effects, shape (Q,).
    factors
        Cholesky factors of the correlations, of each correlated term.
    last
        Numbers of the spreads and of the correlation, shape (n,).
    """
    spreads, structure = residual.spreads, residual.structure
    own, numbers = last[: residual.n_spread], last[residual.n_spread :]
    if spreads.predicted:
        add_priors(pm, "spread_prior", spreads.priors, own)
    log_spread = spreads.offset + pt.dot(spreads.X, own)
    weight, log_determinant, log_prior = _WEIGHTS[structure.name](pt, structure, numbers)
    pm.Potential("residual_prior", log_prior)
    products = residual.products
    by = weight[products.weight_of] * pt.exp(
        -log_spread[products.kind_of] - log_spread[products.other_kind_of]
    )
    entries = products.matrix.tocoo()
    out = pt.zeros(products.matrix.shape[0])
    out = pt.inc_subtensor(out[entries.row], entries.data * by[entries.col])

    W = products.W
    gram = _symmetric(pt, out[: products.entries], W)
    log_density = residual.log_constant - pt.dot(spreads.rows, log_spread) - 0.5 * log_determinant
    if products.n_groups:
        taken, log_roots = _of_groups(pt, model, residual, sd, factors, out[products.entries :])
        gram = gram - taken
        log_density = log_density - log_roots
    gram = _scaled(pt, model, residual, sd, factors, gram) + residual.prior
    pivots = pt.diag(pt.linalg.cholesky(gram))
    pm.Potential("likelihood", log_density - 0.5 * pt.sqr(pivots[-1]) - pt.log(pivots[:-1]).sum())


def _symmetric(pt: Any, lower: Any, n: int) -> Any:
    """Fill a matrix from the entries of its lower triangle."""
    place = np.zeros((n, n), int)
    rows, columns = np.tril_indices(n)
    place[rows, columns] = place[columns, rows] = np.arange(rows.size)
    return lower[place]


def _of_groups(
    pt: Any,
    model: Model,
    residual: CorrelatedResiduals,
    sd: Any,
    factors: Sequence[Any],
    out: Any,
) -> tuple[Any, Any]:
    """Return what the groups' effects take, and the log determinants of their roots."""
    q, J, W = residual.products.width, residual.products.n_groups, residual.products.W
    root, at = pt.zeros((q, q)), 0
    for group, column in zip(model.stacked.groups, residual.column, strict=True):
        if column < 0:
            some = slice(at, at + group.q)
            root = root[some, some].set(group.root(model.stacked.column_sds(sd, pt), factors))
            at += group.q
    pairs = q * (q + 1) // 2
    place = np.zeros((q, q), int)
    rows, columns = np.tril_indices(q)
    place[rows, columns] = place[columns, rows] = np.arange(pairs)
    G = out[: pairs * J].reshape((pairs, J))[place]  # (q, q, J)
    H = out[pairs * J :].reshape((q, W, J))
    half = pt.tensordot(root.T, H, axes=[[1], [0]])  # L'H, (q, W, J)
    M = pt.tensordot(root.T, pt.tensordot(root.T, G, axes=[[1], [0]]), axes=[[1], [1]])
    # Row by row of all groups' Cholesky factors, and of the columns solved by them.
    factor: list[list[Any]] = []
    solved: list[Any] = []
    taken, log_roots = pt.zeros((W, W)), 0.0
    for a in range(q):
        row: list[Any] = []
        left = half[a]
        for b in range(a + 1):
            entry = M[a, b] + (1.0 if a == b else 0.0)
            for c in range(b):
                entry = entry - row[c] * (factor[b][c] if b < a else row[c])
            if b < a:
                row.append(entry / factor[b][b])
                left = left - row[b] * solved[b]
            else:
                row.append(pt.sqrt(entry))
        factor.append(row)
        solved.append(left / row[a])
        taken = taken + pt.dot(solved[a], solved[a].T)
        log_roots = log_roots + pt.log(row[a]).sum()
    return taken, log_roots


def _scaled(
    pt: Any,
    model: Model,
    residual: CorrelatedResiduals,
    sd: Any,
    factors: Sequence[Any],
    gram: Any,
) -> Any:
    """Turn the other factors' effects, among the columns, into z-scores."""
    if all(column < 0 for column in residual.column):
        return gram
    scale = pt.eye(residual.products.W)
    for group, column in zip(model.stacked.groups, residual.column, strict=True):
        if column >= 0:
            some = slice(column, column + group.size)
            own = group.root(model.stacked.column_sds(sd, pt), factors)
            scale = scale[some, some].set(pt.linalg.kron(own, pt.eye(group.n_levels)))
    return pt.dot(scale.T, pt.dot(gram, scale))


def log_slope_of_tanh(pt: Any, z: Any) -> Any:
    """Write log(1 - tanh(z)^2), without its rounding errors at large z."""
    return 2 * (np.log(2.0) - z - pt.softplus(-2 * z))


def ar(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any]:
    """Return the correlations of neighbours, by their gap, and the log prior."""
    phi = pt.tanh(numbers[0]) ** structure.gap
    return phi, structure.prior[0] * log_slope_of_tanh(pt, numbers[0])


def car(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any]:
    """Return the correlations of neighbours, by their gap, and the log prior."""
    a, b = structure.prior[:2]
    decay = pt.softplus(-numbers[0])
    log_rho = -decay / structure.time_unit
    log_prior = a * log_rho - pt.softplus(numbers[0])
    if b != 1:
        log_prior = log_prior + (b - 1) * pt.log(-pt.expm1(log_rho))
    return pt.exp(-decay * structure.gap), log_prior


def _ar(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any, Any]:
    phi, log_prior = ar(pt, structure, numbers)
    return *_neighbours(pt, structure, phi, 1 - pt.sqr(phi)), log_prior


def _car(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any, Any]:
    phi, log_prior = car(pt, structure, numbers)
    left = -pt.expm1(-2 * pt.softplus(-numbers[0]) * structure.gap)
    return *_neighbours(pt, structure, phi, left), log_prior


def _neighbours(pt: Any, structure: Structure, phi: Any, left: Any) -> tuple[Any, Any]:
    weight = pt.concatenate([pt.ones(1), 1 / left, -phi / left, pt.sqr(phi) / left])
    return weight, pt.dot(structure.pairs, pt.log(left))


def cs(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any]:
    """Return one less the correlation of all pairs, and the log prior."""
    a, b = structure.prior[:2]
    left = (1 - pt.sigmoid(numbers[0])) * structure.order / (structure.order - 1)
    return left, -a * pt.softplus(-numbers[0]) - b * pt.softplus(numbers[0])


def _cs(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any, Any]:
    left, log_prior = cs(pt, structure, numbers)
    whole = left + structure.gap * (1 - left)
    weight = pt.concatenate([(1 / left)[None], -(1 - left) / (left * whole)])
    log_determinant = pt.dot(structure.pairs, (structure.gap - 1) * pt.log(left) + pt.log(whole))
    return weight, log_determinant, log_prior


def _patterned(pt: Any, structure: Structure, C: Any) -> tuple[Any, Any]:
    parts, log_determinant = [], 0.0
    for own, units in zip(structure.patterns, structure.units, strict=True):
        root = pt.linalg.cholesky(C[own[:, None], own])
        solved = pt.linalg.solve_triangular(root, np.eye(own.size), lower=True)
        parts.append(pt.dot(solved.T, solved)[np.tril_indices(own.size)])
        log_determinant = log_determinant + 2 * units * pt.log(pt.diag(root)).sum()
    return pt.concatenate(parts), log_determinant


def toeplitz(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any]:
    """Return the matrix of all places by a correlation for each lag, and the log prior."""
    partial, left = pt.tanh(numbers), 1.0
    lags: list[Any] = []
    phi: list[Any] = []
    for k in range(structure.n_numbers):
        lags.append(partial[k] * left + sum(p * r for p, r in zip(phi, lags[::-1], strict=True)))
        phi = [p - partial[k] * r for p, r in zip(phi, phi[::-1], strict=True)] + [partial[k]]
        left = left * (1 - pt.sqr(partial[k]))
    whole = pt.stack([pt.as_tensor(1.0), *lags])
    at = np.arange(structure.order)
    powers = structure.prior[0] * np.arange(structure.order - 1, 0, -1)
    log_prior = pt.dot(powers, log_slope_of_tanh(pt, numbers))
    return whole[np.abs(at[:, None] - at)], log_prior


def unstructured(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any]:
    """Return the matrix of all places, and the log prior.

    Partial correlations z fill each row, each taking its share of what is left of it.
    """
    n, z, entry = structure.order, pt.tanh(numbers), 0
    rows, log_prior = [], 0.0
    for i in range(n):
        left: Any = pt.as_tensor(1.0)
        row = []
        for j in range(i):
            row.append(z[entry] * pt.sqrt(left))
            left = left - pt.sqr(row[j])
            power = structure.prior[0] + (n - 2 - j) / 2
            log_prior = log_prior + power * log_slope_of_tanh(pt, numbers[entry])
            entry += 1
        rows.append(pt.stack([*row, pt.sqrt(left), *[pt.as_tensor(0.0)] * (n - i - 1)]))
    root = pt.stack(rows)
    return pt.dot(root, root.T), log_prior


def _toep(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any, Any]:
    C, log_prior = toeplitz(pt, structure, numbers)
    return *_patterned(pt, structure, C), log_prior


def _unstr(pt: Any, structure: Structure, numbers: Any) -> tuple[Any, Any, Any]:
    C, log_prior = unstructured(pt, structure, numbers)
    return *_patterned(pt, structure, C), log_prior


_WEIGHTS = {"ar": _ar, "car": _car, "cs": _cs, "toep": _toep, "unstr": _unstr}
