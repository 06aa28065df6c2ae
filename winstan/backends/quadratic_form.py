"""The gaussian likelihood of many cells as a quadratic form in coefficients and effects.

With an identity link the sum of squares is quadratic in what is sampled, and its matrix is sparse
between effects, as the design is: where cells are many, it costs far less than their linear
predictors. It is taken about the effects' estimates, so that nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.approximation.columns import effect_columns
from winstan.cells import distinct

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticForm:
    """The sum of squares as a function of P coefficients' and T effects' deviations.

    It is ``ss - 2 slope @ d + d @ gram @ d`` with both in d, the effects in the order in which they
    are stored; coefficients deviate from `Coordinates.beta_location`.

    Attributes
    ----------
    ss : float
        At no deviation.
    coefficient_slope : ndarray, shape (P,)
    coefficient_gram : ndarray, shape (P, P)
    cross : ndarray, shape (T, P)
    location : ndarray, shape (T,)
        What the effects deviate from.
    slope : ndarray, shape (T,)
    gram : sparse array, shape (T, T)
    """

    ss: float
    coefficient_slope: Array
    coefficient_gram: Array
    cross: Array
    location: Array
    slope: Array
    gram: sparse.csr_array


def quadratic_form(model: Model) -> QuadraticForm | None:
    """Return the quadratic form, or None where the cells cost the sampler no more."""
    cells, coordinates, X = model.cells, model.coordinates, model.population
    integrable = model.family.conjugate and model.link.name == "identity" and cells.blocks == 1
    integrable = integrable and model.simplexes is None
    if not integrable or cells.n < model.tuning.form_cells:
        return None
    P, T = X.shape[1], sum(term.score.size for term in coordinates.terms)
    budget = model.tuning.form_entries * cells.n + P * distinct_rows(X)[1].size
    if budget < P * (P + T):
        return None
    stored = np.argsort(coordinates.start)
    Z = effect_columns(
        cells.n,
        [cells.Z[m] for m in stored],
        [cells.level[m] for m in stored],
        [coordinates.terms[m].shape[1] for m in stored],
    )
    n = cells.statistics["n"]
    gram = sparse.csr_array(Z.T.multiply(n) @ Z)
    if P * (P + T) + gram.nnz / 2 > budget:
        return None
    left = cells.statistics["mean_y"] - cells.offset - X @ coordinates.beta_location
    location = _estimates(model, gram, Z.T @ (n * left))
    left = left - Z @ location
    return QuadraticForm(
        ss=float(cells.statistics["ss_within"].sum() + n @ np.square(left)),
        coefficient_slope=X.T @ (n * left),
        # Column by column: no second design is held.
        coefficient_gram=np.array([X.T @ (n * x) for x in X.T]).reshape(P, P),
        cross=np.array([Z.T @ (n * x) for x in X.T]).reshape(P, T).T,
        location=location,
        slope=Z.T @ (n * left),
        gram=gram,
    )


def distinct_rows(X: Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each row among the distinct ones, and the first row of each.

    Where most are distinct, every row is its own.
    """
    C = len(X)
    row, first = distinct(X.T, C)
    if 2 * first.size > C:
        return np.arange(C), np.arange(C)
    return row, first


def _estimates(model: Model, gram: sparse.csr_array, score: Array) -> Array:
    """Estimate the effects at the fit's coefficients and sds: to what digit does not matter."""
    coordinates = model.coordinates
    if not score.size:
        return score
    own, precision = np.exp(coordinates.log_sd_location + coordinates.log_sd_skew), score * 0
    sd = model.stacked.column_sds(own)
    sigma = np.exp(coordinates.aux_location[0])
    for start, group in zip(coordinates.start, model.stacked.groups, strict=True):
        own = np.repeat((sigma / sd[group.columns]) ** 2, group.n_levels)
        precision[start : start + group.size] = own
    diagonal = gram.diagonal() + precision
    found, _ = sparse.linalg.cg(
        gram + sparse.diags_array(precision),
        score,
        rtol=1e-6,
        maxiter=500,
        M=sparse.diags_array(1 / diagonal),
    )
    return np.asarray(found)
