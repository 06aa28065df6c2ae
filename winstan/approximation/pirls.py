"""Penalised iteratively reweighted least squares: coefficients and effects, given variances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.approximation.averages import confine, mean_objective, mean_score, quadrature_nodes
from winstan.approximation.beginning import first_predictors
from winstan.approximation.block_cholesky import BlockCholesky, factorise, layout
from winstan.approximation.columns import columns_of
from winstan.approximation.information import products_by_level, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.approximation.block_cholesky import Layout
    from winstan.approximation.columns import Columns
    from winstan.approximation.problem import Problem

# Cells times all that is factored densely, up to which the linear predictors' variances are exact.
ALL_TOGETHER_UP_TO = 5_000_000


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where the iterations are.

    Attributes
    ----------
    theta : ndarray, shape (P + T,)
        Coefficients, then effects, term by term, by column.
    eta : ndarray, shape (C,)
        The linear predictor.
    spread : ndarray, shape (C,)
        Its standard deviation, or that of what the terms add to it, each with all others given.
    information : ndarray, shape (B * C,) or (B, B, C)
        Of each cell on its linear predictors (see `.information`): expected while the
        iterations go on.
    hessian : sparse array or ndarray, shape (P + T, P + T)
        The precision of coefficients and effects.
    factor : BlockCholesky or None
        The same, factored; None where it would be too large.
    blocks : tuple of ndarray, shape (J, q, q) each
        Posterior covariance of each level's effects, a term.
    shares : tuple of float
        Per term, the share of information on its effects that is in the data.
    """

    theta: Array
    eta: Array
    spread: Array
    information: Array
    hessian: sparse.csr_array | Array
    factor: BlockCholesky | None
    blocks: tuple[Array, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PIRLS:
    """What all iterations share.

    Attributes
    ----------
    problem : Problem
    design : Columns
    layout : Layout
    eliminated, remaining : sparse array or ndarray, shapes (C, q J) and (C, A)
        Columns of the effects that are eliminated first, and of all else.
    target : ndarray, shape (P + T,)
        The prior's mean.
    """

    problem: Problem
    design: Columns
    layout: Layout
    eliminated: sparse.csr_array | Array
    remaining: sparse.csr_array | Array
    target: Array

    @classmethod
    def of(cls, problem: Problem) -> PIRLS:
        """Lay out a problem."""
        design, at = columns_of(problem), layout(problem)
        target = np.concatenate([problem.beta_prior[:, 0], np.zeros(design.Z.shape[1])])
        whole = design.whole
        return cls(problem, design, at, whole[:, at.eliminated], whole[:, at.remaining], target)

    def step(
        self, state: State | None, covariance: tuple[Array, ...], aux: Mapping[str, float]
    ) -> State:
        """Take a step, halved until the penalised density does not fall, and half the spread's own.

        Parameters
        ----------
        state
            Where from; None is where the data lie, nowhere that a step could end.
        covariance : tuple of ndarray, shape (q, q) each
            Of the effects, by term.
        aux : mapping of str to float
            Auxiliary parameters.
        """
        problem, design = self.problem, self.design
        eta = first_predictors(problem, aux) if state is None else state.eta
        # Where eta has a unit likelihoods are quadratic, or eta is confined: the middle will do.
        averaged = state is not None and problem.likelihood.unitless
        spread = state.spread if state is not None and averaged else np.zeros_like(eta)
        score, information = mean_score(problem, quadrature_nodes(problem, eta, spread), aux)
        prior = _prior_precision(problem, covariance, dense=design.dense)
        hessian = design.gram(information) + prior
        factor = self._factorise(hessian)
        right = design.sum_cells(score + times(information, eta - problem.offset))
        right += prior @ self.target
        theta = _by_gradients(hessian, right) if factor is None else factor.solve(right)
        if state is not None:
            theta = self._guarded(state.theta, theta, spread, prior, aux)
        after = self._state(theta, information, hessian, factor, covariance)
        if not spread.any():
            return after
        # Half way: a wider spread has more information follow, and this a narrower spread, so that
        # of a single event among hundreds of rows whole steps go to and fro for ever.
        return replace(after, spread=np.sqrt(spread * after.spread))

    def _guarded(
        self,
        here: Array,
        there: Array,
        spread: Array,
        prior: sparse.csr_array | Array,
        aux: Mapping[str, float],
    ) -> Array:
        """Halve a step until the penalised density, averaged, does not fall."""

        def density(at: Array) -> float:
            penalty = 0.5 * float((at - self.target) @ (prior @ (at - self.target)))
            eta = self.problem.offset + self.design @ at
            return mean_objective(
                self.problem, quadrature_nodes(self.problem, eta, spread), aux, penalty
            )

        least = density(here)
        least -= 1e-9 * abs(least)
        for _ in range(12):
            if density(there) >= least:
                break
            there = 0.5 * (here + there)
        return there

    def largest_step(self, before: State, after: State) -> float:
        """Return the largest step of a coefficient or effect, in the posterior's own widths.

        Or of the spread where that counts, as a share of the largest one, or of one.
        """
        step = np.abs(after.theta - before.theta) * np.sqrt(after.hessian.diagonal())
        largest = float(step.max(initial=0.0))
        if not self.problem.likelihood.unitless:
            return largest
        own = self.problem.likelihood.without_unit
        wider = np.abs(own(after.spread) - own(before.spread)).max(initial=0.0)
        return max(largest, float(wider / max(1.0, own(after.spread).max(initial=0.0))))

    def with_information(
        self, state: State, information: Array, covariance: tuple[Array, ...]
    ) -> State:
        """Stay, with another information of the cells."""
        prior = _prior_precision(self.problem, covariance, dense=self.design.dense)
        hessian = self.design.gram(information) + prior
        factor = self._factorise(hessian)
        return self._state(state.theta, information, hessian, factor, covariance)

    def _factorise(self, hessian: sparse.csr_array | Array) -> BlockCholesky | None:
        if self.layout.remaining.size > self.problem.tuning.factored:
            return None
        return factorise(hessian, self.layout)

    def _variance(
        self,
        factor: BlockCholesky | None,
        covariance: Array | None,
        conditional: tuple[Array, ...],
    ) -> Array:
        """Variance of each cell's linear predictor, where that has logarithms' or logits' unit.

        Elsewhere, and in large models, it is that of what the terms add, each with all others
        given; where likelihoods are quadratic, sigma alone needs it.
        """
        problem = self.problem
        size = problem.X.shape[0] * self.layout.remaining.size
        together = problem.likelihood.unitless and bool(problem.Z) and size <= ALL_TOGETHER_UP_TO
        if together and factor is not None and covariance is not None:
            return factor.variance(self.eliminated, self.remaining, covariance)
        variance = np.zeros(problem.X.shape[0])
        for Z, level, block in zip(problem.Z, problem.level, conditional, strict=True):
            variance += np.einsum("ci,cik,ck->c", Z, block[level], Z)
        return variance

    def _state(
        self,
        theta: Array,
        information: Array,
        hessian: sparse.csr_array | Array,
        factor: BlockCholesky | None,
        covariance: tuple[Array, ...],
    ) -> State:
        problem = self.problem
        conditional = _conditional(problem, information, covariance)
        of_remaining = None if factor is None else factor.covariance()
        blocks = conditional
        if factor is not None and of_remaining is not None:
            blocks = _marginal(problem, factor, of_remaining)
        return State(
            theta=theta,
            eta=confine(problem, problem.offset + self.design @ theta),
            spread=np.sqrt(np.maximum(self._variance(factor, of_remaining, conditional), 0.0)),
            information=information,
            hessian=hessian,
            factor=factor,
            blocks=blocks,
            shares=_shares(conditional, covariance),
        )


def _prior_precision(
    problem: Problem, covariance: tuple[Array, ...], *, dense: bool
) -> sparse.csr_array | Array:
    # Block-diagonal, each term's block the Kronecker product of inv(S) and the identity
    at = problem.beta_prior.shape[0]
    values, rows, columns = [problem.beta_prior[:, 1] ** -2.0], [np.arange(at)], [np.arange(at)]
    for S, J in zip(covariance, problem.n_levels, strict=True):
        inverse = np.linalg.inv(S)
        for i, k in np.argwhere(inverse):
            values.append(np.full(J, inverse[i, k]))
            rows.append(at + i * J + np.arange(J))
            columns.append(at + k * J + np.arange(J))
        at += len(S) * J
    place = np.concatenate(rows), np.concatenate(columns)
    if dense:
        out = np.zeros((at, at))
        out[place] = np.concatenate(values)
        return out
    return sparse.csr_array((np.concatenate(values), place), shape=(at, at))


def _by_gradients(hessian: sparse.csr_array | Array, right: Array) -> Array:
    solution, _ = sparse.linalg.cg(
        hessian, right, rtol=1e-6, maxiter=500, M=sparse.diags_array(1 / hessian.diagonal())
    )
    return np.asarray(solution)


def _conditional(
    problem: Problem, information: Array, covariance: tuple[Array, ...]
) -> tuple[Array, ...]:
    """Covariance of each level's effects, all else being given, (J, q, q) a term."""
    out = []
    for Z, level, J, S in zip(problem.Z, problem.level, problem.n_levels, covariance, strict=True):
        gram = products_by_level(times(information, Z), Z, level, J)
        out.append(np.linalg.inv(gram + np.linalg.inv(S)))
    return tuple(out)


def _shares(conditional: tuple[Array, ...], covariance: tuple[Array, ...]) -> tuple[float, ...]:
    """Share of information that is in the data, on the effects of each term."""
    return tuple(
        float(1 - np.einsum("jik,ki->j", block, np.linalg.inv(S)).mean() / len(S))
        for block, S in zip(conditional, covariance, strict=True)
    )


def _marginal(problem: Problem, factor: BlockCholesky, covariances: Array) -> tuple[Array, ...]:
    """Posterior covariance of each level's effects, (J, q, q) a term; of all others, (A, A)."""
    out, start = [], problem.X.shape[1]
    for m, (Z, J) in enumerate(zip(problem.Z, problem.n_levels, strict=True)):
        q = Z.shape[1]
        if m == factor.layout.term:
            out.append(factor.of_eliminated(covariances))
        else:
            index = start + np.arange(q)[:, None] * J + np.arange(J)  # (q, J)
            block = covariances[index[:, None, :], index[None, :, :]]
            out.append(block.transpose(2, 0, 1))
            start += q * J
    return tuple(out)
