"""How the middles and widths of coefficients' and scores' coordinates follow the sds.

With scores as coordinates, the effects' means and widths follow the sds as normal likelihoods have
them do. Under other likelihoods each effect departs from that a little. But five hundred effects,
each off by a twentieth of its width, together tell the sd: it then moves as slowly as they let it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.block_cholesky import layout
from winstan.coordinates.nesting import information
from winstan.coordinates.standard import by_row, standard_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.approximation.pirls import State
    from winstan.approximation.problem import Problem
    from winstan.coordinates.crossing import Compensation
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.funnels import Funnels
    from winstan.coordinates.standard import TermCoordinates


@dataclass(frozen=True, slots=True, eq=False)
class SdDependentLocation:
    """How coefficients, and effects' scores as they are stored, follow the sds.

    With s the hyperbolic tangent of ``log(sd / at)``, which is bounded where an sd is not:

    Attributes
    ----------
    at : ndarray, shape (Q,)
        The sds of the approximate fit.
    location : ndarray, shape (P + T, Q)
        ``location @ s`` is added to their deviations.
    log_scale : ndarray, shape (P + T, Q)
        ``log_scale @ s`` is added to the logarithms of their coordinates' scales.
    """

    at: Array
    location: Array
    log_scale: Array

    @classmethod
    def nothing(cls, at: Array, n: int) -> SdDependentLocation:
        """Return that of n coefficients and effects that follow no sd."""
        return cls(at, *np.zeros((2, n, at.size)))

    @property
    def any(self) -> bool:
        """Whether anything follows the sds."""
        return bool(np.any(self.location) or np.any(self.log_scale))

    def at_sds(self, sd: Array) -> tuple[Array, Array]:
        """Shifts, and factors of scales, at sds, (..., Q): (..., P + T) each."""
        square, at = np.square(sd), np.square(self.at)
        s = (square - at) / (square + at)
        return s @ self.location.T, np.exp(s @ self.log_scale.T)


def find_sd_dependent_location(
    problem: Problem,
    fit: Approximation,
    terms: Sequence[TermCoordinates],
    compensation: Compensation,
    order: Sequence[int],
    start: Sequence[int],
    decorrelation: Decorrelation,
    axes: Funnels | None,
    log_sd_scale: Array,
) -> SdDependentLocation:
    """Find how coordinates follow the sds, by differences of the fit.

    Parameters
    ----------
    problem
    fit
    terms
    compensation
    order, start : sequence of int
        See `Coordinates`.
    decorrelation
    axes
        What the joint coordinates were turned to, if they were.
    log_sd_scale : ndarray, shape (Q,)
    """
    shape = fit.beta.size + fit.u.size, log_sd_scale.size
    location, log_scale = np.zeros(shape), np.zeros(shape)
    at = fit.sd
    if not fit.sensitivities:
        return SdDependentLocation(at, location, log_scale)
    for k, sensitivity in enumerate(fit.sensitivities):
        below, above = (
            deviations_at(problem, fit.beta, terms, compensation, order, start, covariance, state)
            for covariance, state in zip(sensitivity.covariances, sensitivity.states, strict=True)
        )
        location[:, k] = (above[0] - below[0]) / sensitivity.width
        log_scale[:, k] = 0.5 * np.log(above[1] / below[1]) / sensitivity.width
    if axes is not None:  # of an axis, what its parts have on average
        n = len(axes.rotation)
        log_scale[:n] = np.square(axes.rotation).T @ log_scale[:n]
    from_location = np.square(decorrelation.invert(location) * log_sd_scale).sum(axis=0)
    from_scale = 2 * np.square(log_scale * log_sd_scale).sum(axis=0)
    least = problem.tuning.location_from
    return SdDependentLocation(
        at,
        np.where(from_location > least, location, 0.0),
        np.where(from_scale > least, log_scale, 0.0),
    )


def deviations_at(
    problem: Problem,
    beta: Array,
    terms: Sequence[TermCoordinates],
    compensation: Compensation,
    order: Sequence[int],
    start: Sequence[int],
    covariance: tuple[Array, ...],
    state: State,
) -> tuple[Array, Array]:
    """Deviations, and variances of the scores (ones for coefficients), at another fit."""
    P = len(beta)
    middle, variance = np.empty_like(state.theta), np.ones_like(state.theta)
    moved = state.theta[:P] - beta
    middle[:P] = moved
    if compensation.terms:
        middle[:P] += (
            compensation.regression @ state.theta[layout(problem).remaining[P:]]
            - compensation.location
        )
    parents = tuple(term.parents for term in terms)
    known = information(problem, state.information, covariance, parents)
    effects: dict[int, Array] = {}
    parts = np.split(state.theta[P:], np.cumsum([term.score.size for term in terms])[:-1])
    for m in order:
        term, root = terms[m], np.linalg.cholesky(covariance[m])
        effects[m] = parts[m].reshape(term.shape)
        shift = (by_row(term.centring) @ moved).reshape(term.shape)
        for outer in term.parents:
            shift = shift + outer.A @ effects[outer.term][:, outer.level]
        for crossed in term.crossed:
            shift = shift + (crossed.A @ effects[crossed.term].ravel()).reshape(term.shape)
        x = term.coordinates(np.linalg.solve(root, effects[m]), root, shift)
        at = slice(P + start[m], P + start[m] + x.size)
        middle[at] = x.ravel()
        direct = np.swapaxes(standard_roots(term.information, root), 1, 2) @ np.linalg.inv(root)
        direct = direct[term.information_class]
        # All that the score is not standardised by being given
        left = np.linalg.inv(known[m] + np.linalg.inv(covariance[m]))
        variance[at] = np.einsum("jik,jkl,jil->ij", direct, left, direct).ravel()
    return middle, variance
