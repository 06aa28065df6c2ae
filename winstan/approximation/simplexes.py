"""Where the data have the simplexes of monotonic effects, from a quick fit of a size for each step.

In place of the column of a monotonic predictor the fit has one for each step, of a size of its own:
its posterior is about normal, and what the data say of the sizes is that posterior less their
prior. The sizes b D zeta that agree best with it, by Levenberg and Marquardt, and the curvature
there, tell where to sample. As all coordinates do, they change no posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.approximation.laplace import approximate

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.problem import Problem
    from winstan.monotonic import Simplexes

MOST_STEPS = 150
"""Columns of steps beyond which a fit is not worth its time: simplexes start at their priors."""
_ITERATIONS = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Sizes:
    """What the data say of the sizes of steps, all columns' one after another: n of them.

    Attributes
    ----------
    precision, score : ndarray, shapes (n, n), (n,)
        Of a log density -x' precision x / 2 + score' x.
    of : tuple of (int, slice)
        Of each column, its predictor, and its steps.
    prior : ndarray, shape (columns, 2)
        Mean and sd of its coefficient.
    """

    precision: Array
    score: Array
    of: tuple[tuple[int, slice], ...]
    prior: Array


def fit_simplexes(
    simplexes: Simplexes, problem: Problem, raw: Array, product: np.ndarray, steps: np.ndarray
) -> Simplexes:
    """Move the simplexes to where the data have them.

    Parameters
    ----------
    simplexes
    problem
        The model's numbers, at any simplexes.
    raw : ndarray, shape (B * C, P)
        Columns of the sampled coefficients, of equal steps, not centred.
    product : ndarray of int, shape (P,)
        See `Simplexes.column_product`.
    steps : ndarray of int, shape (B * C, V)

    Returns
    -------
    Simplexes
        The same where the data say nothing, or there are too many steps.
    """
    bent = np.flatnonzero(product >= 0).tolist()
    alone = [p for p in bent if len(simplexes.products[product[p]]) == 1]
    predictor = [simplexes.products[product[p]][0] for p in alone]
    n = sum(simplexes.monotones[v].n for v in predictor)
    if not alone or n > MOST_STEPS:
        return simplexes
    found = _sizes(simplexes, problem, raw, alone, predictor, steps)
    if found is None:
        return simplexes
    numbers = np.array([prior.numbers for prior in simplexes.priors])
    free, H = _search(simplexes, found, numbers)
    pieces = special.expit(free)
    covariance = np.linalg.inv(H)[: free.size, : free.size]
    return replace(
        simplexes,
        at=tuple(np.array(own) for own in simplexes.shares(list(pieces))),
        location=free,
        scale=np.minimum(np.sqrt(np.diag(covariance)), simplexes.of_priors()[1]),
    )


def _sizes(
    simplexes: Simplexes,
    problem: Problem,
    raw: Array,
    alone: list[int],
    predictor: list[int],
    steps: np.ndarray,
) -> _Sizes | None:
    """Fit a size for each step of these columns; None if that fails."""
    others = np.setdiff1d(np.arange(problem.X.shape[1]), alone)
    columns, prior, of, start = [problem.X[:, others]], [problem.beta_prior[others]], [], 0
    own = problem.beta_prior[alone].copy()
    finite = problem.beta_prior[np.isfinite(problem.beta_prior[:, 1]), 1]
    own[~np.isfinite(own[:, 1]), 1] = 10 * finite.max(initial=1.0)
    for p, v, (mean, sd) in zip(alone, predictor, own, strict=True):
        D, x = simplexes.monotones[v].n, steps[:, v]
        unit = raw[:, p] / np.maximum(x, 1)
        made = unit[:, None] * (x[:, None] >= np.arange(1, D + 1))
        columns.append(made - made.mean(axis=0))
        prior.append(np.tile([mean, D * sd], (D, 1)))
        of.append((v, slice(start, start + D)))
        start += D
    whole = replace(problem, X=np.hstack(columns), beta_prior=np.vstack(prior))
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fit = approximate(whole, problem.tuning.slack)
            S = fit.beta_covariance[others.size :, others.size :]
            precision = np.linalg.inv((S + S.T) / 2)
    except (np.linalg.LinAlgError, ValueError):  # said of the model itself, if it matters there
        return None
    mean, sd = np.vstack(prior[1:]).T
    score = precision @ fit.beta[others.size :] - mean / sd**2
    values, vectors = np.linalg.eigh(precision - np.diag(sd**-2.0))
    precision = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return _Sizes(precision, score, tuple(of), own)


def _search(simplexes: Simplexes, found: _Sizes, numbers: Array) -> tuple[Array, Array]:
    """Find the free pieces, and the curvature by these and the coefficients, shape (E + n,)."""
    E = len(numbers)
    total = numbers.sum(axis=1)
    mean, sd = found.prior.T

    def state(theta: Array) -> tuple[float, Array, Array]:
        pieces, b = special.expit(theta[:E]), theta[E:]
        shares = [np.array(own) for own in simplexes.shares(list(pieces))]
        size, J = np.zeros(found.score.size), np.zeros((found.score.size, theta.size))
        for k, (v, at) in enumerate(found.of):
            D = shares[v].size
            size[at] = b[k] * D * shares[v]
            J[at, E + k] = D * shares[v]
            own = pieces[simplexes.starts[v] :][: D - 1]
            for e, piece in enumerate(own):
                slope = np.where(np.arange(D) > e, -piece, 0.0)
                slope[e] = 1 - piece
                J[at, simplexes.starts[v] + e] = b[k] * D * shares[v] * slope
        weighted = found.precision @ size
        loss = 0.5 * size @ weighted - found.score @ size + 0.5 * np.square((b - mean) / sd).sum()
        loss -= numbers[:, 0] @ special.log_expit(theta[:E])
        loss -= numbers[:, 1] @ special.log_expit(-theta[:E])
        gradient = J.T @ (weighted - found.score)
        gradient[:E] += total * pieces - numbers[:, 0]
        gradient[E:] += (b - mean) / sd**2
        curvature = np.concatenate([total * pieces * (1 - pieces), sd**-2.0])
        return float(loss), gradient, J.T @ found.precision @ J + np.diag(curvature)

    theta = np.concatenate([simplexes.of_priors()[0], mean])
    fitted = np.linalg.lstsq(found.precision, found.score)[0]
    theta[E:] = [fitted[at].mean() for _, at in found.of]
    loss, gradient, H = state(theta)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        step = np.linalg.solve(H + damping * np.diag(np.diag(H)), gradient)
        ahead = state(theta - step)
        if not ahead[0] <= loss:
            damping *= 10
            continue
        small = loss - ahead[0] < 1e-6
        theta, (loss, gradient, H) = theta - step, ahead
        damping /= 10
        if small:
            break
    return theta[:E], H
