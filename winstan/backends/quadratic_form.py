"""The gaussian likelihood of many cells as a quadratic form in coefficients and effects.

With an identity link the sum of squares is quadratic in what is sampled, and its matrix as sparse
as the design: where cells are many, it costs far less than their linear predictors. It is taken
about the effects' estimates, so that nothing cancels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from winstan.families.links import Array
    from winstan.model import Model

# A cell costs the sampler as much as about six entries of the matrix.
CELLS_FROM = 500
ENTRIES_A_CELL = 4


def quadratic_form(model: Model) -> dict[str, Any] | None:
    """Return the sum of squares in deviations of coefficients and effects, or None if cells do.

    Returns
    -------
    dict or None
        ``ss`` at no deviation, ``slope`` (half the gradient's negative there, by place), ``gram``
        (the weighted cross-product of the design, sparse) and ``location`` of the effects.
    """
    cells, geometry = model.cells, model.geometry
    if model.family.template != "gaussian" or model.link.name != "identity" or cells.n < CELLS_FROM:
        return None
    P = model.population.shape[1]
    design = sparse.hstack([sparse.csr_array(model.population), *_effects(model)], format="csr")
    n = cells.statistics["n"]
    weighted = (design * n[:, None]).tocsr()
    gram = sparse.csr_array(design.T @ weighted)
    if gram.nnz > ENTRIES_A_CELL * cells.n:
        return None
    left = cells.statistics["mean_y"] - cells.offset - model.population @ geometry.beta_location
    location = _estimates(model, gram[P:, P:], (weighted.T @ left)[P:])
    left = left - design[:, P:] @ location
    return {
        "ss": float(cells.statistics["ss_within"] + n @ np.square(left)),
        "slope": weighted.T @ left,
        "gram": gram,
        "location": location,
    }


def _effects(model: Model) -> list[sparse.csr_array]:
    """Return the columns of the effects, in the order in which they are stored."""
    cells, geometry = model.cells, model.geometry
    row = np.arange(cells.n)
    return [
        sparse.csr_array(
            (cells.Z[m][:, i], (row, cells.level[m])), shape=(cells.n, geometry.terms[m].shape[1])
        )
        for m in np.argsort(geometry.start)
        for i in range(geometry.terms[m].shape[0])
    ]


def _estimates(model: Model, gram: sparse.csr_array, score: Array) -> Array:
    """Estimate the effects at the fit's coefficients and sds: to what digit does not matter."""
    geometry = model.geometry
    if not score.size:
        return score
    sd, k, precision = np.exp(geometry.log_sd_location + geometry.log_sd_bend), 0, {}
    sigma = np.exp(geometry.log_aux_location[0])
    for m, term in enumerate(geometry.terms):
        q, J = term.shape
        precision[geometry.start[m]] = np.repeat((sigma / sd[k : k + q]) ** 2, J)
        k += q
    penalty = np.concatenate([precision[at] for at in sorted(precision)])
    found, _ = sparse.linalg.cg(gram + sparse.diags_array(penalty), score, rtol=1e-6, maxiter=500)
    return np.asarray(found)
