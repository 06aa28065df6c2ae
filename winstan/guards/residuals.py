"""Residuals of the rows by the quick approximate fit, before anything is sampled.

An effect that is estimated from the rows follows them, so that residuals are smaller than the
noise: of a row of leverage h the variance is (1 - h) sigma^2. That holds with shrunk group effects
too, h being the posterior variance of the row's linear predictor over sigma^2 (the hat matrix of a
mixed model's fitted values: Demidenko 2013, Mixed Models, section 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model

# Rows looked at: enough for any difference of spread that matters, at a cost that is the same for
# millions.
SAMPLE = 50_000
# Rows that are all but fitted exactly say nothing of the noise.
LEAST_FREE = 0.05
# Rows per cell, on average, from which the cells' own means are the fit: nothing that the formula
# leaves out is then taken for noise.
FULL_CELLS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of data, of n.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        The data rows.
    cell : ndarray of int, shape (n,)
        Their cells.
    weight : ndarray, shape (n,)
        Their frequency weights.
    """

    row: np.ndarray
    cell: np.ndarray
    weight: Array

    def where(self, kept: np.ndarray) -> Rows:
        """Return those of a mask."""
        return Rows(self.row[kept], self.cell[kept], self.weight[kept])


def some_rows(model: Model) -> Rows:
    """Return all rows, or of many a random choice."""
    n = len(model.cells.of_row)
    row = np.arange(n)
    if n > SAMPLE:
        row = np.unique(np.random.default_rng(0).integers(n, size=SAMPLE))
    weights = model.cells.sample.weight
    weight = np.ones(len(row)) if weights is None else weights[row]
    return Rows(row, model.cells.of_row[row], weight)


def residuals(model: Model) -> tuple[Rows, Array, Array]:
    """Return residuals of a family whose noise has one scale (`Family.noise`).

    Returns
    -------
    rows : Rows
        n rows, without those that the model fits all but exactly.
    residual : ndarray, shape (n,)
        Of log y where the family is lognormal; in sds of each row where these have a formula.
    free : ndarray, shape (n,)
        1 - h: the variance of each residual over that of the noise.
    """
    rows = some_rows(model)
    y = model.cells.sample.y
    y = np.log(y[rows.row]) if model.family.log_response else y[rows.row]
    if model.cells.weight.sum() >= FULL_CELLS * model.cells.n:
        mean, size = _cell_means(model)
        residual, free = y - mean[rows.cell], 1 - 1 / size[rows.cell]
    else:
        eta, spread = model.coordinates.eta[rows.cell], model.coordinates.eta_sd[rows.cell]
        slope = model.link.inverse_derivative(eta)
        sigma = noise_of_rows(model, rows)
        leverage = np.square(slope * spread / sigma)
        residual = y - model.link.inverse(eta)
        free = 1 - np.minimum(leverage, 1)
    if model.family.noise in model.likelihood.predicted:
        residual = residual / noise_of_rows(model, rows)
    kept = free > LEAST_FREE
    return rows.where(kept), residual[kept], free[kept]


def on_a_line(model: Model) -> bool:
    """Whether responses are real numbers with one kind of noise about a mean without offset."""
    family = model.family
    real = family.kind == "real" and family.noise is not None and model.link.name == "identity"
    return real and not np.ptp(model.design.offset)


def noise_of_rows(model: Model, rows: Rows) -> Any:
    """Return the noise's scale in the approximate fit: a number, or one for each row."""
    likelihood, name = model.likelihood, str(model.family.noise)
    if name in likelihood.predicted:
        b = likelihood.predicted.index(name) + 1
        return likelihood.links[b].inverse(likelihood.block(model.coordinates.eta, b)[rows.cell])
    numbers = [number.name for number in likelihood.scalars]
    return np.exp(model.coordinates.aux_location[numbers.index(name)])


def _cell_means(model: Model) -> tuple[Array, Array]:
    """Mean response and number of rows of each cell, of all rows."""
    cells = model.cells
    if "mean_y" in cells.statistics:
        return cells.statistics["mean_y"], cells.weight
    centre = float(np.average(cells.sample.y, weights=cells.sample.weight))
    weighted = cells.sample.weighted(cells.sample.y - centre)
    total = sum_by(cells.of_row, weighted, cells.n)
    return centre + total / np.maximum(cells.weight, 1e-300), cells.weight
