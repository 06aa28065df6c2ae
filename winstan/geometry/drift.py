"""How the middles and widths of coefficients' and scores' coordinates follow the sds.

The scores have the effects' means and widths follow the sds as those of normal likelihoods do.
Others follow differently, each a little; but an sd that five hundred effects tell of, each by
a twentieth of its width, is as good as known from them, and moves as slowly as they let it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.geometry.bordered import layout
from winstan.geometry.nesting import information
from winstan.geometry.standard import by_row, standard_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.geometry.crossing import Following
    from winstan.geometry.funnels import Funnels
    from winstan.geometry.laplace import Approximation
    from winstan.geometry.pirls import State
    from winstan.geometry.problem import Problem
    from winstan.geometry.standard import TermGeometry
    from winstan.geometry.whitening import Whitening

# What of an sd's information the others may hold, one unit of its coordinate having one.
NEGLIGIBLE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """How coefficients, and effects' scores as they are stored, follow the sds.

    With s the hyperbolic tangent of ``log(sd / at)``, which is bounded where an sd is not:

    Attributes
    ----------
    at : ndarray, shape (Q,)
        The sds of the approximate fit.
    shift : ndarray, shape (P + T, Q)
        ``shift @ s`` is added to their deviations.
    widening : ndarray, shape (P + T, Q)
        ``widening @ s`` is added to the logarithms of their coordinates' scales.
    """

    at: Array
    shift: Array
    widening: Array

    @property
    def any(self) -> bool:
        """Whether anything follows."""
        return bool(np.any(self.shift) or np.any(self.widening))

    def along(self, sd: Array) -> tuple[Array, Array]:
        """Shifts, and factors of scales, at sds, (..., Q): (..., P + T) each."""
        square, at = np.square(sd), np.square(self.at)
        s = (square - at) / (square + at)
        return s @ self.shift.T, np.exp(s @ self.widening.T)


def drift(
    problem: Problem,
    fit: Approximation,
    terms: Sequence[TermGeometry],
    follows: Following,
    order: Sequence[int],
    start: Sequence[int],
    whitening: Whitening,
    axes: Funnels | None,
    log_sd_scale: Array,
) -> Drift:
    """Find how coordinates follow the sds, by differences of the fit.

    Parameters
    ----------
    problem
    fit
    terms
    follows
    order, start : sequence of int
        See `Geometry`.
    whitening
    axes
        What the joint coordinates were turned to, if they were.
    log_sd_scale : ndarray, shape (Q,)
    """
    shape = fit.beta.size + fit.u.size, log_sd_scale.size
    shift, widening = np.zeros(shape), np.zeros(shape)
    at = np.sqrt(np.concatenate([np.zeros(0), *map(np.diag, fit.effect_covariance)]))
    if not fit.sensitivities:
        return Drift(at, shift, widening)
    for k, response in enumerate(fit.sensitivities):
        below, above = (
            _coordinates(problem, fit, terms, follows, order, start, covariance, state)
            for covariance, state in zip(response.covariances, response.states, strict=True)
        )
        shift[:, k] = (above[0] - below[0]) / response.width
        widening[:, k] = 0.5 * np.log(above[1] / below[1]) / response.width
    if axes is not None:  # of an axis, what its parts have on average
        n = len(axes.turn)
        widening[:n] = np.square(axes.turn).T @ widening[:n]
    told_by_middles = np.square(whitening.undone(shift) * log_sd_scale).sum(axis=0)
    told_by_widths = 2 * np.square(widening * log_sd_scale).sum(axis=0)
    return Drift(
        at,
        np.where(told_by_middles > NEGLIGIBLE, shift, 0.0),
        np.where(told_by_widths > NEGLIGIBLE, widening, 0.0),
    )


def _coordinates(
    problem: Problem,
    fit: Approximation,
    terms: Sequence[TermGeometry],
    follows: Following,
    order: Sequence[int],
    start: Sequence[int],
    covariance: tuple[Array, ...],
    state: State,
) -> tuple[Array, Array]:
    """Deviations, and variances of the scores (ones for coefficients), at another fit."""
    P = len(fit.beta)
    middle, variance = np.empty_like(state.theta), np.ones_like(state.theta)
    moved = state.theta[:P] - fit.beta
    middle[:P] = moved
    if follows.terms:
        middle[:P] += follows.onto @ state.theta[layout(problem).others[P:]] - follows.location
    parents = tuple(term.parents for term in terms)
    known = information(problem, state.information, covariance, parents)
    effects: dict[int, Array] = {}
    parts = np.split(state.theta[P:], np.cumsum([term.score.size for term in terms])[:-1])
    for m in order:
        term, root = terms[m], np.linalg.cholesky(covariance[m])
        effects[m] = parts[m].reshape(term.shape)
        shift = (by_row(term.carried) @ moved).reshape(term.shape)
        for outer in term.parents:
            shift = shift + outer.A @ effects[outer.term][:, outer.level]
        for crossed in term.crossed:
            shift = shift + (crossed.A @ effects[crossed.term].ravel()).reshape(term.shape)
        x = term.coordinates(np.linalg.solve(root, effects[m]), root, shift)
        at = slice(P + start[m], P + start[m] + x.size)
        middle[at] = x.ravel()
        own = np.swapaxes(standard_roots(term.information, root), 1, 2) @ np.linalg.inv(root)
        own = own[term.kind]
        # All that the score is not standardised by being given
        left = np.linalg.inv(known[m] + np.linalg.inv(covariance[m]))
        variance[at] = np.einsum("jik,jkl,jil->ij", own, left, own).ravel()
    return middle, variance
