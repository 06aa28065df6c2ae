"""Auxiliary parameters (sigma, alpha, nu) of the approximate fit: where they lie, how widely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families.links import Array
    from winstan.geometry.laplace import Problem


def objective(problem: Problem, eta: Array, aux: Mapping[str, float], penalty: float) -> float:
    """Log likelihood less a penalty; minus infinity where it has none."""
    with np.errstate(all="ignore"):
        value = problem.family.log_likelihood(problem.statistics, eta, aux, problem.link) - penalty
    return value if np.isfinite(value) else -np.inf


def confined(problem: Problem, eta: Array) -> Array:
    """Keep eta where the link has a mean, if the link confines it."""
    if problem.family.positive_mean and not problem.link.unitless:
        return np.maximum(eta, 1e-3 * problem.start)
    return eta


def both_sides(problem: Problem, eta: Array, spread: Array) -> tuple[Array, ...]:
    """Linear predictors a standard deviation to either side.

    The mean of a quadratic log likelihood over the effects' uncertainty is that over these two: the
    rows that the effects take up are then not counted as fitted (as in an EM step for sigma).
    """
    sides = (eta - spread, eta + spread) if spread.any() else (eta,)
    return tuple(confined(problem, side) for side in sides)


def fit_auxiliary(problem: Problem, etas: tuple[Array, ...], log_aux: Array) -> Array:
    """Maximise the posterior density over the log auxiliary parameters, near where they are."""
    if not log_aux.size:
        return log_aux

    def loss(at: Array) -> float:
        return -_density(problem, etas, at)

    if log_aux.size == 1:
        # Two units of log a step, so that no bracket leaves the range of the exponential.
        found = optimize.minimize_scalar(
            lambda x: loss(np.array([x])),
            bounds=(log_aux[0] - 2, log_aux[0] + 2),
            method="bounded",
            options={"xatol": 1e-4},
        )
        return np.array([found.x])
    low, high = _room(problem)
    start = np.clip(log_aux, low, high)
    # Without derivatives: by differences they take as many evaluations, and a solver's own time
    maximum = optimize.minimize(
        loss,
        start,
        method="Nelder-Mead",
        bounds=list(zip(np.maximum(start - 2, low), np.minimum(start + 2, high), strict=True)),
        options={"xatol": 1e-3, "fatol": 1e-4, "initial_simplex": start + 0.1 * np.eye(3, 2)},
    )
    return np.asarray(maximum.x)


def _density(problem: Problem, etas: tuple[Array, ...], log_aux: Array) -> float:
    """Log density of the log auxiliary parameters, the likelihood averaged over `etas`."""
    names, values = problem.family.auxiliary, np.exp(log_aux)
    aux = dict(zip(names, values, strict=True))
    likelihood = sum(objective(problem, eta, aux, 0.0) for eta in etas) / len(etas)
    with np.errstate(all="ignore"):
        prior = sum(float(p.log_density(x)) for p, x in zip(problem.aux_prior, values, strict=True))
    return likelihood + prior + float(log_aux.sum())


def _room(problem: Problem) -> tuple[Array, Array]:
    """Return the ends of the log auxiliary parameters.

    The likelihood of nu may rise for ever (normal data), where the prior's bulk ends near 50; and
    with a small nu that of sigma rises for ever towards zero, at rows that the effects fit exactly.
    """
    nu = np.array([name == "nu" for name in problem.family.auxiliary])
    return np.where(nu, np.log(2.0), -np.inf), np.where(nu, np.log(50.0), np.inf)


def auxiliary_scale(problem: Problem, etas: tuple[Array, ...], log_aux: Array) -> Array:
    """Root of the inverse curvature, shape (A, A), lower triangular, by second differences.

    Sigma and nu say much the same of a response's spread: heavier tails, narrower middle.
    """
    n, step = log_aux.size, 0.05
    moves = step * np.eye(n)

    def density(at: Array) -> float:
        return _density(problem, etas, at)

    middle = density(log_aux)
    up = np.array([density(log_aux + move) for move in moves])
    down = np.array([density(log_aux - move) for move in moves])
    curvature = np.diag(2 * middle - up - down)
    for a, b in zip(*np.triu_indices(n, 1), strict=True):
        both = moves[a] + moves[b]
        around = density(log_aux + both) + density(log_aux - both)
        curvature[a, b] = curvature[b, a] = (up + down)[[a, b]].sum() / 2 - middle - around / 2
    curvature /= step**2
    if not np.isfinite(curvature).all():
        return np.eye(n)
    along, axes = np.linalg.eigh(curvature)
    # Of what the data leave open, or have no maximum of, the curvature says nothing: a unit of log
    along[along < 0.1] = 1.0
    return np.linalg.cholesky((axes / along) @ axes.T)
