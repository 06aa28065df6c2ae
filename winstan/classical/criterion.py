"""The profiled (RE)ML criterion of a linear mixed model, and the search for its minimum.

The criterion is that of Bates, Maechler, Bolker and Walker (2015), J. Statistical Software 67(1),
equations 34 and 39: coefficients and residual variance are profiled out, and the covariance of the
group effects enters by its Cholesky factor relative to the residual sd, so that a variance of zero
and a correlation of one are ordinary points of the boundary. statsmodels' MixedLM has the same
likelihood, but inverts the covariance, cannot stand on the boundary, and stops short near it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, optimize

from winstan.errors import DataError

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.classical.cross_products import Blocks, CrossProducts

# Relative sds to start from, in units of the residual sd.
STARTS = (1.0, 0.2, 5.0)
# Blocks larger than this are searched from one start: they inform their sds well, and cost most.
_LARGE = 150
# A relative sd below this is tried at zero (lme4 calls a fit singular below 1e-4).
_SMALL = 1e-3
# By how much a criterion (-2 log likelihood) must be lower to count as lower.
_LOWER = 1e-7
# What a Newton step could still gain at an accepted minimum.
_GAIN = 1e-5
# Newton steps end where one moves by less than this, in units of each parameter.
_STILL = 1e-5
# Curvature, relative to the largest, that is called none.
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The criterion at one point, and what was profiled out.

    Attributes
    ----------
    value : float
        -2 log likelihood, of the data or (REML) of the residual contrasts.
    gradient : ndarray, shape (parameters,)
    gamma : ndarray, shape (p,)
        Coefficients of the orthonormal population columns.
    precision : ndarray, shape (p, p)
        Of gamma, times the residual variance.
    variance : float
        Residual variance.
    """

    value: float
    gradient: Array
    gamma: Array
    precision: Array
    variance: float


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The minimum that was found.

    Attributes
    ----------
    theta : ndarray, shape (parameters,)
    at : Evaluation
    curvature : Curvature
        There, or a negligible step away.
    problem : str
        Why it is no trustworthy minimum; empty where it is.
    """

    theta: Array
    at: Evaluation
    curvature: Curvature
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """The second derivatives of the criterion, by differences of its gradient.

    Attributes
    ----------
    free : ndarray of int, shape (f,)
        The parameters that are not on the boundary.
    unit : ndarray, shape (f,)
        The size of each: sds of very different sizes have very different curvatures.
    step : ndarray, shape (f,)
    ends : tuple of (Evaluation, Evaluation)
        A step above and a step below in each.
    scaled : ndarray, shape (f, f)
        In those units, symmetric.
    """

    free: np.ndarray
    unit: Array
    step: Array
    ends: tuple[tuple[Evaluation, Evaluation], ...]
    scaled: Array


def evaluate(data: CrossProducts, theta: Array, *, reml: bool) -> Evaluation:
    """Evaluate the criterion and its gradient.

    Parameters
    ----------
    data
    theta : ndarray, shape (parameters,)
        Elements of the relative covariance factors.
    reml
    """
    p = len(data.beta)
    solved = _solve(data, theta)
    total = np.zeros((p + 1, p + 1))
    total[:p, :p] = np.eye(p)
    total[p, p] = data.yy
    total -= solved.FZX.T @ solved.effects
    precision = total[:p, :p]
    gamma = np.linalg.solve(precision, total[:p, p]) if p else np.zeros(0)
    sum_of_squares = float(total[p, p] - total[:p, p] @ gamma)
    if not sum_of_squares > 1e-14 * data.yy:
        raise DataError(
            "The group effects explain the response exactly: no residual variation is left, and "
            "the likelihood has no maximum. Leave group terms out."
        )
    degrees = data.n - p if reml else data.n
    value = solved.log_det + degrees * (1 + np.log(2 * np.pi * sum_of_squares / degrees))
    if reml:
        value += 2 * np.log(np.abs(np.diag(data.R))).sum() + np.linalg.slogdet(precision)[1]
    # Both quadratic forms have the derivative -2 rest' dF right, summed over their columns.
    rest = data.ZX - data.ZZ @ _times_factor(data, theta, solved.effects)
    weights = np.append(-gamma, 1.0)
    rest_of = (rest @ weights)[:, None] * (degrees / sum_of_squares)
    right = (solved.effects @ weights)[:, None]
    if reml and p:
        rest_of = np.column_stack([rest_of, rest[:, :p]])
        right = np.column_stack([right, np.linalg.solve(precision, solved.effects[:, :p].T).T])
    gradient = solved.slope
    for term in data.terms:
        k = len(term.names)
        of_level = rest_of[term.effects].reshape(-1, k, rest_of.shape[1])
        summed = np.tensordot(of_level, right[term.effects].reshape(of_level.shape), ([0, 2],) * 2)
        for j, place in enumerate(term.places):
            gradient[term.start + j] -= 2 * summed[place]
    return Evaluation(float(value), gradient, gamma, precision, sum_of_squares / degrees)


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """The group effects' system S = F'Z'Z F + I at one point.

    Attributes
    ----------
    FZX, effects : ndarray, shape (q, p + 1)
        F'Z'[X, y], and the solution of S for it.
    log_det : float
        Of S.
    slope : ndarray, shape (parameters,)
        Its derivative.
    """

    FZX: Array
    effects: Array
    log_det: float
    slope: Array


def _solve(data: CrossProducts, theta: Array) -> _Solved:
    elimination = data.elimination
    FZX = np.empty_like(data.ZX)
    for term in data.terms:
        of_level = data.ZX[term.effects].reshape(-1, len(term.names), data.ZX.shape[1])
        FZX[term.effects] = (term.factor_of(theta).T @ of_level).reshape(-1, data.ZX.shape[1])
    effects = FZX.copy()
    values, log_det, slope = np.zeros(0), 0.0, np.zeros(len(theta))
    if elimination is not None:
        values = elimination.values(theta)
        log_det = elimination.eliminate(values)
        elimination.forward(values, effects)
    inverses, start = [], 0 if elimination is None else elimination.n_entries
    for blocks in data.blocks:
        _, ZZF, system = blocks.system(theta)
        if elimination is not None:
            change = np.tril(values[start : start + system.size].reshape(system.shape))
            system += change + np.swapaxes(np.tril(change, -1), 1, 2)
            start += system.size
        lower = np.linalg.cholesky(system)
        log_det += 2 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
        inverse = np.linalg.inv(system)
        effects[blocks.members] = inverse @ effects[blocks.members]
        chosen = _chosen(ZZF, inverse, blocks)
        slope += np.bincount(blocks.parameter, 2 * chosen, minlength=len(theta))
        inverses.append(inverse.ravel())
    if elimination is not None:
        elimination.backward(values, effects)
        dense = np.concatenate(inverses) if inverses else np.zeros(0)
        slope += elimination.slope(theta, elimination.inverse_entries(values, dense))
    return _Solved(FZX, effects, log_det, slope)


def _chosen(ZZF: Array, inverse: Array, blocks: Blocks) -> Array:
    """Return the product of two stacks of matrices at the places of the covariance factor."""
    left = ZZF[blocks.block, blocks.row]
    return np.asarray(np.einsum("ms,ms->m", left, inverse[blocks.block, blocks.column]))


def _times_factor(data: CrossProducts, theta: Array, effects: Array) -> Array:
    """Multiply the standardised effects, shape (q, c), by the relative covariance factor."""
    out = np.empty_like(effects)
    for term in data.terms:
        of_level = effects[term.effects].reshape(-1, len(term.names), effects.shape[1])
        out[term.effects] = (term.factor_of(theta) @ of_level).reshape(-1, effects.shape[1])
    return out


def minimise(data: CrossProducts, *, reml: bool) -> Optimum:
    """Find the minimum from several starts, try the boundary, and verify it."""
    diagonal = data.diagonal
    largest = max((blocks.ZZ.shape[1] for blocks in data.blocks), default=0)
    starts = STARTS if largest <= _LARGE else STARTS[:1]
    found = [_descend(data, np.where(diagonal, start, 0.0), reml=reml) for start in starts]
    theta, value = min(found, key=lambda pair: pair[1])
    for _ in range(2 * len(theta) + 3):
        theta, value = _onto_boundary(data, theta, value, reml=reml)
        better = _off_boundary(data, theta, value, reml=reml)
        if better is None:
            break
        theta, value = better
    theta, at, curvature = _newton(data, theta, reml=reml)
    return Optimum(theta, at, curvature, _problem(data, at, curvature))


def coefficients_of(data: CrossProducts, at: Evaluation) -> tuple[Array, Array]:
    """Return coefficients and their covariance, on the scale of the design.

    The covariance is that of generalised least squares with the estimated variances, as in lme4.

    Returns
    -------
    beta : ndarray, shape (p,)
    covariance : ndarray, shape (p, p)
    """
    beta = data.beta + linalg.solve_triangular(data.R, at.gamma)
    inverse = np.linalg.inv(np.linalg.cholesky(at.precision).T @ data.R)
    return beta, at.variance * inverse @ inverse.T


def _descend(data: CrossProducts, theta: Array, *, reml: bool) -> tuple[Array, float]:
    def value_and_gradient(point: Array) -> tuple[float, Array]:
        at = evaluate(data, point, reml=reml)
        return at.value, at.gradient

    bounds = [(0.0, None) if on else (None, None) for on in data.diagonal]
    result = optimize.minimize(
        value_and_gradient,
        theta,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-11, "gtol": 1e-5, "maxiter": 500},
    )
    return result.x, float(result.fun)


def _onto_boundary(
    data: CrossProducts, theta: Array, value: float, *, reml: bool
) -> tuple[Array, float]:
    """Set small relative sds to zero where that costs nothing."""
    for term in data.terms:
        lower = term.factor_of(theta)
        for i in np.flatnonzero(np.diag(lower) < _SMALL):
            kept = lower.copy()
            kept[i, i] = 0.0
            candidate = _pivoted(kept)
            moved = theta.copy()
            for j, place in enumerate(term.places):
                moved[term.start + j] = candidate[place]
            cost = evaluate(data, moved, reml=reml).value
            if cost <= value + _LOWER:
                theta, value, lower = moved, cost, candidate
    return theta, value


def _pivoted(lower: Array) -> Array:
    """Return the Cholesky factor of a singular covariance whose zero pivots have zero columns."""
    covariance = lower @ lower.T
    out = np.zeros_like(lower)
    for j in range(len(out)):
        pivot = covariance[j, j] - out[j] @ out[j]
        if pivot > 1e-14 * max(covariance[j, j], 1e-300):
            out[j, j] = np.sqrt(pivot)
            out[j + 1 :, j] = (covariance[j + 1 :, j] - out[j + 1 :] @ out[j]) / out[j, j]
    return out


def _off_boundary(
    data: CrossProducts, theta: Array, value: float, *, reml: bool
) -> tuple[Array, float] | None:
    """Try sds above zero where the search ended at zero: the gradient is zero there anyway."""
    for j in np.flatnonzero(data.diagonal & (theta == 0)):
        for step in (0.03, 0.3):
            trial = theta.copy()
            trial[j] = step
            if evaluate(data, trial, reml=reml).value < value - _LOWER:
                found = _descend(data, trial, reml=reml)
                if found[1] < value - _LOWER:
                    return found
    return None


def _newton(
    data: CrossProducts, theta: Array, *, reml: bool
) -> tuple[Array, Evaluation, Curvature]:
    """Take Newton steps to the minimum, each of which must lead down, and return where they end."""
    at = evaluate(data, theta, reml=reml)
    for _ in range(6):
        curvature = _curvature(data, theta, reml=reml)
        free, unit = curvature.free, curvature.unit
        roots, directions = np.linalg.eigh(curvature.scaled)
        if not len(free) or _is_flat(roots):
            break
        step = -directions @ ((directions.T @ (unit * at.gradient[free])) / roots)
        moved = theta.copy()
        moved[free] += unit * step
        if np.any(moved[data.diagonal] < 0) or np.abs(step).max() > 1:
            break
        there = evaluate(data, moved, reml=reml)
        if there.value > at.value + _LOWER:
            break
        theta, at = moved, there
        if np.abs(step).max() < _STILL:
            break
    return theta, at, curvature


def _curvature(data: CrossProducts, theta: Array, *, reml: bool) -> Curvature:
    """Take differences of the gradient in all parameters whose sd is not zero."""
    free = np.ones(len(theta), bool)
    for term in data.terms:
        for j, (_, b) in enumerate(term.places):
            free[term.start + j] = theta[term.start + term.places.index((b, b))] != 0
    chosen = np.flatnonzero(free)
    step = 1e-5 * np.maximum(1.0, np.abs(theta[chosen]))
    matrix = np.empty((len(chosen), len(chosen)))
    ends = []
    for i, j in enumerate(chosen.tolist()):
        above, below = theta.copy(), theta.copy()
        above[j] += step[i]
        below[j] -= step[i]
        pair = evaluate(data, above, reml=reml), evaluate(data, below, reml=reml)
        matrix[i] = (pair[0].gradient[chosen] - pair[1].gradient[chosen]) / (2 * step[i])
        ends.append(pair)
    unit = np.maximum(np.abs(theta[chosen]), 0.1)
    scaled = unit[:, None] * (matrix + matrix.T) / 2 * unit
    return Curvature(chosen, unit, step, tuple(ends), scaled)


def _is_flat(roots: Array) -> bool:
    return bool(roots[0] <= _FLAT * max(roots[-1], 1.0))


def _problem(data: CrossProducts, at: Evaluation, curvature: Curvature) -> str:
    """Say why a point is no minimum, or not the only one: by gradient and curvature there."""
    free, unit = curvature.free, curvature.unit
    if not len(free):
        return ""
    roots, directions = np.linalg.eigh(curvature.scaled)
    if _is_flat(roots):
        names = [f"{term.names[a]}|{term.factor}" for term in data.terms for a, _ in term.places]
        weights = np.abs(directions[:, 0])
        involved = [names[free[i]] for i in np.flatnonzero(weights > 0.3 * weights.max())]
        named = ", ".join(f"'{name}'" for name in dict.fromkeys(involved))
        return f"the likelihood is flat in the standard deviations of {named}"
    slope = directions.T @ (unit * at.gradient[free])
    gain = float(0.5 * (slope**2 / roots).sum())
    if gain > _GAIN:
        return f"the search stopped {gain:.2g} above the minimum of the criterion"
    return ""
