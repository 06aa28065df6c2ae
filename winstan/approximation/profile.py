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

from winstan.approximation.auxiliary import (
    log_density_of_numbers,
    numbers_at,
    through_quantiles,
)
from winstan.approximation.averages import quadrature_nodes
from winstan.approximation.curvature import SHARP
from winstan.approximation.sensitivities import maximise_covariances

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.approximation.pirls import PIRLS, State
    from winstan.approximation.problem import Problem

# Steps to either side: the first, and by what the next is longer if the log density has moved by
# less than so much; at most so many, or until it has fallen so far.
FIRST_STEP, GROWTH = 0.25, ((0.25, 2.0), (0.8, 1.4), (2.0, 1.0), (np.inf, 0.7))
AT_MOST, FALLS = 20, 7.5
# By how much the log density may move at the first step, which is shorter else.
TOO_FAR, SHORTER = 1.0, 0.3
# Cells times all that is factored densely, beyond which so many fits take long, and are of little
# use: with many rows all follows the number along a line.
UP_TO = 1_000_000
# Fewer fits than these say nothing of a curve.
LEAST = 6
# Iterations at each value, at most, and when they end: a number's step.
ITERATIONS, CONVERGED = 4, 0.02
# Where the slope of a coordinate may change.
KNOTS = np.arange(-2.5, 2.75, 0.25)
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
    coordinates : ndarray, shape (A, 4)
        Location, scale, skew and knot of each number: of the one that is given by its density, of
        others by theirs at the middle.
    """

    number: int
    fits: tuple[ConditionalFit, ...]
    middle: int
    coordinates: Array

    @property
    def at(self) -> Array:
        """The values, shape (K,)."""
        return np.array([fit.at for fit in self.fits])


def follow(
    pirls: PIRLS,
    state: State,
    covariance: tuple[Array, ...],
    sd: Array,
    free_aux: Array,
    aux_scale: Array,
) -> Profile | None:
    """Follow the profile that the family asks for, from the approximate fit.

    Returns
    -------
    Profile or None
        None where the family asks for none, the number has a formula, the model is large, the rows
        so many that no curve is seen (`aux_scale`, each number's given later ones), or the fits
        fail: coordinates that follow nothing will do.
    """
    place, size = _place(pirls.problem), pirls.problem.X.shape[0] * pirls.layout.remaining.size
    if place is None or state.factor is None or size > UP_TO or aux_scale[place] < SHARP:
        return None
    begin = ConditionalFit(free_aux[place], free_aux, np.ones_like(free_aux), sd, covariance, state)
    try:
        found, middle = _followed(pirls, (place,), begin)
        own = []
        for a in range(free_aux.size):
            along = found
            if a != place:
                along = _followed(pirls, (a, place), replace(found[middle], at=free_aux[a]))[0]
            own.append(_coordinate(along))
    except (np.linalg.LinAlgError, ValueError):
        return None
    return Profile(place, found, middle, np.array(own))


def _coordinate(fits: tuple[ConditionalFit, ...]) -> tuple[float, float, float, float]:
    """Lay the coordinate of what is given through its quantiles."""
    sound = all(np.isfinite(fit.log_density) and np.all(fit.spread > 0) for fit in fits)
    if not sound or len(fits) < LEAST:
        raise ValueError("the fits say nothing of a curve")
    at, log_density = np.array([(fit.at, fit.log_density) for fit in fits]).T
    return through_quantiles(at, log_density, KNOTS, longer_above=False)


def _place(problem: Problem) -> int | None:
    names = [number.name for number in problem.likelihood.scalars]
    wanted = problem.likelihood.family.profiled
    return names.index(wanted) if wanted in names else None


def _followed(
    pirls: PIRLS, held: tuple[int, ...], begin: ConditionalFit
) -> tuple[tuple[ConditionalFit, ...], int]:
    """Follow the first number that is held to either side, each time from the fit before."""

    def at(value: float, near: ConditionalFit) -> ConditionalFit:
        return _fit_at(pirls, held, value, near)

    here = at(begin.at, begin)
    sides = {side: _one_side(here, side * FIRST_STEP, at) for side in (-1.0, 1.0)}
    return (*reversed(sides[-1.0]), here, *sides[1.0]), len(sides[-1.0])


def _one_side(
    here: ConditionalFit, step: float, at: Callable[[float, ConditionalFit], ConditionalFit]
) -> list[ConditionalFit]:
    near, top = here, here.log_density
    out: list[ConditionalFit] = []
    for _ in range(AT_MOST):
        found = at(near.at + step, near)
        if not np.isfinite(found.log_density):
            break
        moved = abs(found.log_density - near.log_density)
        if not out and moved > TOO_FAR:
            step *= SHORTER
            continue
        near, top = found, max(top, found.log_density)
        out.append(found)
        if found.log_density < top - FALLS:
            break
        step *= next(growth for upto, growth in GROWTH if moved < upto)
    return out


def _fit_at(
    pirls: PIRLS, held: tuple[int, ...], value: float, near: ConditionalFit
) -> ConditionalFit:
    """Let all else follow a value: coefficients and effects, numbers, sds."""
    problem = pirls.problem
    fit = replace(
        near,
        at=value,
        free_aux=_with(near.free_aux, held[0], value),
    )
    for _ in range(ITERATIONS):
        state = pirls.step(fit.state, fit.covariance, numbers_at(problem, fit.free_aux))
        free_aux, spread = _newton(problem, state, held, fit.free_aux)
        covariance, sd = maximise_covariances(problem, state, fit.sd)
        moved = np.abs(free_aux - fit.free_aux).max(initial=0.0)
        moved = max(moved, np.abs(np.log(sd / fit.sd)).max(initial=0.0))
        fit = ConditionalFit(value, free_aux, spread, sd, covariance, state)
        if moved < CONVERGED:
            break
    return replace(fit, log_density=_log_density(problem, fit))


def _with(free_aux: Array, place: int, value: float) -> Array:
    out = free_aux.copy()
    out[place] = value
    return out


def _newton(
    problem: Problem, state: State, held: tuple[int, ...], free_aux: Array
) -> tuple[Array, Array]:
    """Take a step of the other numbers, each by itself; and their standard deviations."""
    nodes = quadrature_nodes(problem, state.eta, state.spread)

    def density(at: Array) -> float:
        return log_density_of_numbers(problem, nodes, at)

    here, out, spread = density(free_aux), free_aux.copy(), np.ones_like(free_aux)
    for a in range(free_aux.size):
        if a in held:
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
