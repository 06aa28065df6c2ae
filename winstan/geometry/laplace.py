"""A quick approximate fit of a mixed model on its cells: where the posterior lies, and how wide.

Penalised iteratively reweighted least squares for coefficients and effects, EM steps for their
variances, and a few Newton-like steps for the auxiliary parameters. It starts the sampler and
scales it; nothing that a user sees comes from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.geometry.auxiliary import (
    auxiliary_scale,
    both_sides,
    confined,
    fit_auxiliary,
    objective,
)
from winstan.geometry.bordered import Bordered, Layout, factorise, layout, solve_lower
from winstan.geometry.design import columns_of

if TYPE_CHECKING:
    from winstan.families import Family
    from winstan.families.likelihoods import Statistics
    from winstan.families.links import Array, Link
    from winstan.geometry.design import Columns
    from winstan.priors import Prior

MAX_ITERATIONS = 60
# Coefficients, and effects of all terms but the largest, up to which the precision is factored.
FACTORED_UP_TO = 3000
# EM's steps shrink slowly where effects are poorly informed: every so many, all that would follow.
EXTRAPOLATED_EVERY = 3
# The least of a cell's expected information that its observed information is taken to be.
KEPT = 0.2


@dataclass(frozen=True, slots=True)
class Problem:
    """A model's numbers, free of names.

    Attributes
    ----------
    X : ndarray, shape (C, P)
        Population design, the intercept's column first, other columns centred if they are to be.
    Z : tuple of ndarray, shape (C, q) each
    level : tuple of ndarray of int, shape (C,) each
    n_levels : tuple of int
    correlated : tuple of bool
    offset : ndarray, shape (C,)
    family, link, statistics
    beta_prior : ndarray, shape (P, 2)
        Mean and standard deviation of a normal of about the prior's width (inf: flat).
    sd_guess : ndarray, shape (Q,)
        A scale of the effects: the mean or median of their prior.
    sd_prior : tuple of Prior
        Of each of the Q sds.
    aux_prior : tuple of Prior
    aux_guess : mapping of str to float
    start : float
        A value of the linear predictor that the data are near: g(mean y).
    """

    X: Array
    Z: tuple[Array, ...]
    level: tuple[np.ndarray, ...]
    n_levels: tuple[int, ...]
    correlated: tuple[bool, ...]
    offset: Array
    family: Family
    link: Link
    statistics: Statistics
    beta_prior: Array
    sd_guess: Array
    sd_prior: tuple[Prior, ...]
    aux_prior: tuple[Prior, ...]
    aux_guess: Mapping[str, float]
    start: float


@dataclass(frozen=True, slots=True)
class Approximation:
    """The approximate posterior.

    Attributes
    ----------
    beta, beta_covariance : ndarray, shapes (P,), (P, P)
    u, u_variance : ndarray, shape (T,)
        Effects, term by term, by column; marginal variances (conditional ones for large models).
    factor : Bordered or None
        The precision of (beta, u), factored; None where it would be too large.
    effect_covariance : tuple of ndarray, shape (q, q) each
    information_share : tuple of float
        Per term, the share of information on its effects that is in the data.
    cell_information : ndarray, shape (C,)
    log_aux : ndarray, shape (A,)
    log_aux_scale : ndarray, shape (A, A)
        Lower triangular; times its transpose, the covariance.
    """

    beta: Array
    beta_covariance: Array
    u: Array
    u_variance: Array
    factor: Bordered | None
    effect_covariance: tuple[Array, ...]
    information_share: tuple[float, ...]
    cell_information: Array
    log_aux: Array
    log_aux_scale: Array


def approximate(problem: Problem) -> Approximation:
    """Fit the model approximately.

    Parameters
    ----------
    problem

    Returns
    -------
    Approximation
    """
    design, at = columns_of(problem), layout(problem)
    P, T = problem.X.shape[1], design.Z.shape[1]
    covariance = _initial_covariances(problem)
    names = problem.family.auxiliary
    log_aux = np.log([problem.aux_guess[name] for name in names]).reshape(len(names))
    theta = np.concatenate([problem.beta_prior[:, 0], np.zeros(T)])
    target = theta.copy()  # the prior's mean
    eta = problem.offset + problem.start
    at_theta = False
    steps: list[Array] = []
    for _ in range(MAX_ITERATIONS):
        before = theta, _log_sds(covariance), log_aux
        aux = dict(zip(names, np.exp(log_aux), strict=True))
        score, information = problem.family.score(problem.statistics, eta, aux, problem.link)
        # A cell of no information (saturated, or without weight) must not divide by zero.
        information = np.maximum(information, 1e-12 * max(information.max(), 1e-300))
        precision = _prior_precision(problem, covariance, dense=design.dense)
        working = eta - problem.offset + score / information
        hessian = design.gram(information) + precision
        right = design.transposed(information * working) + precision @ target
        solution, factor = _solve(hessian, right, at)
        if at_theta:
            theta = _guarded(problem, design, aux, precision, target, theta, solution)
        else:
            theta, at_theta = solution, True
        eta = confined(problem, problem.offset + design @ theta)
        blocks, shares, spread = _effect_blocks(problem, information, covariance, factor)
        log_aux = fit_auxiliary(problem, both_sides(problem, eta, spread), log_aux)
        covariance = _expectation_maximisation(problem, theta[P:], blocks)
        steps.append(_log_sds(covariance) - before[1])
        ahead = _ahead(steps)
        if _settled(before, (theta, _log_sds(covariance) + ahead, log_aux), hessian):
            break
        if len(steps) % EXTRAPOLATED_EVERY == 0 and len(steps) < MAX_ITERATIONS:
            covariance = _rescaled(covariance, np.exp(ahead))
    if not all(np.isfinite(part).all() for part in (theta, *covariance, log_aux)):
        raise np.linalg.LinAlgError("numbers have overflowed")
    information = _observed(problem, eta, spread, dict(zip(names, np.exp(log_aux), strict=True)))
    precision = _prior_precision(problem, covariance, dense=design.dense)
    hessian = design.gram(information) + precision
    factor = factorise(hessian, at) if at.others.size <= FACTORED_UP_TO else None
    blocks, shares, _ = _effect_blocks(problem, information, covariance, factor)
    return _approximation(
        problem, theta, hessian, factor, information, covariance, blocks, shares, log_aux,
        auxiliary_scale(problem, both_sides(problem, eta, spread), log_aux),
    )  # fmt: skip


def _observed(problem: Problem, eta: Array, spread: Array, aux: Mapping[str, float]) -> Array:
    """Observed information of each cell, as it is on average over the effects' uncertainty.

    The expected one, which the iterations use because it is never negative, is of cells that lie
    where the fit has them. (A student's observed information is negative at outliers: some of the
    expected one is kept.)
    """

    def score(at: Array) -> tuple[Array, Array]:
        return problem.family.score(problem.statistics, at, aux, problem.link)

    expected = score(eta)[1]
    expected = np.maximum(expected, 1e-12 * max(expected.max(), 1e-300))
    step = spread + 1e-4 * (np.abs(eta) + 1 / np.sqrt(expected.max()))
    low, high = confined(problem, eta - step), confined(problem, eta + step)
    with np.errstate(all="ignore"):
        observed = (score(low)[0] - score(high)[0]) / (high - low)
    return np.where(np.isfinite(observed), np.maximum(observed, KEPT * expected), expected)


def _initial_covariances(problem: Problem) -> tuple[Array, ...]:
    widths = [Z.shape[1] for Z in problem.Z]
    guesses = np.split(problem.sd_guess, np.cumsum(widths)[:-1]) if widths else []
    return tuple(np.diag(np.square(guess)) for guess in guesses)


def _log_sds(covariance: tuple[Array, ...]) -> Array:
    if not covariance:
        return np.zeros(0)
    return 0.5 * np.log(np.concatenate([np.diag(S) for S in covariance]))


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


def _solve(
    hessian: sparse.csr_array | Array, right: Array, at: Layout
) -> tuple[Array, Bordered | None]:
    """Solve, and give the factor where it is affordable."""
    if at.others.size <= FACTORED_UP_TO:
        factor = factorise(hessian, at)
        return factor.solve(right), factor
    solution, _ = sparse.linalg.cg(
        hessian, right, rtol=1e-6, maxiter=500, M=sparse.diags_array(1 / hessian.diagonal())
    )
    return solution, None


def _guarded(
    problem: Problem,
    design: Columns,
    aux: Mapping[str, float],
    precision: sparse.csr_array | Array,
    target: Array,
    theta: Array,
    solution: Array,
) -> Array:
    """Take the step, halved until the penalised density does not fall."""

    def density(at: Array) -> float:
        penalty = 0.5 * float((at - target) @ (precision @ (at - target)))
        return objective(problem, problem.offset + design @ at, aux, penalty)

    here = density(theta)
    for _ in range(12):
        if density(solution) >= here - 1e-9 * abs(here):
            break
        solution = 0.5 * (theta + solution)
    return solution


def _effect_blocks(
    problem: Problem,
    information: Array,
    covariance: tuple[Array, ...],
    factor: Bordered | None,
) -> tuple[list[Array], list[float], Array]:
    """Posterior covariance of each level's effects, (J, q, q) a term, and information shares.

    Last, the standard deviation, by cell, of what the terms add to the linear predictor, each with
    all others given.
    """
    blocks, shares = [], []
    variance = np.zeros_like(information)
    covariances = None if factor is None else factor.covariance()
    start = problem.X.shape[1]
    for m, (Z, level, J, S) in enumerate(
        zip(problem.Z, problem.level, problem.n_levels, covariance, strict=True)
    ):
        q = Z.shape[1]
        gram = np.stack(
            [
                np.bincount(level, information * Z[:, i] * Z[:, k], minlength=J)
                for i in range(q)
                for k in range(q)
            ],
            axis=1,
        ).reshape(J, q, q)
        conditional = np.linalg.inv(gram + np.linalg.inv(S))
        left = np.einsum("jik,ki->j", conditional, np.linalg.inv(S)).mean() / q
        shares.append(float(1 - left))
        variance += np.einsum("ci,cik,ck->c", Z, conditional[level], Z)
        if factor is None or covariances is None:
            blocks.append(conditional)
        elif m == factor.layout.term:
            blocks.append(factor.of_first(covariances))
        else:
            index = start + np.arange(q)[:, None] * J + np.arange(J)  # (q, J)
            blocks.append(covariances[index[:, None, :], index[None, :, :]].transpose(2, 0, 1))
            start += q * J
    return blocks, shares, np.sqrt(variance)


def _expectation_maximisation(problem: Problem, u: Array, blocks: list[Array]) -> tuple[Array, ...]:
    """One EM step for each term's covariance (Dempster, Laird and Rubin 1977)."""
    out, at = [], 0
    for Z, J, correlated, block in zip(
        problem.Z, problem.n_levels, problem.correlated, blocks, strict=True
    ):
        q = Z.shape[1]
        U = u[at : at + q * J].reshape(q, J)
        S = (U @ U.T + block.sum(axis=0)) / J
        alone = np.diag(np.diag(S))
        # Kept away from singular: a correlation of one has no inverse.
        out.append(S + 0.01 * alone if correlated else alone)
        at += q * J
    return tuple(out)


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


def _settled(
    before: tuple[Array, Array, Array],
    after: tuple[Array, Array, Array],
    hessian: sparse.csr_array | Array,
) -> bool:
    """Whether the last step was small against the posterior's own width."""
    step = np.abs(after[0] - before[0]) * np.sqrt(hessian.diagonal())
    return bool(
        step.max(initial=0.0) < 0.05
        and np.abs(after[1] - before[1]).max(initial=0.0) < 0.02
        and np.abs(after[2] - before[2]).max(initial=0.0) < 0.01
    )


def _approximation(
    problem: Problem,
    theta: Array,
    hessian: sparse.csr_array | Array,
    factor: Bordered | None,
    information: Array,
    covariance: tuple[Array, ...],
    blocks: list[Array],
    shares: list[float],
    log_aux: Array,
    log_aux_scale: Array,
) -> Approximation:
    P = problem.X.shape[1]
    if factor is None:
        beta_covariance = np.linalg.inv(sparse.csr_array(hessian[:P, :P]).toarray())
    else:
        columns = solve_lower(factor.root, np.eye(len(factor.root), P))
        beta_covariance = columns.T @ columns
    return Approximation(
        beta=theta[:P],
        beta_covariance=beta_covariance,
        u=theta[P:],
        u_variance=np.concatenate(
            [np.diagonal(b, axis1=1, axis2=2).T.ravel() for b in blocks] or [np.zeros(0)]
        ),
        factor=factor,
        effect_covariance=covariance,
        information_share=tuple(shares),
        cell_information=information,
        log_aux=log_aux,
        log_aux_scale=log_aux_scale,
    )
