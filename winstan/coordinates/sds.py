"""Coordinates for the group sds, in which their posterior is about normal.

The approximate fit gives the effects' mean and covariance at the sd that it ended at. Dividing by
the prior leaves what the data alone say of them (their cavity), and this gives the sd's posterior
density: a sum over groups where they are many, or over contrasts of few groups, whose common mean
the Intercept may undo. It is flattened where fits at other sds show less information. On the log
scale it has a long tail towards zero where few or poorly informed groups leave zero possible, and
none to the other side; a hyperbola,
``log sd = location + scale x + skew sqrt(1 + x^2)``, has one slope for either side, and is laid
through the quantiles at which a standard normal has x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.approximation.problem import Problem
    from winstan.design.column_sds import ColumnSds

# Normal scores at which the quantiles are met, about equally well.
SCORES = np.linspace(-2.0, 2.0, 9)
# The hyperbola's slopes are scale - skew and scale + skew: neither may come near zero.
SKEW_UP_TO = 0.9
# What the observed information on an sd is taken to be, as a share of that of normal likelihoods.
SHARES = 0.2, 1.0
# Units of log sd, for the latter's second difference.
STEP = 0.1
# Correlations of log sds that are left alone.
APART = 0.2
# log sd is looked for this far from the approximate fit's, whose own steps end early near zero.
BELOW, ABOVE = 8.0, 4.0
# Quantiles are of the density's bulk: beyond exp(-LEFT_OUT) of its peak nothing is counted.
LEFT_OUT = 14.0
GRID = 200
# Levels up to which effects are taken together.
TOGETHER_UP_TO = 30
# Of a prior's variance, what is left where the data are as good as silent.
SILENT = 0.999
# And of the axis that is known best, which rounding may leave below zero.
LEAST = 1e-30


def sd_coordinates(
    problem: Problem, fit: Approximation, informed: Sequence[bool]
) -> tuple[Array, Array, Array]:
    """Find location, scale and skew of each sd's coordinate.

    Parameters
    ----------
    problem
    fit
    informed : sequence of bool
        By term, whether its effects' coordinates have what the data say of them. Beside z-scores an
        sd is less well known: effects are taken one by one.

    Returns
    -------
    location, scale, skew : ndarray, shape (Q,) each
    """
    out = []
    known = np.reciprocal(np.diag(_covariance(fit)))
    columns, cavities = problem.column_sds, _cavities(problem, fit, informed)
    for k, own in enumerate(fit.sd):
        parts = np.flatnonzero((columns.of == k) | (columns.length == k))
        middle = float(np.log(own))
        information, score = (np.concatenate([cavities[c][part] for c in parts]) for part in (0, 1))
        size = np.array([cavities[c][0].size for c in parts])
        likelihood = _log_likelihood(information, score, _log_sds(columns, fit.sd, k, parts, size))
        if fit.sensitivities:
            likelihood = _flattened(likelihood, middle, known[k])
        density = _log_posterior(likelihood, problem.sd_prior[k].log_density)
        out.append(_hyperbola(_quantiles(density, middle)))
    location, scale, skew = np.array(out).reshape(-1, 3).T
    return location, scale, skew


def _cavities(
    problem: Problem, fit: Approximation, informed: Sequence[bool]
) -> list[tuple[Array, Array]]:
    """Return what the data say of the effects of each column: see `_cavity`."""
    out, at = [], 0
    for S, J, known_together in zip(fit.effect_covariance, problem.n_levels, informed, strict=True):
        together = known_together and J <= TOGETHER_UP_TO
        for variance in np.diag(S):
            out.append(_cavity(fit, at, J, float(variance), together=together))
            at += J
    return out


def _log_sds(
    columns: ColumnSds, sd: Array, k: int, parts: np.ndarray, size: np.ndarray
) -> Callable[[Array], Array]:
    """Return the log sds of effects, (..., n), by the logarithm of the k-th number."""
    if columns.plain:
        return lambda at: at[:, None]

    def log_sds(at: Array) -> Array:
        numbers = np.tile(sd, (len(at), 1))
        numbers[:, k] = np.exp(at)
        return np.repeat(np.log(np.maximum(columns(numbers)[:, parts], 1e-100)), size, axis=1)

    return log_sds


def sd_correlation_root(fit: Approximation) -> Array:
    """Return what mixes uncorrelated coordinates of the sds: lower triangular, rows of length one.

    Of broods that lie in locations the data know the sum of both variances: what is not of the one
    is of the other.
    """
    covariance = _covariance(fit)
    width = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(width, width)
    if np.abs(correlation - np.eye(len(width))).max(initial=0.0) < APART:
        return np.eye(len(width))
    return np.linalg.cholesky(correlation)


def _covariance(fit: Approximation) -> Array:
    """Covariance of the log sds, the likelihoods' sensitivities being linear; else the identity."""
    if not fit.sensitivities:
        return np.eye(fit.sd.size)
    information = np.array([sensitivity.information for sensitivity in fit.sensitivities])
    along, axes = np.linalg.eigh((information + information.T) / 2)
    # Of what the data leave open, or have no maximum of, the prior says something: a unit of log
    return (axes / np.where(along > 1.0, along, 1.0)) @ axes.T


def _cavity(
    fit: Approximation, at: int, J: int, variance: float, *, together: bool
) -> tuple[Array, Array]:
    """Return what the data say of J effects, along axes on which they say it independently.

    Parameters
    ----------
    fit
    at
        Where the effects start among all.
    J
    variance
        Of the effects, at the fit.
    together
        Whether along the axes of their covariance, or one by one.

    Returns
    -------
    information, score : ndarray, shape (J,) each
        At effects of zero.
    """
    mean, left = fit.u[at : at + J], fit.u_variance[at : at + J]
    if fit.factor is None or not together:
        left = np.minimum(left / variance, SILENT)  # a group without data says nothing
        return (1 - left) / (variance * left), mean / (variance * left)
    covariance = fit.factor.of_effects(len(fit.beta), at, J)
    left, axes = np.linalg.eigh(covariance)
    left = np.maximum(left / variance, LEAST)
    informed = left < SILENT
    left = np.where(informed, left, 1.0)
    score = (axes.T @ mean) / (variance * left)
    return (1 - left) / (variance * left), np.where(informed, score, 0.0)


def _log_likelihood(
    information: Array, score: Array, log_sds: Callable[[Array], Array]
) -> Callable[[Array], Array]:
    """Return the log likelihood of log sd, but for a constant.

    Parameters
    ----------
    information, score : ndarray, shape (J,)
        Of the data, on each effect: see `_cavity`.
    log_sds : callable
        The effects' log sds, shape (n, J) or (n, 1), by its values, shape (n,).
    """
    # Without what is the same at any sd: where all is known, nothing but rounding would be left.
    informed = information > 0
    misfit = np.where(informed, np.square(score) / np.where(informed, information, 1.0), 0.0)

    def likelihood(log_sd: Array) -> Array:
        known = 1 + np.exp(2 * log_sds(log_sd)) * information
        misses: Array = (misfit / known + np.log(known)).sum(axis=1)
        return -0.5 * misses

    return likelihood


def _flattened(
    likelihood: Callable[[Array], Array], log_sd: float, observed: float
) -> Callable[[Array], Array]:
    """Take that share of its curvature that is observed, the slope at `log_sd` being what it is."""
    low, middle, high = likelihood(log_sd + STEP * np.array([-1.0, 0.0, 1.0]))
    own = (2 * middle - low - high) / STEP**2
    share = np.clip(observed / own, *SHARES) if own > 0 else 1.0
    kept = (1 - share) * (high - low) / (2 * STEP)

    def flattened(at: Array) -> Array:
        return share * likelihood(at) + kept * (at - log_sd)

    return flattened


def _log_posterior(
    likelihood: Callable[[Array], Array], log_prior: Callable[[Array], Array]
) -> Callable[[Array], Array]:
    """Return the log density of log sd, but for a constant; `log_prior` is the sd's."""

    def density(log_sd: Array) -> Array:
        return likelihood(log_sd) + log_prior(np.exp(log_sd)) + log_sd

    return density


def _quantiles(density: Callable[[Array], Array], middle: float) -> Array:
    """Quantiles of log sd at which a standard normal has `SCORES`."""
    grid = np.linspace(middle - BELOW, middle + ABOVE, GRID)
    for _ in range(2):  # the second time where the density is
        value = density(grid)
        bulk = grid[value >= value.max() - LEFT_OUT]  # its peak, if nothing else
        step = grid[1] - grid[0]
        grid = np.linspace(bulk[0] - step, bulk[-1] + step, GRID)
    value = density(grid)
    mass = np.exp(value - value.max())
    below = np.cumsum(mass) - 0.5 * mass
    return np.asarray(np.interp(special.ndtr(SCORES) * mass.sum(), below, grid))


def _hyperbola(log_sd: Array) -> tuple[float, float, float]:
    """Lay ``location + scale x + skew sqrt(1 + x^2)`` through quantiles, by least squares."""
    h = np.sqrt(1 + np.square(SCORES))
    location, scale, skew = np.linalg.lstsq(
        np.column_stack([np.ones_like(SCORES), SCORES, h]), log_sd, rcond=None
    )[0]
    if abs(skew) > SKEW_UP_TO * scale:
        share = SKEW_UP_TO * np.sign(skew)
        location, scale = np.linalg.lstsq(
            np.column_stack([np.ones_like(SCORES), SCORES + share * h]), log_sd, rcond=None
        )[0]
        skew = share * scale
    return float(location), float(scale), float(skew)
