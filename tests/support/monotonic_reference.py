"""Monotonic effects one row at a time, from the columns of the data and the definition of mo()."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from winstan.design import Design, Term
    from winstan.model import Model

CALL = re.compile(r"mo\((\w+)(?:, id='(\w+)')?\)")


def places(column: pd.Series) -> np.ndarray:
    """Places of a column's values: in their declared order, or from the lowest whole number."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.array([list(column.cat.categories).index(value) for value in column])
    return column.to_numpy() - column.min()


def columns_of(
    design: Design, term: Term, matrix: np.ndarray, values: dict[str, np.ndarray], row: int
) -> np.ndarray:
    """A term's columns in a row, those of equal steps taken to those of its simplexes."""
    own = matrix[row, list(term.columns)].astype(float)
    prefix = "" if design.parameter == "mu" else f"{design.parameter}_"
    for column, name in CALL.findall(term.name):
        simplex = values.get(f"{prefix}simo_{column}" + (f"_{name}" if name else ""))
        x = int(places(design.predictors[column])[row])
        if simplex is not None and x > 0:
            own *= len(simplex) * sum(simplex[:x]) / x
    return own


def simplexes_log_density(model: Model, values: dict[str, np.ndarray]) -> float:
    """Log density of the simplexes, by the pieces that are sampled: each of what is left."""
    lp = 0.0
    for variable in model.variables:
        if variable.role == "simplex":
            prior, shares = model.priors[variable.name], values[variable.name]
            alpha = np.broadcast_to(np.atleast_1d(prior.alpha), shares.shape)
            left = 1 - np.concatenate([[0.0], np.cumsum(shares)[:-2]])
            lp += stats.dirichlet.logpdf(shares / shares.sum(), alpha) + np.log(left).sum()
    return float(lp)


def bent(model: Model, beta: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients of what is sampled: their column's least-squares size, and its mean, apart."""
    out, log_slope = beta.copy(), 0.0
    if model.simplexes is None:
        return out, log_slope
    pieces, at = numbers[model.first_piece :], 0
    simplexes = []
    for alpha in model.simplexes.alpha:
        left, shares = 1.0, []
        for piece in pieces[at : at + len(alpha) - 1]:
            shares.append(left * piece)
            left -= shares[-1]
        simplexes.append([*shares, left])
        at += len(alpha) - 1
    weight = np.tile(model.cells.weight, model.cells.blocks)
    for column in model.curved:
        m = column.x.copy()
        for v in model.simplexes.products[column.product]:
            steps = np.tile(model.cells.steps[:, v], model.cells.blocks)
            for i, x in enumerate(steps):
                m[i] *= len(simplexes[v]) * sum(simplexes[v][:x]) / x if x else 1.0
        r = column.reference + column.center
        b = beta[column.at] if column.at is not None else column.constant
        size = weight * r @ m / (weight * r @ r) if column.scaled else 1.0
        added = b * ((m - column.center) / size - column.reference)
        if column.mean.any():
            inside = slice(0, model.cells.n)
            out[0] -= np.average(added[inside], weights=weight[inside])
        if column.at is not None:
            out[column.at] = b / size
            log_slope -= np.log(size)
    return out, float(log_slope)
