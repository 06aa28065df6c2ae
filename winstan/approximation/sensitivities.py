"""How the approximate fit follows the sds, and what the data say of these.

The likelihood of a few answers of yes and no is far from normal: a larger sd then means larger
coefficients too, effects follow it otherwise than under normal likelihoods, and the sd itself is
known less well. All of this is found by differences of fits at sds a little to either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.averages import NARROW
from winstan.approximation.sds import maximise_sds, sds_of_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.approximation.pirls import PIRLS, State
    from winstan.approximation.problem import Problem

# Units of log sd to either side; iterations there, at most, and the last step's size, in widths.
STEP = 0.1
ITERATIONS = 6
CONVERGED = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """The approximate fit where one sd is a little smaller, and a little larger.

    Attributes
    ----------
    width : float
        Units of log sd from one to the other.
    covariances : tuple of tuple of ndarray, shape (q, q) each
        Of the effects, by term: below, above.
    states : tuple of State
        Of the fit: below, above.
    information : ndarray, shape (Q,)
        Observed, on this and the other log sds, coefficients being unknown.
    """

    width: float
    covariances: tuple[tuple[Array, ...], tuple[Array, ...]]
    states: tuple[State, State]
    information: Array


def second_moments(problem: Problem, state: State) -> tuple[Array, ...]:
    """Return the effects' mean squares and products over levels, (q, q) a term."""
    out, at = [], problem.X.shape[1]
    for J, block in zip(problem.n_levels, state.blocks, strict=True):
        q = block.shape[1]
        U = state.theta[at : at + q * J].reshape(q, J)
        out.append((U @ U.T + block.sum(axis=0)) / J)
        at += q * J
    return tuple(out)


def maximise_covariances(
    problem: Problem, state: State, sd: Array
) -> tuple[tuple[Array, ...], Array]:
    """One EM step for each term's covariance (Dempster, Laird and Rubin 1977), priors included.

    The priors keep the sd finite where groups part a few answers of yes and no completely.

    Returns
    -------
    covariance : tuple of ndarray, shape (q, q) each
    sd : ndarray, shape (Q,)
        The numbers that it follows from.
    """
    moments = second_moments(problem, state)
    root = np.sqrt(np.concatenate([np.zeros(0), *map(np.diag, moments)]))
    counts = np.repeat(problem.n_levels, [len(M) for M in moments])
    sd = maximise_sds(problem.column_sds, problem.sd_prior, root, counts, sd)
    columns = sds_of_columns(problem.column_sds, sd)
    own = np.split(columns, np.cumsum([len(M) for M in moments])[:-1])
    out = []
    for M, mode, correlated in zip(moments, own, problem.correlated, strict=False):
        S = M * np.outer(mode, mode) / np.sqrt(np.outer(np.diag(M), np.diag(M)))
        alone = np.diag(np.diag(S))
        # Kept away from singular: a correlation of one has no inverse.
        out.append(S + 0.01 * alone if correlated else alone)
    if problem.column_sds.plain:
        sd = np.sqrt(np.concatenate([np.zeros(0), *map(np.diag, out)]))
    return tuple(out), sd


def sd_sensitivities(
    pirls: PIRLS,
    state: State,
    covariance: tuple[Array, ...],
    aux: Mapping[str, float],
    sd_slopes: Array,
) -> tuple[Sensitivity, ...]:
    """Fit at other sds, one at a time; `sd_slopes` are those of `Approximation`.

    Nothing is returned where there are no group terms, where likelihoods are as good as normal, or
    where a fit at other sds fails: coordinates that do not follow the sds will do.
    """
    problem = pirls.problem
    spread = problem.likelihood.without_unit(state.spread).max(initial=0.0)
    if not covariance or spread <= NARROW:
        return ()
    try:
        found = _at_other_sds(pirls, state, covariance, aux, sd_slopes)
    except np.linalg.LinAlgError:
        return ()
    sound = all(
        np.isfinite(part).all()
        for sensitivity in found
        for part in (sensitivity.information, *(there.theta for there in sensitivity.states))
    )
    return found if sound else ()


def _at_other_sds(
    pirls: PIRLS,
    state: State,
    covariance: tuple[Array, ...],
    aux: Mapping[str, float],
    sd_slopes: Array,
) -> tuple[Sensitivity, ...]:
    problem = pirls.problem
    out = []
    for of_columns in sd_slopes.T:
        both, slopes = [], []
        for step in (-STEP, STEP):
            moved = moved_by(covariance, step * of_columns)
            there = state
            for _ in range(ITERATIONS):
                before, there = there, pirls.step(there, moved, aux)
                if pirls.largest_step(before, there) < CONVERGED:
                    break
            slopes.append(sd_slopes.T @ _slopes(problem, there, moved))
            both.append((moved, there))
        (below, at_below), (above, at_above) = both
        information = (slopes[0] - slopes[1]) / (2 * STEP)
        out.append(Sensitivity(2 * STEP, (below, above), (at_below, at_above), information))
    return tuple(out)


def moved_by(covariances: Sequence[Array], move: Array) -> tuple[Array, ...]:
    """Multiply the sds of each term's columns by the exponential of their moves, shape (N,)."""
    scales = np.split(np.exp(move), np.cumsum([len(S) for S in covariances])[:-1])
    return tuple(S * np.outer(s, s) for S, s in zip(covariances, scales, strict=False))


def _slopes(problem: Problem, state: State, covariance: Sequence[Array]) -> Array:
    """Slope of the log likelihood in the log sd of each column, by Fisher's identity."""
    moments = second_moments(problem, state)
    return np.concatenate(
        [
            J * (np.diag(np.linalg.inv(S) @ M) - 1.0)
            for S, M, J in zip(covariance, moments, problem.n_levels, strict=True)
        ]
    )
