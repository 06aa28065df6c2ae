"""Group terms that are crossed with the largest one: items for its subjects.

Given coefficients and items, a subject's effect lies about the mean residual of its rows. Few
levels leave an sd open by a factor of two, and then no fixed linear map follows that mean: the
items' mean may be wide where the Intercept undoes it, and the two must cancel in a subject's score
at all sds. For the same reason the Intercept is sampled as its sum with the items' mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.block_cholesky import layout
from winstan.approximation.information import times
from winstan.coordinates.nesting import Crossed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.approximation.problem import Problem
    from winstan.coordinates.nesting import ParentTerm
    from winstan.coordinates.standard import TermCoordinates

# Effects of the largest term times all others, up to which a matrix between them costs nothing.
UP_TO = 4096
# Levels from which on an sd is known well enough for a map that does not follow it.
MANY_LEVELS = 11
# Below this share of its variance a coefficient does not follow.
NEGLIGIBLE = 0.05


def crossing(
    problem: Problem, cell_information: Array, parents: tuple[tuple[ParentTerm, ...], ...]
) -> tuple[tuple[Crossed, ...], ...]:
    """Find what the largest term's totals take of the terms that it is crossed with."""
    m, counts = layout(problem).term, problem.n_levels
    nothing: list[tuple[Crossed, ...]] = [() for _ in counts]
    others = [n for n in range(len(counts)) if m not in (-1, n)]
    others = [n for n in others if all(outer.term != n for outer in parents[m])]
    size = {n: problem.Z[n].shape[1] * counts[n] for n in range(len(counts))}
    few = any(counts[n] < MANY_LEVELS for n in others)
    if few and size[m] * sum(size[n] for n in others) <= UP_TO:
        found = (Crossed(n, _means(problem, cell_information, m, n)) for n in others)
        # Effects on parameters that share no information have nothing in common.
        nothing[m] = tuple(crossed for crossed in found if np.any(crossed.A))
    return tuple(nothing)


def _means(problem: Problem, cell_information: Array, m: int, n: int) -> Array:
    """Regress, in each level of term m, the part of term n on the columns of m."""
    (Z, level, J), (other, other_level, other_J) = (
        (problem.Z[k], problem.level[k], problem.n_levels[k]) for k in (m, n)
    )
    q, other_q = Z.shape[1], other.shape[1]
    weighted = times(cell_information, Z)[:, :, None]
    gram, cross = np.zeros((J, q, q)), np.zeros((J, other_J, q, other_q))
    np.add.at(gram, level, weighted * Z[:, None, :])
    np.add.at(cross, (level, other_level), weighted * other[:, None, :])
    A = np.einsum("jik,jlkn->ijnl", np.linalg.pinv(gram, hermitian=True), cross)
    return A.reshape(q * J, other_q * other_J)


@dataclass(frozen=True, slots=True, eq=False)
class Compensation:
    """How coefficients undo what crossed effects move.

    ``location - regression @ effects`` is added to them.

    Attributes
    ----------
    terms : tuple of int
        The terms of these effects, each of one effect on a level.
    regression : ndarray, shape (P, W)
        By effect as stored.
    location : ndarray, shape (P,)
        So that nothing is added at the approximate fit.
    """

    terms: tuple[int, ...]
    regression: Array
    location: Array

    @classmethod
    def nothing(cls, P: int) -> Compensation:
        """Return that of P coefficients that undo nothing."""
        return cls((), np.zeros((P, 0)), np.zeros(P))


def compensate(fit: Approximation, terms: Sequence[TermCoordinates]) -> Compensation:
    """Find how coefficients follow the effects that the largest term is crossed with.

    By regression, all else being integrated out: the Intercept on minus the mean of these effects.
    """
    P = len(fit.beta)
    nothing = Compensation.nothing(P)
    crossed = {c.term for term in terms for c in term.crossed}
    leading = tuple(m for m in sorted(crossed) if terms[m].shape[0] == 1 and terms[m].alone)
    if not leading or fit.factor is None:
        return nothing
    others = fit.factor.layout.remaining
    of_term = np.repeat(np.arange(len(terms)), [term.score.size for term in terms])
    at = P + np.flatnonzero(np.isin(of_term[others[P:] - P], leading))
    covariance = fit.factor.covariance()
    regression = np.zeros((P, len(others) - P))
    cross = covariance[:P, at]
    slope = np.linalg.solve(covariance[np.ix_(at, at)], cross.T).T
    explained = (slope * cross).sum(axis=1)
    slope[explained <= NEGLIGIBLE * np.diag(covariance)[:P]] = 0.0
    if not np.any(slope):
        return nothing
    regression[:, at - P] = -slope
    return Compensation(leading, regression, regression @ fit.u[others[P:] - P])
