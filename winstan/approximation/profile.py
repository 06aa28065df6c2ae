"""Fits at given values of one auxiliary parameter, all else following: its profile.

Where few rows tell the shift of a response, or how its noise parts, all other parameters follow it
along a curve. The curve is followed from the approximate fit to either side: coefficients, effects
and the other parameters by steps of theirs, sds by EM. The parameter's own density has all of them
integrated out (Laplace).

References
----------
Tierney and Kadane (1986), JASA 81, 82-86: Laplace's approximation of marginal densities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.auxiliary import log_density_of_numbers, numbers_at
from winstan.approximation.averages import quadrature_nodes
from winstan.approximation.sensitivities import maximise_covariances

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.approximation.pirls import PIRLS, State
    from winstan.approximation.problem import Problem

# Steps to either side: the first, and by what the next is longer if the log density has moved by
# less than so much; at most so many, or until it has fallen so far.
FIRST_STEP, GROWTH = 0.2, ((0.25, 2.0), (0.6, 1.4), (1.5, 1.0), (np.inf, 0.7))
AT_MOST, FALLS = 20, 9.0
# Fewer fits than these say nothing of a curve.
LEAST = 6
# Iterations at each value, at most, and when they end: a number's step.
ITERATIONS, CONVERGED = 6, 0.01
# Of a second difference; and the most that a number moves at once.
STEP, MOVES = 0.05, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ConditionalFit:
    """The fit at one value.

    Attributes
    ----------
    at : float
        The value, on the whole line.
    free_aux, spread : ndarray, shape (A,)
        All numbers there, and the standard deviations of those that are not given.
    sd : ndarray, shape (Q,)
    covariance : tuple of ndarray, shape (q, q) each
    state : State
    log_density : float
        Of the value, but for a constant.
    """

    at: float
    free_aux: Array
    spread: Array
    sd: Array
    covariance: tuple[Array, ...]
    state: State
    log_density: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The fits along a profile.

    Attributes
    ----------
    number : int
        The place of the number that is given.
    fits : tuple of ConditionalFit
        By rising value.
    middle : int
        Which of them is the approximate fit's.
    """

    number: int
    fits: tuple[ConditionalFit, ...]
    middle: int

    @property
    def at(self) -> Array:
        """The values, shape (K,)."""
        return np.array([fit.at for fit in self.fits])


def follow(
    pirls: PIRLS, state: State, covariance: tuple[Array, ...], sd: Array, free_aux: Array
) -> Profile | None:
    """Follow the profile that the family asks for, from the approximate fit.

    Returns
    -------
    Profile or None
        None where the family asks for none, the number has a formula, or the fits fail.
    """
    place = _place(pirls.problem)
    if place is None or state.factor is None:
        return None
    try:
        found, middle = _followed(pirls, place, (state, covariance, sd, free_aux))
    except np.linalg.LinAlgError:
        return None
    sound = all(np.isfinite(fit.log_density) and np.all(fit.spread > 0) for fit in found)
    return Profile(place, found, middle) if sound and len(found) > LEAST else None


def _place(problem: Problem) -> int | None:
    names = [number.name for number in problem.likelihood.scalars]
    wanted = problem.likelihood.family.profiled
    return names.index(wanted) if wanted in names else None


def _followed(
    pirls: PIRLS,
    place: int,
    start: tuple[State, tuple[Array, ...], Array, Array],
) -> tuple[tuple[ConditionalFit, ...], int]:
    """Follow it to either side, each time from the fit before."""
    state, covariance, sd, free_aux = start

    def at(value: float, near: ConditionalFit) -> ConditionalFit:
        return _fit_at(pirls, place, value, near)

    begin = ConditionalFit(
        float(free_aux[place]), free_aux, np.ones_like(free_aux), sd, covariance, state
    )
    here = at(begin.at, begin)
    sides = {side: _one_side(here, side * FIRST_STEP, at) for side in (-1.0, 1.0)}
    return (*reversed(sides[-1.0]), here, *sides[1.0]), len(sides[-1.0])


def _one_side(
    here: ConditionalFit, step: float, at: Callable[[float, ConditionalFit], ConditionalFit]
) -> list[ConditionalFit]:
    near, out, top = here, [], here.log_density
    for _ in range(AT_MOST):
        found = at(near.at + step, near)
        if not np.isfinite(found.log_density):
            break
        moved = abs(found.log_density - near.log_density)
        near, top = found, max(top, found.log_density)
        out.append(found)
        if found.log_density < top - FALLS:
            break
        step *= next(growth for upto, growth in GROWTH if moved < upto)
    return out


def _fit_at(pirls: PIRLS, place: int, value: float, near: ConditionalFit) -> ConditionalFit:
    """Let all else follow a value: coefficients and effects, numbers, sds."""
    problem = pirls.problem
    fit = replace(
        near,
        at=value,
        free_aux=np.where(np.arange(near.free_aux.size) == place, value, near.free_aux),
    )
    for _ in range(ITERATIONS):
        state = pirls.step(fit.state, fit.covariance, numbers_at(problem, fit.free_aux))
        free_aux, spread = _newton(problem, state, place, fit.free_aux)
        covariance, sd = maximise_covariances(problem, state, fit.sd)
        moved = np.abs(free_aux - fit.free_aux).max(initial=0.0)
        moved = max(moved, np.abs(np.log(sd / fit.sd)).max(initial=0.0))
        fit = ConditionalFit(value, free_aux, spread, sd, covariance, state)
        if moved < CONVERGED:
            break
    return replace(fit, log_density=_log_density(problem, fit))


def _newton(problem: Problem, state: State, place: int, free_aux: Array) -> tuple[Array, Array]:
    """Take a step of the other numbers, each by itself; and their standard deviations."""
    nodes = quadrature_nodes(problem, state.eta, state.spread)

    def density(at: Array) -> float:
        return log_density_of_numbers(problem, nodes, at)

    here, out, spread = density(free_aux), free_aux.copy(), np.ones_like(free_aux)
    for a in range(free_aux.size):
        if a == place:
            continue
        move = STEP * np.eye(1, free_aux.size, a)[0]
        below, above = density(free_aux - move), density(free_aux + move)
        curvature = (2 * here - below - above) / STEP**2
        slope = (above - below) / (2 * STEP)
        spread[a] = curvature**-0.5 if 0.1 < curvature < np.inf else 1.0
        out[a] += np.clip(slope * spread[a] ** 2, -MOVES, MOVES)
    return out, spread


def _log_density(problem: Problem, fit: ConditionalFit) -> float:
    """Log density of the value, all else integrated out."""
    state, P = fit.state, problem.X.shape[1]
    factor = state.factor
    assert factor is not None
    with np.errstate(all="ignore"):
        out = log_density_of_numbers(problem, ((0.0, 1.0, state.eta),), fit.free_aux)
        out += float(np.log(fit.spread).sum())
        of_prior = (state.theta[:P] - problem.beta_prior[:, 0]) / problem.beta_prior[:, 1]
        out -= 0.5 * float(of_prior @ of_prior)
        at = P
        for S, J in zip(fit.covariance, problem.n_levels, strict=True):
            own = state.theta[at : at + len(S) * J].reshape(len(S), J)
            out -= 0.5 * float((own * np.linalg.solve(S, own)).sum())
            out -= 0.5 * J * float(np.linalg.slogdet(S)[1])
            at += len(S) * J
        out -= float(np.log(np.diag(factor.root)).sum())
        out += 0.5 * float(np.linalg.slogdet(factor.inverse)[1].sum())
        pairs = zip(problem.sd_prior, fit.sd, strict=True)
        out += sum(float(prior.log_density(x) + np.log(x)) for prior, x in pairs)
    return out
