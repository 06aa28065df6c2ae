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
    maximum = optimize.minimize(
        loss,
        log_aux,
        method="L-BFGS-B",
        bounds=[(x - 2, x + 2) for x in log_aux],
        options={"maxiter": 20},
    )
    return np.clip(maximum.x, *_room(problem))


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
    """One over the root of the curvature, by second differences."""

    def density(at: Array) -> float:
        return _density(problem, etas, at)

    scale = np.ones_like(log_aux)
    step = 0.05
    for a in range(log_aux.size):
        move = np.zeros_like(log_aux)
        move[a] = step
        curvature = (
            2 * density(log_aux) - density(log_aux + move) - density(log_aux - move)
        ) / step**2
        if np.isfinite(curvature) and curvature > 0.1:
            scale[a] = 1 / np.sqrt(curvature)
    return scale
