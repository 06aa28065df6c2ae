"""Averages of the log likelihood, and of its derivatives, over the linear predictor's uncertainty.

A normal approximation lies where a posterior does if averages over it are stationary, rather than
values at its middle. With four answers of yes or no a child, the children's sd is 1.3 at the mode,
and its posterior mean 2.2. (Gaussian variational approximation: Ormerod and Wand (2012), J.
Computational and Graphical Statistics 21, 2-17; Opper and Archambeau (2009), Neural Computation 21,
786-792.)
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from winstan.approximation.information import definite, diagonal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.approximation.problem import Problem

    Node = tuple[float | Array, float, Array]

# Gauss-Hermite's nodes: with two, the average of a polynomial of up to the third degree is exact;
# with five, up to the ninth. Two do for linear predictors that have a unit, and for narrow ones.
FEW, MORE = 2, 5
NARROW = 0.2
# The least of a cell's expected information that its observed information is taken to be.
KEPT = 0.2


def objective(problem: Problem, eta: Array, aux: Mapping[str, float], penalty: float) -> float:
    """Log likelihood less a penalty; minus infinity where it has none."""
    with np.errstate(all="ignore"):
        value = problem.likelihood.log_density(eta, aux) - penalty
    return float(value) if np.isfinite(value) else -np.inf


def confine(problem: Problem, eta: Array) -> Array:
    """Keep eta where the link has a mean, if the link confines it."""
    return problem.likelihood.confine(eta, 1e-3 * problem.start[0])


def quadrature_nodes(problem: Problem, eta: Array, spread: Array) -> tuple[Node, ...]:
    """Nodes, their weights, and the linear predictors there.

    Each of several linear predictors moves as often with another as against it, so that it adds
    nothing to the other's average.

    Parameters
    ----------
    problem
    eta, spread : ndarray, shape (B * C,)
        Mean and standard deviation of the linear predictor.
    """
    if not spread.any():
        return ((0.0, 1.0, confine(problem, eta)),)
    wide = problem.likelihood.without_unit(spread).max(initial=0.0) > NARROW
    at = _nodes(MORE if wide else FEW)
    blocks = len(problem.likelihood.links)
    if blocks == 1:
        return tuple((x, weight, confine(problem, eta + x * spread)) for x, weight in at)
    # Rows of a Hadamard matrix, whose columns are orthogonal
    signs = [
        np.repeat(sign[:blocks], problem.likelihood.n)
        for sign in linalg.hadamard(1 << (blocks - 1).bit_length(), dtype=float)
    ]
    return tuple(
        (x * sign, weight / len(signs), confine(problem, eta + x * sign * spread))
        for sign in signs
        for x, weight in at
    )


@functools.cache
def _nodes(n: int) -> tuple[tuple[float, float], ...]:
    at, weight = np.polynomial.hermite_e.hermegauss(n)
    return tuple(zip(at.tolist(), (weight / weight.sum()).tolist(), strict=True))


def mean_objective(
    problem: Problem, nodes: tuple[Node, ...], aux: Mapping[str, float], penalty: float = 0.0
) -> float:
    """Average log likelihood less a penalty; minus infinity where it has none."""
    return sum(weight * objective(problem, eta, aux, penalty) for _, weight, eta in nodes)


def mean_score(
    problem: Problem, nodes: tuple[Node, ...], aux: Mapping[str, float]
) -> tuple[Array, Array]:
    """Average score, and expected information, of each cell.

    Returns
    -------
    score : ndarray, shape (B * C,)
    information : ndarray, shape (B * C,) or (B, B, C)
    """
    parts = [(weight, problem.likelihood.score(eta, aux)) for _, weight, eta in nodes]
    score: Array = np.sum([weight * part[0] for weight, part in parts], axis=0)
    information = np.sum([weight * part[1] for weight, part in parts], axis=0)
    # A cell of no information (saturated, or without weight) must not divide by zero.
    largest = np.maximum(problem.likelihood.largest(diagonal(information)), 1e-300)
    if information.ndim == 1:
        return score, np.maximum(information, 1e-12 * largest)
    blocks = len(information)
    at = np.arange(blocks)
    information[at, at] = np.maximum(information[at, at], 1e-12 * largest.reshape(blocks, -1))
    return score, definite(information)


def observed_information(
    problem: Problem, eta: Array, spread: Array, aux: Mapping[str, float]
) -> Array:
    """Average observed information of each cell: by Stein's lemma, of how the score follows eta.

    The iterations use the expected one because it is never negative, but it is that of data which
    lie where the fit has them. (A student's observed information is negative at outliers: some of
    the expected one is kept. Between pairs of linear predictors it may have any sign, as with zeros
    of either kind: the expected one is taken.)
    """
    expected = mean_score(problem, quadrature_nodes(problem, eta, spread), aux)[1]
    if expected.ndim > 1:
        return expected
    # Where nothing is uncertain, the derivative
    step = spread + 1e-4 * (np.abs(eta) + 1 / np.sqrt(problem.likelihood.largest(expected)))
    observed = np.zeros_like(eta)
    with np.errstate(all="ignore"):
        # By Stein's lemma; a node may be confined
        nodes = quadrature_nodes(problem, eta, step)
        width = np.sum([weight * x * at for x, weight, at in nodes], axis=0)
        for x, weight, at in nodes:
            score = problem.likelihood.score(at, aux)[0]
            observed -= weight * x * score / width
    return np.where(np.isfinite(observed), np.maximum(observed, KEPT * expected), expected)
