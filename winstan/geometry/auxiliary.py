"""Auxiliary parameters (sigma, alpha, nu) of the approximate fit: where they lie, how widely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from winstan.geometry.averages import mean_objective

if TYPE_CHECKING:
    from winstan.families.links import Array
    from winstan.geometry.averages import Side
    from winstan.geometry.laplace import Problem


def fit_auxiliary(problem: Problem, around: tuple[Side, ...], log_aux: Array) -> Array:
    """Maximise the posterior density over the log auxiliary parameters, near where they are."""
    if not log_aux.size:
        return log_aux

    def loss(at: Array) -> float:
        return -_density(problem, around, at)

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


def _density(problem: Problem, around: tuple[Side, ...], log_aux: Array) -> float:
    """Log density of the log auxiliary parameters, the likelihood averaged."""
    names, values = problem.family.auxiliary, np.exp(log_aux)
    aux = dict(zip(names, values, strict=True))
    likelihood = mean_objective(problem, around, aux)
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


def auxiliary_scale(problem: Problem, around: tuple[Side, ...], log_aux: Array) -> Array:
    """Root of the inverse curvature, shape (A, A), lower triangular, by second differences.

    Sigma and nu say much the same of a response's spread: heavier tails, narrower middle.
    """
    n, step = log_aux.size, 0.05
    moves = step * np.eye(n)

    def density(at: Array) -> float:
        return _density(problem, around, at)

    middle = density(log_aux)
    up = np.array([density(log_aux + move) for move in moves])
    down = np.array([density(log_aux - move) for move in moves])
    curvature = np.diag(2 * middle - up - down)
    for a, b in zip(*np.triu_indices(n, 1), strict=True):
        both = moves[a] + moves[b]
        beside = density(log_aux + both) + density(log_aux - both)
        curvature[a, b] = curvature[b, a] = (up + down)[[a, b]].sum() / 2 - middle - beside / 2
    curvature /= step**2
    if not np.isfinite(curvature).all():
        return np.eye(n)
    along, axes = np.linalg.eigh(curvature)
    # Of what the data leave open, or have no maximum of, the curvature says nothing: a unit of log
    along[along < 0.1] = 1.0
    return np.linalg.cholesky((axes / along) @ axes.T)
