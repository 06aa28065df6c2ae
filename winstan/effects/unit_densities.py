"""Log densities of rows whose residuals are correlated: each given the others, and of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.effects.means import auxiliary, linear_predictor, n_draws_of, rows_of
from winstan.residual.rows import given_others, square_forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.residual import CorrelatedResiduals, RowCorrelation

LOG_TWO_PI = float(np.log(2 * np.pi))


def densities_given_others(
    model: Model, posterior: Mapping[str, Array], residual: CorrelatedResiduals | RowCorrelation
) -> tuple[np.ndarray, Iterator[tuple[slice, Array]]]:
    """Evaluate the log density of each row given the other rows of its unit.

    Returns
    -------
    number : ndarray of int, shape (N,)
        The place of each row in the blocks, which go unit by unit.
    blocks : iterator of (slice, ndarray)
        As of `winstan.effects.pointwise.Pointwise`.
    """
    row, name = model.design.row, residual.structure.name
    order = np.argsort(residual.unit, kind="stable")
    ends = np.cumsum(np.bincount(residual.unit))
    number = np.empty(row.size, int)
    number[order] = np.arange(row.size)

    def blocks() -> Iterator[tuple[slice, Array]]:
        out = np.empty((n_draws_of(posterior), row.size))
        size = np.bincount(residual.unit)[residual.unit]
        for some, error, spread, log_slope in _errors(model, posterior):
            mean, sd, others = given_others(residual, posterior[name][some], spread, error)
            whole = others + np.square((error - mean) / sd)
            own = _log_density(model, posterior, some, whole, size)
            own = own - _log_density(model, posterior, some, others, size - 1)
            out[some] = own - np.log(sd) + log_slope
        ordered, first = out[:, order], 0
        for last in ends:
            yield slice(first, int(last)), ordered[:, first:last]
            first = int(last)

    return number, blocks()


def density_of_units(
    model: Model, posterior: Mapping[str, Array], residual: CorrelatedResiduals | RowCorrelation
) -> Array:
    """Evaluate the joint log density of all rows, shape (S,)."""
    name, size = residual.structure.name, np.bincount(residual.unit)
    out = np.empty(n_draws_of(posterior))
    for some, error, spread, log_slope in _errors(model, posterior):
        forms, log_det = square_forms(residual, posterior[name][some], error / spread)
        own = _log_density(model, posterior, some, forms, size).sum(axis=1)
        out[some] = own - 0.5 * log_det - np.log(spread).sum(axis=1) + log_slope.sum()
    return out


def _log_density(
    model: Model, posterior: Mapping[str, Array], some: slice, square: Array, n: np.ndarray
) -> Array:
    """Log density of n rows of a unit by their square form, but for their determinant."""
    if model.family.elliptical is None:
        return -0.5 * (n * LOG_TWO_PI + square)
    numbers = [p.name for p in model.likelihood.reported]
    aux = {name: posterior[name][some, None] for name in numbers}
    return np.asarray(model.family.elliptical.log_density(square, n, aux))


def _errors(
    model: Model, posterior: Mapping[str, Array]
) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Give residuals and their sds for some draws at a time, (S, N), and dz / dy of z = log y."""
    design = model.design
    rows, row = rows_of(design, beside=True), design.row
    y, log_slope = design.response.y.astype(float), np.zeros(row.size)
    if model.family.log_response:
        y = np.log(y)
        log_slope = -y
    eta = np.hstack([part for _, part in linear_predictor(model, posterior, rows)])
    sigma = auxiliary(model, posterior, rows)[str(model.family.noise)]
    n, size = n_draws_of(posterior), max(1, model.tuning.chunk * 20 // row.size)
    for start in range(0, n, size):
        some = slice(start, min(start + size, n))
        spread = sigma[some] if sigma.shape[1] == 1 else sigma[some][:, row]
        error = y - model.link.inverse(eta[some] + rows.offset)[:, row]
        yield some, error, np.broadcast_to(spread, error.shape), log_slope
