"""A quick approximate fit of a mixed model on its cells: where the posterior lies, and how wide.

Penalised iteratively reweighted least squares for coefficients and effects, averaged over their own
uncertainty where that is wide (`.averages`), EM steps with the priors for their variances, and a
search for the auxiliary parameters. It starts the sampler and scales it; nothing that a user sees
comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.approximation.auxiliary import (
    AuxiliaryCoordinates,
    auxiliary_coordinates,
    fit_auxiliary,
    numbers_at,
)
from winstan.approximation.averages import observed_information, quadrature_nodes
from winstan.approximation.block_cholesky import BlockCholesky, solve_lower
from winstan.approximation.pirls import PIRLS, State
from winstan.approximation.profile import Profile, follow
from winstan.approximation.sds import sds_of_columns
from winstan.approximation.sensitivities import (
    Sensitivity,
    maximise_covariances,
    sd_sensitivities,
)

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.problem import Problem

MAX_ITERATIONS = 60
# EM's steps shrink slowly where effects are poorly informed: every so many, all that would follow.
EXTRAPOLATED_EVERY = 3


@dataclass(frozen=True, slots=True)
class Approximation:
    """The approximate posterior.

    Attributes
    ----------
    beta, beta_covariance : ndarray, shapes (P,), (P, P)
    eta, eta_sd : ndarray, shape (C,)
        Mean and standard deviation of the cells' linear predictors (`pirls.State.spread`).
    u, u_variance : ndarray, shape (T,)
        Effects, term by term, by column; marginal variances (conditional ones for large models).
    factor : BlockCholesky or None
        The precision of (beta, u), factored; None where it would be too large.
    effect_covariance : tuple of ndarray, shape (q, q) each
    sd : ndarray, shape (Q,)
        The sds, and length-scales, from which it follows.
    sd_slopes : ndarray, shape (N, Q)
        How the log sds of the columns follow their logarithms.
    sensitivities : tuple of Sensitivity
        Of each of the Q sds; empty where they are not needed (`sd_sensitivities`).
    information_share : tuple of float
        Per term, the share of information on its effects that is in the data.
    cell_information : ndarray, shape (B * C,) or (B, B, C)
    free_aux : ndarray, shape (A,)
    aux_coordinates : AuxiliaryCoordinates
    profile : Profile or None
        How all follows one of them, where the family asks for that.
    """

    beta: Array
    beta_covariance: Array
    eta: Array
    eta_sd: Array
    u: Array
    u_variance: Array
    factor: BlockCholesky | None
    effect_covariance: tuple[Array, ...]
    sd: Array
    sd_slopes: Array
    sensitivities: tuple[Sensitivity, ...]
    information_share: tuple[float, ...]
    cell_information: Array
    free_aux: Array
    aux_coordinates: AuxiliaryCoordinates
    profile: Profile | None


def approximate(problem: Problem, slack: float = 1.0) -> Approximation:
    """Fit the model approximately.

    Parameters
    ----------
    problem
    slack
        How many times larger than usual the last step may be.

    Returns
    -------
    Approximation
    """
    pirls = PIRLS.of(problem)
    sd = problem.sd_guess
    covariance = _initial_covariances(problem)
    free_aux = problem.likelihood.free(problem.aux_guess)
    state = pirls.step(None, covariance, numbers_at(problem, free_aux))
    steps: list[Array] = []
    for _ in range(MAX_ITERATIONS):
        before = state, _log_sds(covariance), free_aux
        state = pirls.step(state, covariance, numbers_at(problem, free_aux))
        free_aux = fit_auxiliary(
            problem, quadrature_nodes(problem, state.eta, state.spread), free_aux
        )
        covariance, sd = maximise_covariances(problem, state, sd)
        steps.append(_log_sds(covariance) - before[1])
        ahead = _ahead(steps)
        if _converged(pirls, before, (state, _log_sds(covariance) + ahead, free_aux), slack):
            break
        if len(steps) % EXTRAPOLATED_EVERY == 0 and len(steps) < MAX_ITERATIONS:
            covariance = _rescaled(covariance, np.exp(ahead))
            sd = sd * np.exp(problem.column_sds.shared(ahead))
    if not all(np.isfinite(part).all() for part in (state.theta, *covariance, free_aux)):
        raise np.linalg.LinAlgError("numbers have overflowed")
    aux = numbers_at(problem, free_aux)
    information = observed_information(problem, state.eta, state.spread, aux)
    end = pirls.with_information(state, information, covariance)
    nodes = quadrature_nodes(problem, end.eta, end.spread)
    coordinates = auxiliary_coordinates(problem, nodes, free_aux)
    P, slopes = problem.X.shape[1], problem.column_sds.slopes(sd)
    return Approximation(
        beta=end.theta[:P],
        beta_covariance=_beta_covariance(end, P),
        eta=end.eta,
        eta_sd=end.spread,
        u=end.theta[P:],
        u_variance=np.concatenate(
            [np.diagonal(b, axis1=1, axis2=2).T.ravel() for b in end.blocks] or [np.zeros(0)]
        ),
        factor=end.factor,
        effect_covariance=covariance,
        sd=sd,
        sd_slopes=slopes,
        sensitivities=sd_sensitivities(pirls, end, covariance, aux, slopes),
        information_share=end.shares,
        cell_information=information,
        free_aux=free_aux,
        aux_coordinates=coordinates,
        profile=follow(pirls, state, covariance, sd, free_aux, coordinates.scale),
    )


def _initial_covariances(problem: Problem) -> tuple[Array, ...]:
    widths = [Z.shape[1] for Z in problem.Z]
    sd = sds_of_columns(problem.column_sds, problem.sd_guess)
    guesses = np.split(sd, np.cumsum(widths)[:-1]) if widths else []
    return tuple(np.diag(np.square(guess)) for guess in guesses)


def _log_sds(covariance: tuple[Array, ...]) -> Array:
    if not covariance:
        return np.zeros(0)
    return 0.5 * np.log(np.concatenate([np.diag(S) for S in covariance]))


def _ahead(steps: list[Array]) -> Array:
    """Predict what EM's steps of log sd still add up to: each is a share of the last (Aitken)."""
    if len(steps) < 2:
        return np.zeros_like(steps[-1])
    last, step = steps[-2:]
    share = np.clip(step * last / np.maximum(np.square(last), 1e-300), 0.0, 0.9)
    return np.clip(step * share / (1 - share), -1.0, 1.0)


def _rescaled(covariance: tuple[Array, ...], factor: Array) -> tuple[Array, ...]:
    parts = np.split(factor, np.cumsum([len(S) for S in covariance])[:-1])
    return tuple(S * np.outer(f, f) for S, f in zip(covariance, parts, strict=False))


def _converged(
    pirls: PIRLS,
    before: tuple[State, Array, Array],
    after: tuple[State, Array, Array],
    slack: float,
) -> bool:
    """Whether the last step was small against the posterior's own width."""
    return bool(
        pirls.largest_step(before[0], after[0]) < 0.05 * slack
        and np.abs(after[1] - before[1]).max(initial=0.0) < 0.02 * slack
        and np.abs(after[2] - before[2]).max(initial=0.0) < 0.01 * slack
    )


def _beta_covariance(state: State, P: int) -> Array:
    if state.factor is None:
        return np.linalg.inv(sparse.csr_array(state.hessian[:P, :P]).toarray())
    columns = solve_lower(state.factor.root, np.eye(len(state.factor.root), P))
    return columns.T @ columns
