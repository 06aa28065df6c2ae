"""Coordinates of what is sampled beside integrated coefficients: about the density's mode."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from winstan.marginal.importance_sampling import search
from winstan.marginal.monotone import MonotoneTransform
from winstan.marginal.variances import VarianceCoordinates
from winstan.residual.system import log_density

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.coordinates import Coordinates
    from winstan.residual.marginal import CorrelatedResiduals
    from winstan.tuning import Tuning

# Steps by which derivatives are taken: of logarithms and the like, all of order one.
STEP = 1e-3
# The widest that a coordinate may be where the density is flat about its mode.
WIDEST = 1.5
# Products that cost as much as a pattern of groups.
PRODUCTS_OF_A_PATTERN = 50


def adapt(
    model: CorrelatedResiduals, coordinates: Coordinates, tuning: Tuning
) -> VarianceCoordinates:
    """Find the coordinates: Laplace's about the mode, and better ones from there.

    Parameters
    ----------
    model
    coordinates
        Of the approximate fit of independent residuals.
    tuning
    """
    with np.errstate(all="ignore"):  # points far out have no weight
        mode = _mode(model, _first(model, coordinates))
        transform, root = _about(model, mode)
    found = VarianceCoordinates(model.terms, transform, root, converged=False)
    patterns = max(1, model.products.matrix.nnz // PRODUCTS_OF_A_PATTERN)
    return search(found, partial(log_density, model), patterns, tuning)


def _first(model: CorrelatedResiduals, coordinates: Coordinates) -> Array:
    """Return the coordinates, (D,), of the approximate fit."""
    log_sd = coordinates.log_sd_location + coordinates.log_sd_skew
    if model.spreads.predicted:
        spread = coordinates.beta_location[model.spread_at]
    else:
        spread = coordinates.aux_location[:1]
    of_terms = model.terms.coordinates(log_sd, coordinates.corr_location, 0.0)[:-1]
    return np.concatenate([of_terms, spread, model.structure.start(model.neighbours)])


def _mode(model: CorrelatedResiduals, start: Array) -> Array:
    """Find the density's mode, (D,), by L-BFGS with finite differences."""
    D = start.size
    steps = STEP * np.vstack([np.zeros(D), np.eye(D), -np.eye(D)])
    worst = log_density(model, start[None])[0]

    def falling(at: Array) -> tuple[float, Array]:
        values = log_density(model, at + steps)
        values = np.where(np.isfinite(values), values, worst - 1e6)
        return -values[0], -(values[1 : D + 1] - values[D + 1 :]) / (2 * STEP)

    bounds = [(x - 15, x + 15) for x in start]
    found = optimize.minimize(falling, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x)


def _about(model: CorrelatedResiduals, mode: Array) -> tuple[MonotoneTransform, Array]:
    """Find widths, and a root of the correlations, (D, D), by the curvature at the mode."""
    D = mode.size
    i, j = np.tril_indices(D)
    shift = 4 * STEP * np.eye(D)
    corners = [mode + a * shift[i] + b * shift[j] for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    value = log_density(model, np.vstack(corners)).reshape(4, i.size)
    second = (value[0] - value[1] - value[2] + value[3]) / (4 * (4 * STEP) ** 2)
    hessian = np.zeros((D, D))
    hessian[i, j] = hessian[j, i] = np.where(np.isfinite(second), -second, 0.0)
    values, vectors = np.linalg.eigh(hessian)
    covariance = (vectors / np.maximum(values, WIDEST**-2)) @ vectors.T
    scale = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(scale, scale))
    return MonotoneTransform.straight(mode, scale), root
