"""The marginal likelihood's matrices at many variances at once: for its density, and for draws.

Given the columns c, a group's projected response is ``t = T c + R L z + e``, of covariance
``V = sigma^2 I + R L L' R'`` about ``T c``. The columns' posterior needs one
cross-product of all groups, weighed by the inverses of these covariances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from winstan._typing import Array
    from winstan.marginal.statistics import Marginal


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """What S draws of the variances make of a model's cross-products.

    Attributes
    ----------
    RL : ndarray, shape (q, q, S, K)
        Of each pattern, entries first.
    inverse : ndarray, shape (q, q, S, K)
        V^-1.
    log_determinant : ndarray, shape (S,)
        Of V, summed over groups.
    gram : ndarray, shape (S, W + 1, W + 1)
        Precision of the columns, what it is multiplied with to give their mean, and the sum of
        squares; the prior's are part of them.
    """

    RL: Array
    inverse: Array
    log_determinant: Array
    gram: Array


def system(marginal: Marginal, products: Array, roots: Sequence[Array], sigma: Array) -> System:
    """Put the matrices together.

    Parameters
    ----------
    marginal
    products
        From `cross_products`.
    roots : sequence of ndarray, shape (S, q, q) each
        From `Design.roots`.
    sigma : ndarray, shape (S,)
    """
    S, q = sigma.size, marginal.R.shape[1]
    inside = [L for L, at in zip(roots, marginal.column, strict=True) if at < 0]
    root = np.zeros((S, q, q))
    at = 0
    for L in inside:
        width = L.shape[1]
        root[:, at : at + width, at : at + width] = L
        at += width
    # R L, one entry of all patterns an array (S, K), and the inverse of each pattern's covariance.
    RL = np.empty((q, q, S, marginal.count.size))
    for a, c in np.ndindex(q, q):
        RL[a, c] = root[:, :, c] @ marginal.R[:, a].T
    inverse, log_determinant = _inverse_covariances(RL, np.square(sigma))
    gram = _gram(products, inverse, marginal.residual.shape[0])
    gram += marginal.residual / np.square(sigma)[:, None, None]
    for L, columns, J in _other_factors(marginal, roots):  # D' gram D, D = L kron identity
        if _is_diagonal(L):
            sds = np.repeat(np.diagonal(L, axis1=1, axis2=2), J, axis=1)
            gram[:, :, columns] *= sds[:, None]
            gram[:, columns] *= sds[:, :, None]
            continue
        wide = gram[:, :, columns].reshape(S, -1, L.shape[1], J)
        gram[:, :, columns] = np.einsum("swij,sih->swhj", wide, L).reshape(S, -1, L.shape[1] * J)
        long = gram[:, columns].reshape(S, L.shape[1], J, -1)
        gram[:, columns] = np.einsum("sijw,sih->shjw", long, L).reshape(S, L.shape[1] * J, -1)
    return System(
        RL=RL,
        inverse=inverse,
        log_determinant=log_determinant @ marginal.count,
        gram=gram + marginal.prior,
    )


def scale_effects(marginal: Marginal, roots: Sequence[Array], columns: Array) -> Array:
    """Turn the other factors' z-scores, among the columns' coefficients (S, W), into effects."""
    out = columns.copy()
    for L, at, J in _other_factors(marginal, roots):
        z = columns[:, at].reshape(len(columns), L.shape[1], J)
        out[:, at] = (L @ z).reshape(len(columns), -1)
    return out


def log_likelihood(marginal: Marginal, matrices: System, sigma: Array) -> Array:
    """Log density of the response, coefficients and effects integrated out, shape (S,).

    Raises
    ------
    numpy.linalg.LinAlgError
        If rounding leaves a precision that is none.
    """
    pivots = np.diagonal(np.linalg.cholesky(matrices.gram), axis1=1, axis2=2)
    return (
        marginal.log_constant
        - marginal.n_sigma * np.log(sigma)
        - 0.5 * (matrices.log_determinant + np.square(pivots[:, -1]))
        - np.log(pivots[:, :-1]).sum(axis=1)
    )


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


def chunks(marginal: Marginal, n: int, numbers: int, *, drawn: bool) -> Iterator[slice]:
    """Part n draws into pieces of so many numbers; `drawn` with the groups' effects."""
    q, K, W = marginal.R.shape[1], marginal.count.size, marginal.residual.shape[0]
    groups = K + marginal.pattern.size if drawn else K
    step = max(1, numbers // ((K * q + 3 * W) * W + 4 * groups * q * (q + 1)))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _other_factors(
    marginal: Marginal, roots: Sequence[Array]
) -> Iterator[tuple[Array, slice, int]]:
    """Covariance root, columns and number of levels of each term that has columns."""
    for L, start in zip(roots, marginal.column, strict=True):
        if start >= 0:
            J = _levels_of(marginal, start, L.shape[1])
            yield L, slice(start, start + L.shape[1] * J), J


def _is_diagonal(L: Array) -> bool:
    """Whether all are diagonal, as those of uncorrelated effects, of which curves have many."""
    return not np.any(L[:, ~np.eye(L.shape[1], dtype=bool)])


def _levels_of(marginal: Marginal, start: int, width: int) -> int:
    """Levels of the term whose effects begin at a column."""
    after = [at for at in marginal.column if at > start]
    return (min(after, default=marginal.T.shape[2]) - start) // width


def _inverse_covariances(RL: Array, variance: Array) -> tuple[Array, Array]:
    """(variance I + R L L' R')^-1 of each draw and pattern, and log determinants, (S, K).

    By the Cholesky factor, whose every entry is one array operation over draws and patterns.
    """
    q = RL.shape[0]
    C, out = np.zeros_like(RL), np.empty_like(RL)
    for a, b in _lower(q):
        C[a, b] = _along(RL[a], RL[b])
    C[np.arange(q), np.arange(q)] += variance[:, None]
    for b in range(q):
        C[b, b] = np.sqrt(C[b, b] - _along(C[b, :b], C[b, :b]))
        for a in range(b + 1, q):
            C[a, b] = (C[a, b] - _along(C[a, :b], C[b, :b])) / C[b, b]
    D = _lower_inverse(C)
    for a, b in _lower(q):
        out[a, b] = out[b, a] = _along(D[a:, a], D[a:, b])
    return out, 2 * np.log(C[np.arange(q), np.arange(q)]).sum(axis=0)


def _lower(q: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(q) for b in range(a + 1)]


def _along(first: Array, second: Array) -> Array:
    """Sum products over the first axis: (n, S, K) twice to (S, K)."""
    return np.asarray(np.einsum("csk,csk->sk", first, second))


def _lower_inverse(C: Array) -> Array:
    """Invert lower triangular matrices, entries first."""
    D = np.zeros_like(C)
    for b in range(len(C)):
        D[b, b] = 1 / C[b, b]
        for a in range(b + 1, len(C)):
            D[a, b] = -_along(C[a, b:a], D[b:a, b]) / C[a, a]
    return D


def _gram(products: Array, inverse: Array, wide: int) -> Array:
    """Sum the cross-products, weighed by the inverse covariances, a matrix for each draw."""
    S = inverse.shape[2]
    entries = np.moveaxis(inverse, 2, 0).reshape(S, -1) @ products.T
    place, lower = np.empty((wide, wide), dtype=np.intp), np.tril_indices(wide)
    place[lower] = place[lower[::-1]] = np.arange(lower[0].size)
    return entries[:, place.ravel()].reshape(S, wide, wide)
