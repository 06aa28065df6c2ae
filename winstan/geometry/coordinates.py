"""Geometry: coordinates in which the posterior is easy for NUTS.

A quick approximate fit (penalised iteratively reweighted least squares with EM steps for the
variances) tells where the posterior lies, how wide it is, and how well each group is informed.
From it, for each group term:

* in well informed directions of the effects the *total* (population, outer groups and deviation)
  is sampled: hierarchical centring;
* in poorly informed ones the z-score of the deviation (non-centred).

The directions are those in which likelihood and prior are both uncorrelated: a group's level is
often known well, and its slope hardly.

Coefficients and effects are measured from their approximate posterior mean, and whitened by its
covariance; sds and auxiliary parameters are scaled one by one. None of this changes the posterior,
only its coordinates.

References
----------
Papaspiliopoulos, Roberts and Skold (2007), Statistical Science 22, 59-73: the rates of both
parametrisations by the share of information in the data. Breslow and Clayton (1993), JASA 88,
9-25: penalised quasi-likelihood. Gelfand, Sahu and Carlin (1995), Biometrika 82, 479-488:
hierarchical centring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from winstan.geometry.bordered import solve_lower
from winstan.geometry.laplace import Approximation, approximate
from winstan.geometry.nesting import Outer, information, nesting
from winstan.geometry.sds import sd_coordinates
from winstan.geometry.whitening import Whitening, coefficients_alone, whitened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families.links import Array
    from winstan.geometry.laplace import Problem

# Totals mix faster where the data hold more than half of the information on a group's effects,
# and that must still hold at the small end of the sds' posterior, this many scales of log sd below
# its middle: a funnel that opens there makes totals diverge, whereas z-scores are merely slower.
CENTER_ABOVE = 0.5
CAUTION = 2.5
# The sd of fewer levels is so uncertain that totals centred on their effects meet divergences at
# Stan's own step size (four mice, 24 neurons: five in 4,000 draws).
FEW_LEVELS = 10


@dataclass(frozen=True, slots=True, eq=False)
class TermGeometry:
    """Coordinates of one group term of q effects on J levels.

    Attributes
    ----------
    centered : int
        In how many directions, the first ones, totals are sampled; z-scores in the others.
    basis : ndarray, shape (q, q)
        Its columns are the directions: a level's effects are ``basis @ v``.
    carried : ndarray, shape (q, J, P)
        What of the totals the population coefficients make up, direction by direction.
    outers : tuple of Outer
        The terms that this one is nested in, whose deviations its totals include; `A` is here from
        their directions to this term's.
    share : ndarray, shape (q,)
        By direction, the share of information on the effects that is in the data, 0 to 1.
    """

    centered: int
    basis: Array
    carried: Array
    outers: tuple[Outer, ...]
    share: Array


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Coordinates of all sampled parameters; see `stan/include/data.stan`.

    Attributes
    ----------
    terms : tuple of TermGeometry
    order : tuple of int
        Terms, each after those that it is nested in.
    Z : ndarray, shape (C, Q)
        Group predictors, each term's in its directions.
    beta_location, effect_location : ndarray, shapes (P,), (T,)
        Effects are totals and z-scores; none where they are integrated out.
    whitening : Whitening
        Scales of the coefficients and effects.
    log_sd_location, log_sd_scale, log_sd_bend : ndarray, shape (Q,)
        See `winstan.geometry.sds`.
    corr_location, corr_scale : ndarray, shape (n_corr,)
        Of the unconstrained correlations, term by term.
    log_aux_location, log_aux_scale : ndarray, shape (A,)
    metric : {"diag_e", "dense_e"}
        The Euclidean metric for NUTS to adapt.
    curved : bool
        Whether correlations near one, or a wide posterior of an sd, may curve the posterior of what
        is sampled beyond what the coordinates undo: random slopes, terms nested in few levels.
    """

    terms: tuple[TermGeometry, ...]
    order: tuple[int, ...]
    Z: Array
    beta_location: Array
    effect_location: Array
    whitening: Whitening
    log_sd_location: Array
    log_sd_scale: Array
    log_sd_bend: Array
    corr_location: Array
    corr_scale: Array
    log_aux_location: Array
    log_aux_scale: Array
    metric: str
    curved: bool


def choose_geometry(
    problem: Problem, parametrization: Mapping[int, bool], *, marginal: bool = False
) -> Geometry:
    """Find the coordinates for a model.

    Parameters
    ----------
    problem
        The model's numbers.
    parametrization
        By number of the group term: True to sample totals, False to sample z-scores. Terms that it
        does not name are decided from the data.
    marginal
        Whether coefficients and effects are integrated out: what is drawn of the effects are then
        z-scores, and a few variances remain to be sampled, with a dense metric.
    """
    fit = approximate(problem)
    if marginal:
        parametrization = dict.fromkeys(range(len(problem.Z)), False)
    outers = nesting(problem)
    known = information(problem, fit.cell_information, fit.effect_covariance, outers)
    directions = [
        _directions(G, S, parametrization.get(m))
        for m, (G, S) in enumerate(zip(known, fit.effect_covariance, strict=True))
    ]
    terms = []
    for m, (basis, share, centered) in enumerate(directions):
        turn = np.linalg.inv(basis)
        kept = (np.arange(len(turn)) < centered)[:, None]
        terms.append(
            TermGeometry(
                centered=centered,
                basis=basis,
                carried=_carried(problem, m, np.where(kept, turn, 0.0)),
                outers=tuple(
                    Outer(o.term, o.level, np.where(kept, turn @ o.A @ directions[o.term][0], 0.0))
                    for o in outers[m]
                    if centered
                ),
                share=share,
            )
        )
    location, whitening = np.zeros(0), coefficients_alone(_root(fit.beta_covariance), np.zeros(0))
    if not marginal:
        location, whitening = _standardise(problem, fit, tuple(terms))
    corr_location, corr_scale = _correlations(problem, fit)
    sds = sd_coordinates(problem, fit)
    C = problem.X.shape[0]
    return Geometry(
        terms=tuple(terms),
        order=tuple(int(m) for m in np.argsort(problem.n_levels, kind="stable")),
        Z=np.hstack(
            [Z @ t.basis for Z, t in zip(problem.Z, terms, strict=True)] or [np.zeros((C, 0))]
        ),
        beta_location=fit.beta,
        effect_location=location,
        whitening=whitening,
        log_sd_location=sds[0],
        log_sd_scale=sds[1],
        log_sd_bend=sds[2],
        corr_location=corr_location,
        corr_scale=corr_scale,
        log_aux_location=fit.log_aux,
        log_aux_scale=fit.log_aux_scale,
        metric="dense_e" if marginal else "diag_e",
        curved=any(
            len(t.basis) > 1 or any(problem.n_levels[o.term] < FEW_LEVELS for o in t.outers)
            for t in terms
        ),
    )


def _directions(known: Array, S: Array, wanted: bool | None) -> tuple[Array, Array, int]:
    """Choose a term's directions: their basis, the data's share of information, how many centred.

    In the columns of the basis the effects have unit variance and no correlation under the prior's
    estimate, and none under the likelihood of an average level: eigenvectors of both at once.
    """
    J, q = known.shape[:2]
    root = np.linalg.cholesky(S)
    odds, U = np.linalg.eigh(root.T @ known.mean(axis=0) @ root)
    odds, U = np.maximum(odds[::-1], 1e-12), U[:, ::-1]
    share = odds / (1 + odds)
    if wanted is False:
        return np.eye(q), share, 0
    # As in the approximate fit: the sd of a direction is known to about this, on the log scale.
    scale = np.clip(1 / np.sqrt(2 * J * share**2), 0.05, 1.0)
    small = odds * np.exp(-2 * CAUTION * scale)
    centered = q if wanted else int(np.count_nonzero(small / (1 + small) > CENTER_ABOVE))
    basis = np.eye(1) if q == 1 else root @ U
    return (basis if centered else np.eye(q)), share, centered


def _correlations(problem: Problem, fit: Approximation) -> tuple[Array, Array]:
    """Canonical partial correlations of the effects, as artanh, and about their posterior sd.

    Fisher's: one over the root of the number of groups, here of well-informed groups.
    """
    location, scale = [], []
    for covariance, correlated, J, share in zip(
        fit.effect_covariance,
        problem.correlated,
        problem.n_levels,
        fit.information_share,
        strict=True,
    ):
        q = covariance.shape[0]
        if not correlated or q < 2:
            continue
        sd = np.sqrt(np.diag(covariance))
        factor = np.linalg.cholesky(covariance / np.outer(sd, sd))
        left = 1 - np.cumsum(np.square(factor), axis=1) + np.square(factor)
        below = np.tril_indices(q, -1)  # row by row
        partial = factor[below] / np.sqrt(left[below])
        location.append(np.arctanh(np.clip(partial, -0.9, 0.9)))
        scale.append(np.full(partial.size, np.clip(1 / np.sqrt(J * share**2 + 1e-9), 0.05, 1.0)))
    if not location:
        return np.zeros(0), np.zeros(0)
    return np.concatenate(location), np.concatenate(scale)


def by_row(carried: Array) -> Array:
    """Put (q, J, P) into (q * J, P), P being zero where there is no coefficient."""
    return carried.reshape(carried.shape[0] * carried.shape[1], carried.shape[2])


def _carried(problem: Problem, m: int, turn: Array) -> Array:
    """Let the totals carry the population columns that vary as the term's own do, (q, J, P).

    Those in the span of the term's predictors (the intercept, the slope's predictor), and those in
    it within each level (a treatment of whole groups).
    """
    X, Z, level, J = problem.X, problem.Z[m], problem.level[m], problem.n_levels[m]
    q, P = Z.shape[1], X.shape[1]
    if not turn.any():
        return np.zeros((q, J, P))
    whole = np.repeat(np.linalg.lstsq(Z, X, rcond=None)[0][:, None], J, axis=1)
    gram, right = np.zeros((J, q, q)), np.zeros((J, q, P))
    np.add.at(gram, level, Z[:, :, None] * Z[:, None, :])
    np.add.at(right, level, Z[:, :, None] * X[:, None, :])
    own = (np.linalg.pinv(gram, hermitian=True) @ right).transpose(1, 0, 2)
    out = np.zeros((q, J, P))
    size = np.abs(X).max(axis=0, initial=0.0)
    for candidate in (own, whole):  # the latter is preferred where both will do
        gap = X - np.einsum("ci,icp->cp", Z, candidate[:, level])
        exact = np.abs(gap).max(axis=0, initial=0.0) <= 1e-9 * size
        out[:, :, exact] = candidate[:, :, exact]
    carried: Array = np.einsum("ik,kjp->ijp", turn, out)
    return carried


def _standardise(
    problem: Problem, fit: Approximation, terms: tuple[TermGeometry, ...]
) -> tuple[Array, Whitening]:
    """Location of the sampled effects, and the scales of coefficients and effects."""
    to_sampled = _to_sampled(problem, fit, terms)
    location: Array = to_sampled @ np.concatenate([fit.beta, fit.u])
    if fit.factor is not None:
        return location, whitened(to_sampled, fit.factor)
    # Each group's own information will do for a scale.
    variance = to_sampled.multiply(to_sampled) @ np.concatenate(
        [np.diag(fit.beta_covariance), fit.u_variance]
    )
    return location, coefficients_alone(_root(fit.beta_covariance), np.sqrt(variance))


def _root(covariance: Array) -> Array:
    return np.linalg.cholesky(covariance) if covariance.size else covariance


def _to_sampled(
    problem: Problem, fit: Approximation, terms: tuple[TermGeometry, ...]
) -> sparse.csr_array:
    """Map (beta, u) to the sampled effects, to which they are linear given the variances."""
    P = problem.X.shape[1]
    rows = [sparse.csr_array((0, P + fit.u.size))]
    for m, term in enumerate(terms):
        q, J = term.basis.shape[0], problem.n_levels[m]
        turn = np.linalg.inv(term.basis)
        root = np.linalg.cholesky(turn @ fit.effect_covariance[m] @ turn.T)
        to_z = solve_lower(root, turn)
        own = np.where((np.arange(q) < term.centered)[:, None], turn, to_z)
        row: list[Any] = [sparse.csr_array(by_row(term.carried))]
        for n in range(len(terms)):
            if n == m:
                row.append(sparse.kron(sparse.csr_array(own), sparse.eye_array(J)))
                continue
            found = next((o for o in term.outers if o.term == n), None)
            q_n, J_n = terms[n].basis.shape[0], problem.n_levels[n]
            if found is None:
                row.append(sparse.csr_array((q * J, q_n * J_n)))
            else:
                spread = sparse.csr_array((np.ones(J), (np.arange(J), found.level)), shape=(J, J_n))
                A = found.A @ np.linalg.inv(terms[n].basis)
                row.append(sparse.kron(sparse.csr_array(A), spread))
        rows.append(sparse.hstack(row))
    return sparse.vstack(rows, format="csr")
