"""Auxiliary parameters (sigma, alpha, nu) of the approximate fit: where they lie, how widely.

Each is mapped to the whole line (`winstan.families.domains`), positive ones by their logarithms.
These are linear in what is sampled, but for a shape that may be infinite. Counts no more variable
than Poisson bound alpha from below alone: its logarithm ends abruptly there, and has a tail above
as long as the prior's (density ``alpha^-0.4`` by default). Such a logarithm is::

    log alpha = location + scale x + skew log(1 + exp(-3 (x - knot))) / 3

a line of slope ``scale`` above a knot and of slope ``scale - skew`` below. Student's sigma and nu
have more (`winstan.approximation.student`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import interpolate, optimize, special

from winstan.approximation.averages import mean_objective
from winstan.approximation.curvature import sharpened
from winstan.approximation.student import student_coordinates
from winstan.families.namespace import NUMPY
from winstan.families.ordered import by_steps, cutpoints, log_prior

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.approximation.averages import Node
    from winstan.approximation.problem import Problem


# A normal density falls by eight units of its logarithm, four standard deviations out; one that
# falls by less than this has a tail above.
TAIL_OUT, TAIL_FALLS = 4.0, 4.0
# How far a tail is followed: units of the logarithm of the density, and of the parameter.
FALLS, REACH = 12.0, 60.0
# Normal scores at which quantiles are met; what is far out counts for less.
SCORES = np.linspace(-2.5, 2.5, 41)
CARE = np.exp(-np.square(SCORES) / 8)
# The least slope to either side.
LEAST_SLOPE = 0.05
# Where the slope may change. That one is taken by which the density of what is sampled is nearest
# to the standard normal, in its logarithm's derivative, which moves samplers.
KNOTS = np.arange(0.0, 3.0, 0.25)
# Newton's steps end with one that is shorter than the differences which they are found by.
NEWTON_STEPS, DIFFERENCE = 8, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class AuxiliaryCoordinates:
    """The free auxiliary parameters by what is sampled.

    Attributes
    ----------
    location : ndarray, shape (A,)
    scale : ndarray, shape (A,)
    skew : ndarray, shape (A,)
        What the slope is less by below the knot, or more by if negative: less than the scale.
    knot : ndarray, shape (A,)
    taper : ndarray, shape (A,)
        How soon tails to both sides flatten.
    regression : ndarray, shape (A, A)
        How each follows the deviations of later ones: strictly upper triangular.
    """

    location: Array
    scale: Array
    skew: Array
    knot: Array
    taper: Array
    regression: Array

    @classmethod
    def straight(cls, location: Array, covariance: Array) -> AuxiliaryCoordinates:
        """Lines, uncorrelated given later ones."""
        A = location.size
        scale, regression = np.empty(A), np.zeros((A, A))
        for a in range(A):
            later = slice(a + 1, A)
            regression[a, later] = np.linalg.solve(covariance[later, later], covariance[later, a])
            scale[a] = np.sqrt(covariance[a, a] - regression[a, later] @ covariance[later, a])
        skew, knot, taper = np.zeros((3, A))
        return cls(location, scale, skew, knot, taper, regression)

    @classmethod
    def curved(cls, *numbers: Sequence[float]) -> AuxiliaryCoordinates:
        """Location, scale, skew, knot and taper of each."""
        location, scale, skew, knot, taper = np.array(numbers, float).T
        return cls(location, scale, skew, knot, taper, np.zeros((len(numbers), len(numbers))))


def fit_auxiliary(problem: Problem, nodes: tuple[Node, ...], free_aux: Array) -> Array:
    """Maximise the posterior density over the free auxiliary parameters, near where they are."""
    if not free_aux.size:
        return free_aux

    def loss(at: Array) -> float:
        return -log_density_of_numbers(problem, nodes, at)

    low, high = _room(problem)
    start = np.clip(free_aux, low, high)
    if _has_slope(problem):
        return _climbed(problem, nodes, start)
    # Two units of log a step, so that no bracket leaves the range of the exponential.
    ends = np.maximum(start - 2, low), np.minimum(start + 2, high)
    if free_aux.size == 1:
        lowest, highest = float(ends[0][0]), float(ends[1][0])
        return np.array([_lowest(lambda x: loss(np.array([x])), float(start[0]), lowest, highest)])
    # Without derivatives: by differences they take as many evaluations, and a solver's own time
    simplex = start + 0.1 * np.eye(start.size + 1, start.size)
    maximum = optimize.minimize(
        loss,
        start,
        method="Nelder-Mead",
        bounds=list(zip(*ends, strict=True)),
        options={"xatol": 1e-3, "fatol": 1e-4, "initial_simplex": simplex},
    )
    return np.asarray(maximum.x)


def _lowest(loss: Callable[[float], float], start: float, low: float, high: float) -> float:
    """Minimise a loss of one number: by Newton's steps, and by search where these do not serve."""
    at, before = start, np.inf
    for _ in range(NEWTON_STEPS):
        below, here, above = (loss(at + move) for move in (-DIFFERENCE, 0.0, DIFFERENCE))
        curvature = above - 2 * here + below
        if not (here <= before and 0 < curvature < np.inf):
            break
        step = -0.5 * DIFFERENCE * (above - below) / curvature
        if not low < at + step < high:
            break
        at, before = at + step, here
        if abs(step) < DIFFERENCE:
            return at
    found = optimize.minimize_scalar(
        loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4}
    )
    return float(found.x)


def _has_slope(problem: Problem) -> bool:
    """Whether all numbers are the steps of an ordered parameter whose derivative is stated."""
    likelihood = problem.likelihood
    names = tuple(number.name for number in likelihood.scalars)
    return likelihood.family.threshold_score is not None and names == likelihood.steps


def _climbed(problem: Problem, nodes: tuple[Node, ...], start: Array) -> Array:
    """Maximise the density over (logarithms of) steps, which may be many, by its gradient."""
    likelihood = problem.likelihood
    vector = likelihood.family.thresholds
    ordered = vector is not None and vector.domain == "ordered"

    def loss(at: Array) -> tuple[float, Array]:
        steps = likelihood.constrained(at)
        slope = sum(weight * likelihood.score_of_steps(eta, steps) for _, weight, eta in nodes)
        slope = slope + _prior_slope(problem, at)
        if ordered:
            slope = slope * np.exp(at) + 1.0  # of the Jacobian, one
        return -log_density_of_numbers(problem, nodes, at), -slope

    bounds = list(zip(start - 2, start + 2, strict=True))
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x)


def _prior_slope(problem: Problem, free_aux: Array) -> Array:
    """Differentiate the prior of the thresholds by the steps: by differences of each threshold."""
    thresholds = _thresholds(problem, free_aux)
    step = 1e-4
    moves = step * np.eye(len(thresholds))
    above, below = (
        np.array([_threshold_prior(problem, thresholds + sign * move) for move in moves])
        for sign in (1.0, -1.0)
    )
    return by_steps((above - below) / (2 * step))


def _thresholds(problem: Problem, free_aux: Array) -> Array:
    """Return the thresholds that the steps make where the data are: the Intercept at its start."""
    numbers = problem.likelihood.constrained(free_aux)
    steps = [numbers[name] for name in problem.likelihood.steps]
    return np.array(cutpoints(steps), float) - problem.start[0]


def _threshold_prior(problem: Problem, thresholds: Array) -> float:
    assert problem.threshold_prior is not None
    return log_prior(problem.threshold_prior, thresholds, problem.likelihood.link, NUMPY)


def numbers_at(problem: Problem, free_aux: Array) -> dict[str, float]:
    """Return the auxiliary parameters, by name, from free ones."""
    return {name: float(x) for name, x in problem.likelihood.constrained(free_aux).items()}


def log_density_of_numbers(problem: Problem, nodes: tuple[Node, ...], free_aux: Array) -> float:
    """Log density of the free auxiliary parameters, the likelihood averaged."""
    aux = problem.likelihood.constrained(free_aux)
    likelihood = mean_objective(problem, nodes, aux)
    with np.errstate(all="ignore"):
        pairs = zip(problem.aux_prior, aux.values(), strict=True)
        prior = sum(float(p.log_density(x)) for p, x in pairs)
        if problem.threshold_prior is not None:
            prior += _threshold_prior(problem, _thresholds(problem, free_aux))
    return likelihood + prior + float(problem.likelihood.log_jacobian(free_aux))


def _room(problem: Problem) -> tuple[Array, Array]:
    """Return the ends of the free auxiliary parameters: see `Parameter.limits`."""
    likelihood = problem.likelihood
    ends = [
        (-np.inf, np.inf) if p.limits is None else domain.backward(np.array(p.limits))
        for p, domain in zip(likelihood.scalars, likelihood.domains, strict=True)
    ]
    low, high = np.array(ends).T
    return low, high


def auxiliary_coordinates(
    problem: Problem, nodes: tuple[Node, ...], free_aux: Array
) -> AuxiliaryCoordinates:
    """Find coordinates in which the free auxiliary parameters are about standard normal."""

    def density(at: Array) -> float:
        return log_density_of_numbers(problem, nodes, at)

    if problem.likelihood.tails:
        return AuxiliaryCoordinates.curved(*student_coordinates(density, free_aux))
    free_aux, covariance = sharpened(density, free_aux)
    if free_aux.size == 1:

        def along(at: float) -> float:
            return density(np.array([at]))

        mode, top = float(free_aux[0]), density(free_aux)
        if top - along(mode + TAIL_OUT * float(covariance[0, 0] ** 0.5)) < TAIL_FALLS:
            own = through_quantiles(*_followed(along, mode, top))
            return AuxiliaryCoordinates.curved((*own, 0.0))
    return AuxiliaryCoordinates.straight(free_aux, covariance)


def through_quantiles(
    at: Array, log_density: Array, knots: Array = KNOTS, *, longer_above: bool = True
) -> tuple[float, float, float, float]:
    """Lay a coordinate through the quantiles of a density, by least squares.

    Parameters
    ----------
    at, log_density : ndarray, shape (n,)
    knots : ndarray
        That one is taken by which what is sampled is nearest to a standard normal.
    longer_above
        Whether the slope above is no less than that below.

    Returns
    -------
    location, scale, skew, knot : float
    """
    fine = np.linspace(at[0], at[-1], 4001)
    log_fine = interpolate.pchip_interpolate(at, log_density - log_density.max(), fine)
    weight = np.exp(log_fine)
    mass = np.cumsum(weight) - 0.5 * weight
    quantile = np.interp(special.ndtr(SCORES), mass / weight.sum(), fine)
    best, least = (float(fine[np.argmax(weight)]), 1.0, 0.0, 0.0), np.inf
    for knot in knots.tolist():
        below = -np.logaddexp(0, -3 * (SCORES - knot)) / 3  # of slope one below, and none above
        columns = np.column_stack([SCORES - knot - below, below])
        location, slopes = _rising(columns, quantile)
        found = location + columns @ slopes
        log_sampled = np.interp(found, fine, log_fine) + np.log(np.gradient(found, SCORES))
        off = float(np.abs(np.gradient(log_sampled, SCORES) + SCORES).max())
        if off < least:
            above, skew = slopes[0], slopes[0] - slopes[1]
            if longer_above:
                skew = max(skew, 0.0)
            best, least = (float(location - above * knot), float(above), float(skew), knot), off
    return best


def _rising(columns: Array, quantile: Array) -> tuple[float, Array]:
    """Fit a constant, and slopes of `LEAST_SLOPE` at least, by least squares."""
    share = np.square(CARE) / np.square(CARE).sum()
    middle, columns_middle = share @ quantile, share @ columns
    columns = columns - columns_middle
    rest = quantile - middle - LEAST_SLOPE * columns.sum(axis=1)
    slopes = LEAST_SLOPE + optimize.nnls(CARE[:, None] * columns, CARE * rest)[0]
    return float(middle - columns_middle @ slopes), slopes


def _followed(density: Callable[[float], float], mode: float, top: float) -> tuple[Array, Array]:
    """Follow a density to either side, in growing steps: where, and its logarithm."""
    found = {mode: top}
    for side in (-1.0, 1.0):
        reach = 0.05
        while reach < REACH:
            found[mode + side * reach] = value = density(mode + side * reach)
            if not value > top - FALLS:
                break
            reach *= 1.3
    at = np.array(sorted(found))
    log_density = np.array([found[x] for x in at])
    finite = np.isfinite(log_density)
    return at[finite], log_density[finite]
