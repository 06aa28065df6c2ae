"""Counts that vary more than their family allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from winstan.guards.residuals import LEAST_FREE, some_rows

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model

# Pearson's chi-squared per degree of freedom from which intervals are a tenth too narrow.
RATIO = 1.2
# Chance of a false alarm.
LIKELIHOOD = 1e-3
# Degrees of freedom below which nothing is said.
FEWEST = 10.0
# Nodes of the average over a mean's own uncertainty.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


def check_dispersion(model: Model) -> str | None:
    """Say whether counts vary more about their means than binomial or Poisson ones do.

    Pearson's chi-squared of the rows about the means of the quick approximate fit, group effects
    included, against what the family has it be: each row counts by what the fit leaves free of it,
    and the sum's variance has the kurtosis of counts in it, which is large where they are few.
    Where zeros have a parameter of their own, it is of the rows above zero.

    Parameters
    ----------
    model
        Of any family; only binomial ones of several trials and Poisson ones, with zeros of their
        own or without, can have a finding, and none that has an effect of each row already.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.

    References
    ----------
    McCullagh and Nelder (1989), section 4.5; Harrison (2014, 2015), PeerJ 2:e616 and 3:e1114, of
    effects of single rows.
    """
    family = model.family
    n_rows = len(model.cells.sample.y)
    if any(len(group.levels) >= n_rows for group in model.design.groups):
        return None
    if family.above_zero is not None:
        return _finding(model, *_above_zero(model))
    return None if family.excess_kurtosis is None else _finding(model, *_of_all(model))


def _of_all(model: Model) -> tuple[Array, Array, Array, Array]:
    """Return Pearson's terms of rows, what is free of each, the terms' variances, and weights."""
    family, sample = model.family, model.cells.sample
    assert family.excess_kurtosis is not None
    rows = some_rows(model)
    size = np.ones(len(rows.row)) if sample.size is None else sample.size[rows.row]
    several = size > 1 if family.trials else size > 0
    rows, size = rows.where(several), size[several]
    mean, variance, leverage = of_cells(model, rows.cell)
    expected = size * mean
    some = expected > 0
    size, mean, variance, expected = size[some], mean[some], variance[some], expected[some]
    pearson = np.square(sample.y[rows.row][some] - expected) / (size * variance)
    free = 1 - np.minimum(size * leverage[some], 1)
    return pearson, free, 2 + family.excess_kurtosis(mean, size), rows.weight[some]


def _above_zero(model: Model) -> tuple[Array, Array, Array, Array]:
    """Return the same of the rows above zero: of these the law does not depend on others."""
    assert model.family.above_zero is not None
    rows = some_rows(model)
    rows = rows.where(model.cells.sample.y[rows.row] > 0)
    weights, means = means_of_cells(model, rows.cell)
    mean, variance, kurtosis = (
        np.tensordot(weights, part, 1) for part in model.family.above_zero(means)
    )
    pearson = np.square(model.cells.sample.y[rows.row] - mean) / variance
    # An exponential family: its mean's derivative by log mu is its variance
    eta = model.coordinates.eta[rows.cell]
    slope = model.link.inverse_derivative(eta) / model.link.inverse(eta)
    leverage = np.square(slope * model.coordinates.eta_sd[rows.cell]) * variance
    return pearson, 1 - np.minimum(leverage, 1), 2 + kurtosis, rows.weight


def _finding(model: Model, pearson: Array, free: Array, noise: Array, weight: Array) -> str | None:
    kept = free > LEAST_FREE
    pearson, free, noise, weight = pearson[kept], free[kept], noise[kept], weight[kept]
    degrees = float(weight @ free)
    if degrees < FEWEST:
        return None
    spread = float(weight @ (free * noise))  # residuals of two rows of a group are one number
    ratio = float(weight @ pearson) / degrees
    # A gamma variable of the sum's mean and variance
    shape = degrees**2 / spread
    if ratio < RATIO or stats.gamma.sf(ratio * shape, shape) >= LIKELIHOOD:
        return None
    return _words(model, ratio, int(np.count_nonzero(kept)))


def of_cells(model: Model, cell: np.ndarray) -> tuple[Array, Array, Array]:
    """Return each row's mean per trial or unit of exposure, its variance, and its leverage."""
    weights, means = means_of_cells(model, cell)
    mean = weights @ means
    assert model.family.variance is not None
    variance = model.family.variance(mean)
    slope = model.link.inverse_derivative(model.coordinates.eta[cell])
    return mean, variance, np.square(slope * model.coordinates.eta_sd[cell]) / variance


def means_of_cells(model: Model, cell: np.ndarray) -> tuple[Array, Array]:
    """Return what the means of rows may be, shape (7, n), and their weights: nodes of the fit."""
    eta, spread = model.coordinates.eta[cell], model.coordinates.eta_sd[cell]
    means = model.link.inverse(eta + _NODES[:, None] * spread)
    return _WEIGHTS / _WEIGHTS.sum(), np.asarray(means)


def _words(model: Model, ratio: float, n: int) -> str:
    family = model.family
    other = f', or family="{family.wider}"' if family.wider else ""
    which = "rows" if family.above_zero is None else "rows above zero"
    return (
        f"'{model.design.response.name}' varies more than {family.label} counts do: Pearson's "
        f"chi-squared is {ratio:.2f} per degree of freedom ({n:,} {which}), where 1 is what the "
        f"model allows. Intervals may be {np.sqrt(ratio):.1f} times too narrow. Give each row an "
        f"effect of its own, `(1|row)` with a column of row numbers{other}."
    )
