"""The matrices of the likelihood of correlated residuals, at draws of the variances.

With ``G = Z'R^-1 Z`` and ``H = Z'R^-1 (X, y)`` of a group, and L a root of its effects' covariance,
the effects' z-scores have the precision ``M = 1 + L' G L``. To integrate them out is to subtract
``H' L M^-1 L' H`` from the precision of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.correlations import partial_log_density

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from winstan._typing import Array
    from winstan.residual.marginal import CorrelatedResiduals


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """The matrices at S draws of the variances.

    Attributes
    ----------
    gram : ndarray, shape (S, W, W)
        The precision of the columns' coefficients, prior included and groups' effects integrated
        out; its last row has what gives their mean, and the response's sum of squares.
    M, taken : ndarray, shapes (S, J, q, q), (S, J, q, W)
        The precision of each group's z-scores, and ``L' H``.
    log_determinant : ndarray, shape (S,)
        That of all residuals' covariance.
    """

    gram: Array
    M: Array
    taken: Array
    log_determinant: Array

    def log_likelihood(self, log_constant: float) -> Array:
        """Log density of the response, shape (S,).

        Raises
        ------
        numpy.linalg.LinAlgError
            If rounding leaves a precision that is not positive definite.
        """
        out = log_constant - 0.5 * self.log_determinant
        if self.M.size:
            roots = np.diagonal(np.linalg.cholesky(self.M), axis1=-2, axis2=-1)
            out = out - np.log(roots).sum(axis=(1, 2))
        pivots = np.diagonal(np.linalg.cholesky(self.gram), axis1=1, axis2=2)
        return np.asarray(out - 0.5 * np.square(pivots[:, -1]) - np.log(pivots[:, :-1]).sum(axis=1))


def log_density(model: CorrelatedResiduals, at: Array) -> Array:
    """Return the log density at coordinates (S, D); minus infinity where there is none."""
    variances, spread, numbers = model.parts(at)
    out = model.spreads.log_prior(spread) + model.structure.log_prior(numbers)
    for k, prior in enumerate(model.sd_priors):
        sd = variances.sd[:, k]
        out = out + np.log(sd) + prior.log_density(sd)
    for partial, factor, eta in zip(variances.partial, variances.factors, model.lkj, strict=True):
        out = out + partial_log_density(partial, factor.shape[-1], eta)
    roots = model.stacked.roots(variances.sd, variances.factors)
    for some in chunks(model, len(at)):
        out[some] += log_likelihood(model, [L[some] for L in roots], spread[some], numbers[some])
    return np.where(np.isfinite(out), out, -np.inf)


def log_likelihood(
    model: CorrelatedResiduals, roots: Sequence[Array], spread: Array, numbers: Array
) -> Array:
    """Return it for all draws at once; where one has no Cholesky factor, half by half."""
    matrices = system(model, roots, spread, numbers)
    try:
        return matrices.log_likelihood(model.log_constant)
    except np.linalg.LinAlgError:
        if len(spread) == 1:
            return np.full(1, -np.inf)
    half = len(spread) // 2
    halves = slice(0, half), slice(half, None)
    return np.concatenate(
        [log_likelihood(model, [L[h] for L in roots], spread[h], numbers[h]) for h in halves]
    )


def system(
    model: CorrelatedResiduals, roots: Sequence[Array], spread: Array, numbers: Array
) -> System:
    """Put the matrices together.

    Parameters
    ----------
    model
    roots : sequence of ndarray, shape (S, q, q) each
        From `Stacked.roots`.
    spread : ndarray, shape (S, n_spread)
        Coefficients of the residuals' log sds.
    numbers : ndarray, shape (S, n_numbers)
        Those of the structure.
    """
    products, S = model.products, len(spread)
    weights, log_determinant = model.structure.weights(numbers)
    log_spread = model.spreads.log(spread)
    of_kinds = np.exp(-log_spread[:, products.kind_of] - log_spread[:, products.other_kind_of])
    gram, G, H = products.parts((weights[:, products.weight_of] * of_kinds).T)
    root = root_inside(model, roots)
    M = np.swapaxes(root, -1, -2)[:, None] @ G @ root[:, None] + np.eye(products.width)
    taken = np.swapaxes(root, -1, -2)[:, None] @ H
    if products.n_groups:
        solved = np.linalg.solve(M, taken)
        gram = gram - np.einsum("sjqw,sjqv->swv", taken, solved)
    for L, at, J in _columns(model, roots):
        wide = gram[:, :, at].reshape(S, -1, L.shape[1], J)
        gram[:, :, at] = np.einsum("swij,sih->swhj", wide, L).reshape(S, -1, L.shape[1] * J)
        long = gram[:, at].reshape(S, L.shape[1], J, -1)
        gram[:, at] = np.einsum("sijw,sih->shjw", long, L).reshape(S, L.shape[1] * J, -1)
    total = log_determinant + 2 * log_spread @ model.spreads.rows
    return System(gram + model.prior, M, taken, total)


def root_inside(model: CorrelatedResiduals, roots: Sequence[Array]) -> Array:
    """Return a root of the covariance of a group's effects that have no columns, (S, q, q)."""
    S, q, at = len(roots[0]) if roots else 1, model.products.width, 0
    out = np.zeros((S, q, q))
    for L, column in zip(roots, model.column, strict=True):
        if column < 0:
            out[:, at : at + L.shape[1], at : at + L.shape[1]] = L
            at += L.shape[1]
    return out


def _columns(
    model: CorrelatedResiduals, roots: Sequence[Array]
) -> Iterator[tuple[Array, slice, int]]:
    """Covariance root, columns and levels of each term that has columns."""
    groups = model.stacked.groups
    for L, start, group in zip(roots, model.column, groups, strict=True):
        if start >= 0:
            yield L, slice(start, start + group.size), group.n_levels


def chunks(model: CorrelatedResiduals, n: int, numbers: int = 2_000_000) -> Iterator[slice]:
    """Part n draws into pieces of bounded memory."""
    products = model.products
    each = sum(products.matrix.shape) + 4 * products.W**2 + 4 * products.width**2
    each += 3 * products.n_groups * products.width * (products.W + products.width)
    step = max(1, numbers // each)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
