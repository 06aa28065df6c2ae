"""More zeros than a family with a shape of its own gives: a score test of zeros in inflation.

Where there are no extra zeros, the derivative of a row's log density by their share zi is
1 / f(0) - 1 of a zero and -1 of any other. Its sum is held against its standard error, row by row,
of what the derivatives by the shape and by the mean do not explain of it: these were fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from winstan.guards.residuals import some_rows

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.guards.residuals import Rows
    from winstan.model import Model

# The logarithm of the shape, and what of it and of eta a derivative is taken by.
_SHAPES = (-5.0, 12.0)
_STEP = 1e-4


def zero_score(model: Model) -> tuple[Rows, float, float]:
    """Test whether there are more zeros than the family has, of a count with one shape.

    Parameters
    ----------
    model
        With one parameter beside the mean, positive.

    Returns
    -------
    rows : Rows
        That were looked at.
    expected : float
        Zeros among them, by the family.
    errors : float
        Standard errors that the score is above zero.

    References
    ----------
    Jansakul and Hinde (2008), Communications in Statistics: Simulation and Computation 38, 92-108:
    score tests for extra zeros in negative binomial models. Wooldridge (1990), Econometric Theory
    6, 17-43: the auxiliary regression.
    """
    rows = some_rows(model)
    y, eta = model.cells.sample.y[rows.row], model.coordinates.eta[rows.cell]
    of_rows = _Density(model, y, eta, rows)
    shape = of_rows.fitted()
    none = np.exp(of_rows.at(np.zeros_like(y), 0.0, shape))
    score = np.where(y == 0, 1 / np.maximum(none, 1e-300), 0.0) - 1
    by_shape = (of_rows.at(y, 0.0, shape + _STEP) - of_rows.at(y, 0.0, shape - _STEP)) / _STEP
    by_mean = (of_rows.at(y, _STEP, shape) - of_rows.at(y, -_STEP, shape)) / _STEP
    fitted = np.column_stack([by_shape, by_mean, by_mean[:, None] * model.cells.X[rows.cell]])
    root = np.sqrt(rows.weight)
    explained, *_ = np.linalg.lstsq(root[:, None] * fitted, root * score)
    left = score - fitted @ explained
    error = float(np.sqrt(rows.weight @ np.square(left)))
    return rows, float(rows.weight @ none), float(rows.weight @ left) / error if error else 0.0


class _Density:
    """Log densities of rows, by the logarithm of the shape and a shift of the linear predictor."""

    def __init__(self, model: Model, y: Array, eta: Array, rows: Rows) -> None:
        self._model, self._y, self._eta, self._weight = model, y, eta, rows.weight
        (self._name,) = model.family.auxiliary
        likelihood = model.likelihood
        self._own: Array | float = 0.0
        if likelihood.predicted:
            self._own = likelihood.block(model.coordinates.eta, 1)[rows.cell]
            self._eta = likelihood.block(model.coordinates.eta, 0)[rows.cell]

    def at(self, y: Array, shift: float, shape: float) -> Array:
        """Return them, shape (n,)."""
        aux = {self._name: np.exp(self._own + shape)}
        return self._model.family.log_densities(y, self._eta + shift, aux, self._model.link)

    def fitted(self) -> float:
        """Return the shape, or the shift of its formula, that the rows have at these means."""
        found = optimize.minimize_scalar(
            lambda shape: -float(self._weight @ self.at(self._y, 0.0, shape)),
            bounds=_SHAPES,
            method="bounded",
            options={"xatol": 1e-3},
        )
        return float(found.x)
