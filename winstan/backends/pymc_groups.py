"""Group terms as PyTensor graphs, in the coordinates of the model's geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import standard_normal
from winstan.geometry import by_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model


def group_effects(
    pm: Any, pt: Any, model: Model, beta: Any, sd: Any, factors: Sequence[Any], effect: Any
) -> Any:
    """Sum the group terms in each cell; their densities are added as potentials.

    The algebra is that of ``stan/include/model.stan``, and of `winstan.draws.canonical`.
    """
    geometry, cells = model.geometry, model.cells
    roots = _roots(pt, model, sd, factors)
    total: Any = 0.0
    deviations: dict[int, Any] = {}
    widths = [term.basis.shape[0] for term in geometry.terms]
    sizes = [term.carried.shape[0] * term.carried.shape[1] for term in geometry.terms]
    for m in geometry.order:
        term, root, q = geometry.terms[m], roots[m], widths[m]
        J = term.carried.shape[1]
        c, k, t = term.centered, sum(widths[:m]), sum(sizes[:m])
        z = effect[t : t + J * q].reshape((q, J))
        jacobian: Any = 0.0
        if c:
            mean = pt.dot(by_row(term.carried[:c]), beta).reshape((c, J))
            for outer in term.outers:
                mean = mean + pt.dot(outer.A[:c], deviations[outer.term])[:, outer.level]
            scores = pt.linalg.solve_triangular(root[:c, :c], z[:c] - mean, lower=True)
            z = pt.concatenate([scores, z[c:]])
            jacobian = -J * pt.log(pt.diag(root)[:c]).sum()
        pm.Potential(f"effects_{m}", standard_normal(pt, z) + jacobian)
        deviations[m] = pt.dot(root, z)
        for i in range(q):
            total = total + geometry.Z[:, k + i] * deviations[m][i][cells.level[m]]
    return total


def _roots(pt: Any, model: Model, sd: Any, factors: Sequence[Any]) -> list[Any]:
    """Cholesky factor of each term's covariance, along its directions."""
    left = iter(factors)
    roots, k = [], 0
    for group, term in zip(model.design.groups, model.geometry.terms, strict=True):
        q = group.Z.shape[1]
        correlated = group.correlated and q > 1
        root = sd[k : k + q][:, None] * (next(left) if correlated else pt.eye(q))
        if np.any(term.basis != np.eye(q)):
            turned = pt.dot(np.linalg.inv(term.basis), root)
            root = pt.linalg.cholesky(pt.dot(turned, turned.T))
        roots.append(root)
        k += q
    return roots
