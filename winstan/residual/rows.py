"""Residuals of rows, draw by draw: drawn with their correlation, or given those of other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.residual.units import unit_rows

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm
    from winstan.residual.marginal import CorrelatedResiduals
    from winstan.residual.row_correlation import RowCorrelation
    from winstan.residual.structure import Structure


def given_others(
    residual: CorrelatedResiduals | RowCorrelation,
    correlations: Array,
    spread: Array,
    error: Array,
) -> tuple[Array, Array, Array]:
    """Return the mean and sd of each row's residual given all other rows of its unit.

    Parameters
    ----------
    residual
    correlations : ndarray, shape (S, *dims)
        Draws of the residual correlation, as reported.
    spread, error : ndarray, shape (S, N)
        Standard deviations of the rows, and their residuals.

    Returns
    -------
    mean, sd : ndarray, shape (S, N)
        Of normal residuals.
    square : ndarray, shape (S, N)
        The square form of the others.

    Notes
    -----
    With Q the precision, the mean is ``e_i - [Q e]_i / Q_ii``, the variance ``1 / Q_ii``
    (Sundararajan and Keerthi 2001, Neural Computation 13, 1103-1118; Buerkner, Gabry and Vehtari
    2021, Computational Statistics 36, 1243-1261).
    """
    e = error / spread
    precision, product, _ = _precisions(residual, correlations, e)
    square = np.maximum(_forms(residual, e * product)[:, residual.unit] - product**2 / precision, 0)
    return (e - product / precision) * spread, spread / np.sqrt(precision), square


def square_forms(
    residual: CorrelatedResiduals | RowCorrelation, correlations: Array, standard: Array
) -> tuple[Array, Array]:
    """Return each unit's ``e' C^-1 e``, (S, J), and the log determinants of all C together, (S,).

    Parameters
    ----------
    residual
    correlations : ndarray, shape (S, *dims)
    standard : ndarray, shape (S, N)
        Residuals e, in their sds.
    """
    _, product, log_det = _precisions(residual, correlations, standard)
    return _forms(residual, standard * product), log_det


def _forms(residual: CorrelatedResiduals | RowCorrelation, of_rows: Array) -> Array:
    """Add up over the rows of each unit, (S, N) to (S, J)."""
    out = np.zeros((len(of_rows), int(residual.unit.max()) + 1))
    np.add.at(out.T, residual.unit, of_rows.T)
    return out


def _precisions(
    residual: CorrelatedResiduals | RowCorrelation, correlations: Array, e: Array
) -> tuple[Array, Array, Array]:
    """Return the diagonal of Q = C^-1 and Q e, (S, N), and the log determinant of C, (S,)."""
    pairs, N = residual.pairs, e.shape[1]
    weights, log_det = residual.structure.weights_at(correlations)
    precision, product = np.zeros_like(e), np.zeros_like(e)
    of_rows = pairs.first < N
    same = of_rows & (pairs.first == pairs.second)
    np.add.at(precision.T, pairs.first[same], weights[:, pairs.weight[same]].T)
    product += precision * e
    beside = of_rows & ~same
    a, b, w = pairs.first[beside], pairs.second[beside], weights[:, pairs.weight[beside]]
    np.add.at(product.T, a, (w * e[:, b]).T)
    np.add.at(product.T, b, (w * e[:, a]).T)
    if not of_rows.all():  # sums over the rows of a unit
        of_unit = weights[:, pairs.weight[~of_rows]]
        unit = residual.unit
        total = np.zeros((len(e), of_unit.shape[1]))
        np.add.at(total.T, unit, e.T)
        product += (of_unit * total)[:, unit]
        precision += of_unit[:, unit]
    return precision, product, log_det


def draw_residuals(
    structure: Structure,
    term: ResidualTerm,
    correlations: Array,
    spread: Array,
    rng: np.random.Generator,
) -> Array:
    """Draw the residuals of all rows, those of a unit with their correlation, (S, N).

    Parameters
    ----------
    structure, term
    correlations : ndarray, shape (S, *dims)
    spread : ndarray, shape (S, N) or (S, 1)
    rng
    """
    units = unit_rows(term, structure.pattern_of)
    noise = rng.standard_normal((len(correlations), term.unit.size))
    return spread * structure.colour(correlations, units, noise)[:, units.back]


def root_of(C: Array) -> Array:
    """Return a root of covariances, (..., n, n), some of which rounding may have made singular."""
    values, vectors = np.linalg.eigh(C)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :])


def given_observed(
    structure: Structure,
    correlations: Array,
    seen: Array,
    new: Array,
    standard: Array,
) -> tuple[Array, Array]:
    """Return the mean of new rows' residuals given those of rows seen, in sds, and a root.

    Parameters
    ----------
    structure
    correlations : ndarray, shape (S, *dims)
    seen, new : ndarray, shapes (m,), (n,)
        Places in one unit.
    standard : ndarray, shape (S, m)
        Residuals of the rows that were seen, in their sds.

    Returns
    -------
    mean : ndarray, shape (S, n)
    root : ndarray, shape (S, n, n)
        Of the covariance of what is left.
    """
    near = _neighbours(structure, seen, new)
    seen, standard = seen[near], standard[:, near]
    own = structure.between(correlations, new, new)
    if not seen.size:
        return np.zeros((len(own), new.size)), root_of(own)
    across = structure.between(correlations, seen, new)
    solved = np.linalg.solve(structure.between(correlations, seen, seen), across)
    mean = np.einsum("smn,sm->sn", solved, standard)
    return mean, root_of(own - np.swapaxes(across, 1, 2) @ solved)


def _neighbours(structure: Structure, seen: Array, new: Array) -> np.ndarray:
    """Tell which of the rows seen the new ones depend on, given all the others."""
    if not structure.follows:
        return np.arange(seen.size)
    order = np.argsort(seen)
    at = np.searchsorted(seen[order], new)
    found = np.unique(np.concatenate([at[at > 0] - 1, at[at < seen.size]]))
    return order[found.astype(int)]
