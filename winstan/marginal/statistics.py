"""What the marginal likelihood needs of the data: cross-products, group pattern by group pattern.

y = X b + Z u + e with e ~ N(0, sigma^2), u_j ~ N(0, S) for the groups j of one factor; X holds the
coefficients' columns and those of the other factors' effects. With an orthonormal basis of a
group's Z, Z_j = O_j R_j, the rows part into O_j'(X, y) =: (T_j, t_j), of covariance
sigma^2 I + R_j S R_j', and the rest, of covariance sigma^2 I. All that follows is a sum of squares
of either part, so that nothing cancels; y is measured from an approximate fit, so that neither does
its mean. Groups of equal (R, T) enter by their number, the mean of their t and its spread.

References
----------
Lindley and Smith (1972), JRSS B 34, 1-41; Bates, Maechler, Bolker and Walker (2015), Journal of
Statistical Software 67(1), for the algebra.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from winstan import priors as pr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coordinates import Coordinates
    from winstan.marginal.plan import Plan

# A direction of a group's effects with less than this share of the largest one's information has
# none but rounding.
NO_INFORMATION = 1e-11


@dataclass(frozen=True, slots=True)
class Marginal:
    """Statistics of a model whose coefficients and effects are integrated out.

    K patterns of groups with q effects each; W columns: P coefficients, decorrelated by the
    approximate posterior (`Decorrelation.remaining_scale`), and z-scores of the other factors'
    effects. The response, less the approximate fit, is the column after them.

    Attributes
    ----------
    factor : str
    column : tuple of int
        Per group term, the column of its first effect; -1 if it is on the factor.
    pattern : ndarray of int, shape (J,)
    count : ndarray, shape (K,)
        Groups of each pattern.
    R, T : ndarray, shapes (K, q, q), (K, q, W)
    t : ndarray, shape (J, q)
    projected : ndarray, shape (K, q, W + 1)
        (T, mean t) times the root of the count.
    spread : ndarray, shape (K, q, q)
        Sum of (t - mean t)(t - mean t)'.
    residual : ndarray, shape (W + 1, W + 1)
        Cross-product of what the groups' own columns leave.
    prior : ndarray, shape (W + 1, W + 1)
        Precision of the columns' prior, what it pulls to, and its quadratic form.
    n_sigma : float
        Rows less effects: the directions of variance sigma^2.
    log_constant : float
    """

    factor: str
    column: tuple[int, ...]
    pattern: np.ndarray
    count: Array
    R: Array
    T: Array
    t: Array
    projected: Array
    spread: Array
    residual: Array
    prior: Array
    n_sigma: float
    log_constant: float


def marginalise(
    plan: Plan,
    cells: Cells,
    population: Array,
    coordinates: Coordinates,
    coefficient_priors: Sequence[pr.Prior],
) -> Marginal:
    """Take the statistics.

    Parameters
    ----------
    plan
    cells
        With gaussian statistics.
    population : ndarray, shape (C, P)
    coordinates
        From which coefficients and response are measured.
    coefficient_priors
        `Normal` or `Flat`, P of them.
    """
    n = cells.statistics["n"]
    J = plan.pattern.size
    data, column = _columns(plan, cells, population, coordinates)
    inside = [Z for Z, within in zip(cells.Z, plan.inside, strict=True) if within]
    Z, turn = _well_conditioned(np.hstack(inside or [np.zeros((cells.n, 1))]), n)
    q, W = Z.shape[1], data.shape[1] - 1

    rows = np.arange(cells.n)
    by_group = sparse.csr_array(
        (
            (n[:, None] * Z).ravel(),
            ((plan.level[:, None] * q + np.arange(q)).ravel(), np.repeat(rows, q)),
        ),
        shape=(J * q, cells.n),
    )
    _, first = np.unique(plan.pattern, return_index=True)
    gram = np.stack(
        [
            np.bincount(plan.level, n * Z[:, a] * Z[:, b], J)[first]
            for a in range(q)
            for b in range(q)
        ],
        axis=1,
    ).reshape(-1, q, q)
    root, inverse_root = _roots(gram)  # O'(Z, data) = (root, inverse_root' Z'data)
    cross = np.asarray(by_group @ data).reshape(J, q, W + 1)
    T = np.swapaxes(inverse_root, 1, 2) @ cross[first, :, :W]
    t = np.einsum("jab,ja->jb", inverse_root[plan.pattern], cross[:, :, W])

    left = data.copy()
    explained = inverse_root @ T  # (K, q, W)
    of_cell = plan.pattern[plan.level]
    for a in range(q):
        left[:, :W] -= Z[:, a, None] * explained[of_cell, a]
        left[:, W] -= Z[:, a] * np.einsum("jb,jb->j", inverse_root[plan.pattern, a], t)[plan.level]
    residual = left.T @ (n[:, None] * left)
    residual[W, W] += cells.statistics["ss_within"].sum()

    count = np.bincount(plan.pattern).astype(float)
    mean = np.stack([np.bincount(plan.pattern, t[:, a]) for a in range(q)], axis=1) / count[:, None]
    gap = t - mean[plan.pattern]
    spread = np.stack(
        [np.bincount(plan.pattern, gap[:, a] * gap[:, b]) for a in range(q) for b in range(q)],
        axis=1,
    ).reshape(-1, q, q)
    prior, constant = prior_of_columns(
        coordinates.decorrelation.remaining_scale, coordinates.beta_location, coefficient_priors, W
    )
    size = float(n.sum())
    return Marginal(
        factor=plan.factor,
        column=column,
        pattern=plan.pattern,
        count=count,
        R=root @ turn,
        T=T,
        t=t,
        projected=np.sqrt(count)[:, None, None] * np.concatenate([T, mean[:, :, None]], axis=2),
        spread=spread,
        residual=residual,
        prior=prior,
        n_sigma=size - J * q,
        log_constant=(
            constant - 0.5 * size * np.log(2 * np.pi) + float(cells.statistics["log_constant"])
        ),
    )


def _columns(
    plan: Plan, cells: Cells, population: Array, coordinates: Coordinates
) -> tuple[Array, tuple[int, ...]]:
    """Coefficients' columns, those of the other factors' effects, and the response."""
    parts = [population @ coordinates.decorrelation.remaining_scale]
    column, at = [], population.shape[1]
    rows = np.arange(cells.n)
    for Z, level, J, within in zip(cells.Z, cells.level, plan.n_levels, plan.inside, strict=True):
        column.append(-1 if within else at)
        if within:
            continue
        for i in range(Z.shape[1]):
            effect = np.zeros((cells.n, J))
            effect[rows, level] = Z[:, i]
            parts.append(effect)
            at += J
    response = cells.statistics["mean_y"] - cells.offset - population @ coordinates.beta_location
    return np.column_stack([*parts, response]), tuple(column)


def _well_conditioned(Z: Array, n: Array) -> tuple[Array, Array]:
    """Turn the effects' columns into orthonormal ones: Z = turned @ turn."""
    weighted = np.sqrt(n)[:, None] * Z
    size = np.sqrt(np.square(weighted).sum(axis=0))
    size[size == 0] = 1.0
    _, values, turn = linalg.svd(weighted / size, full_matrices=False)
    q = Z.shape[1]
    if turn.shape[0] < q:  # fewer cells than effects
        return Z / size, np.diag(size)
    inverse = np.where(values > 1e-13 * values[0], 1 / np.maximum(values, 1e-300), 0.0)
    return (Z / size) @ (turn.T * inverse), values[:, None] * turn * size


def _roots(gram: Array) -> tuple[Array, Array]:
    """Return R with R'R = G, and its pseudo-inverse: empty directions are zero in both."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > NO_INFORMATION * np.maximum(values[:, -1:], 1e-300)
    length = np.sqrt(np.where(kept, values, 0.0))
    inverse = np.where(kept, 1 / np.where(kept, length, 1.0), 0.0)
    return (
        length[:, :, None] * np.swapaxes(vectors, 1, 2),
        vectors * inverse[:, None, :],
    )


def prior_of_columns(
    scale: Array, location: Array, priors: Sequence[pr.Prior], W: int
) -> tuple[Array, float]:
    """Quadratic form of the columns' prior about the approximate fit, and the constant beside it.

    Coefficients are ``location + scale c``; the other columns' are standard normal. A normal
    prior's 2 pi cancels that of the integral; a flat one leaves it.
    """
    P = len(priors)
    prior = np.eye(W + 1)
    flat = np.array([isinstance(p, pr.Flat) for p in priors], bool)
    mean = np.array([0.0 if isinstance(p, pr.Flat) else p.numbers[0] for p in priors])
    sd = np.array([np.inf if isinstance(p, pr.Flat) else p.numbers[1] for p in priors])
    scaled = scale / sd[:, None]
    deviation = np.where(flat, 0.0, (mean - location) / sd)
    prior[:P, :P] = scaled.T @ scaled
    prior[:P, W] = prior[W, :P] = scaled.T @ deviation
    prior[W, W] = deviation @ deviation
    constant = np.log(np.abs(np.diag(scale))).sum() - np.log(sd[~flat]).sum()
    return prior, float(constant + 0.5 * flat.sum() * np.log(2 * np.pi))
