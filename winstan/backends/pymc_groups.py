"""Group terms as PyTensor graphs, in the coordinates of the model's coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import standard_normal
from winstan.coordinates import by_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.backends.pymc_correlation import Correlated
    from winstan.coordinates import TermCoordinates
    from winstan.model import Model


def group_effects(
    pm: Any,
    pt: Any,
    model: Model,
    beta: Any,
    sd: Any,
    factors: Sequence[Any],
    effect: Any,
    heights: Sequence[Any] = (),
    correlated: Correlated | None = None,
) -> Any:
    """Sum the group terms in each cell; their densities are added as potentials.

    The algebra is that of ``stan/include/model.stan``, and of `winstan.draws.canonical`;
    `heights` are from `winstan.backends.pymc_monotonic.monotonic_factors`; `correlated` is of
    effects of single rows.
    """
    coordinates, cells, simplexes = model.coordinates, model.cells, model.simplexes
    roots = model.stacked.roots(sd, factors, pt)
    total: Any = 0.0
    deviations: dict[int, Any] = {}
    for m in coordinates.order:
        term, root = coordinates.terms[m], roots[m]
        (q, J), t = term.shape, coordinates.start[m]
        x = effect[t : t + J * q].reshape((q, J))
        z, jacobian = x, 0.0
        if term.informed:
            shift = pt.dot(by_row(term.centring), beta - coordinates.beta_location).reshape((q, J))
            for outer in term.parents:
                shift = shift + pt.dot(outer.A, deviations[outer.term])[:, outer.level]
            for crossed in term.crossed:
                beside = pt.dot(crossed.A, deviations[crossed.term].ravel())
                shift = shift + beside.reshape((q, J))
            z, jacobian = _z_scores(pt, term, root, x, shift)
        white = z
        if correlated is not None and correlated.term == m:
            if term.informed:
                white, log_root = correlated.white(z[0])
                jacobian = jacobian - log_root
            else:
                z = correlated.colour(z[0])[None]
        pm.Potential(f"effects_{m}", standard_normal(pt, white) + jacobian)
        deviations[m] = pt.dot(root, z)
        for i in range(q):
            own = cells.Z[m][:, i] * deviations[m][i][cells.level[m]]
            product = -1 if simplexes is None else simplexes.effect_product[m][i]
            total = total + (own if product < 0 else own * heights[product])
    return total


def covary_by_sds(
    pm: Any, pt: Any, model: Model, joint: Any, sd: Any, factors: Sequence[Any]
) -> Any:
    """Let the first coordinates have the covariance that follows the effects'.

    See `winstan.coordinates.sd_dependent_covariance`.
    """
    by_sds = model.coordinates.sd_dependent_covariance
    if not by_sds.any:
        return joint
    roots, n = model.stacked.roots(sd, factors, pt), len(by_sds.base)
    total = by_sds.base
    for m, growth in by_sds.growth.items():
        covariance = pt.dot(roots[m], roots[m].T)
        total = total + (covariance[:, :, None, None] * growth).sum(axis=(0, 1))
    root = pt.linalg.cholesky(total)
    pm.Potential("sd_dependent_covariance", pt.log(pt.diag(root)).sum())
    return pt.concatenate([pt.dot(root, joint[:n]), joint[n:]])


def compensation(pt: Any, model: Model, effect: Any, sd: Any, factors: Sequence[Any]) -> Any:
    """Return what coefficients undo of crossed effects: see `winstan.coordinates.crossing`."""
    coordinates, moved = model.coordinates, 0.0
    roots = model.stacked.roots(sd, factors, pt)
    for m in coordinates.compensation.terms:
        term, t = coordinates.terms[m], coordinates.start[m]
        x = effect[t : t + term.score.size].reshape(term.shape)
        z, _ = _z_scores(pt, term, roots[m], x, np.zeros(term.shape))
        moved = moved - pt.dot(
            coordinates.compensation.regression[:, t : t + term.score.size],
            pt.dot(roots[m], z).ravel(),
        )
    return moved + coordinates.compensation.location


def _z_scores(pt: Any, term: TermCoordinates, root: Any, x: Any, shift: Any) -> tuple[Any, Any]:
    """z-scores of the effects at coordinates x, and the log determinant of their derivative."""
    q = term.shape[0]
    if q == 1:
        information = term.information[term.information_class, 0, 0]
        square = 1 + root[0, 0] ** 2 * information
        z = x / pt.sqrt(square) + root[0, 0] * (term.score - information * shift) / square
        return z, -0.5 * pt.log(square).sum()
    columns, jacobian = [], 0.0
    for k, information in enumerate(term.information):
        at = np.flatnonzero(term.information_class == k)
        own = pt.linalg.cholesky(np.eye(q) + pt.dot(root.T, pt.dot(information, root)))
        score = pt.dot(root.T, term.score[:, at] - pt.dot(information, shift[:, at]))
        forward = pt.linalg.solve_triangular(own, score, lower=True)
        columns.append(pt.linalg.solve_triangular(own, x[:, at] + forward, lower=True, trans=1))
        jacobian = jacobian - at.size * pt.log(pt.diag(own)).sum()
    back = np.argsort(np.argsort(term.information_class, kind="stable"), kind="stable")
    return pt.concatenate(columns, axis=1)[:, back], jacobian
