"""Geometry: coordinates in which the posterior is easy for NUTS.

A quick approximate fit (penalised iteratively reweighted least squares with EM steps for the
variances) tells where the posterior lies, how wide it is, and how well each group is informed.
From it, for each group term:

* well informed groups: the *total* effect (population plus deviation) is sampled: hierarchical
  centring, in a basis in which a group's totals are uncorrelated under the likelihood;
* poorly informed groups: the z-score of the deviation is sampled (non-centred).

Every sampled quantity is measured from its approximate posterior mean in units of its approximate
posterior standard deviation. None of this changes the posterior, only its coordinates.

References
----------
Papaspiliopoulos, Roberts and Skold (2007), Statistical Science 22, 59-73: the rates of both
parametrisations by the share of information in the data. Breslow and Clayton (1993), JASA 88,
9-25: penalised quasi-likelihood. Gelfand, Sahu and Carlin (1995), Biometrika 82, 479-488:
hierarchical centring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from winstan.geometry.laplace import Approximation, approximate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families.links import Array
    from winstan.geometry.laplace import Problem

# Totals mix faster where the data hold more than half of the information on a group's effects,
# and that must still hold at the small end of the sds' posterior, this many scales of log sd below
# its middle: a funnel that opens there makes totals diverge, whereas z-scores are merely slower.
CENTER_ABOVE = 0.5
CAUTION = 2.5
# Diagonally scaled, a posterior of this condition number costs NUTS about its square root in
# leapfrog steps; a dense metric then pays, while its cost per step (squared dimension) is small.
DENSE_ABOVE = 20.0
DENSE_UP_TO = 400
# Stan's own target acceptance, and one for random slopes: a correlation near one, or one of the sds
# near zero, curves the posterior so that Stan's step size meets divergences.
ACCEPT = 0.8
ACCEPT_SLOPES = 0.95


@dataclass(frozen=True, slots=True)
class TermGeometry:
    """Coordinates of one group term of q effects on J levels.

    Attributes
    ----------
    centered : bool
        Totals are sampled, ``basis^-1 (B beta + u_j)``; otherwise z-scores of u_j.
    basis : ndarray, shape (q, q)
        Sampled totals to totals of the effects as they are.
    B : ndarray, shape (q, P)
        What of the totals the population coefficients make up; 0 where not centered.
    information : float
        Share of information on the effects that is in the data, 0 to 1.
    """

    centered: bool
    basis: Array
    B: Array
    information: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """Coordinates of all sampled parameters; see `stan/include/data.stan`.

    Attributes
    ----------
    terms : tuple of TermGeometry
    X : ndarray, shape (C, P)
        Population design less what the centred terms carry.
    Z : ndarray, shape (C, Q)
        Group predictors, each term's in its basis.
    beta_location, beta_scale : ndarray, shapes (P,), (P, P)
        ``beta = beta_location + beta_scale @ beta_raw``.
    log_sd_location, log_sd_scale : ndarray, shape (Q,)
    effect_location, effect_scale : ndarray, shape (T,)
    log_aux_location, log_aux_scale : ndarray, shape (A,)
    metric : {"diag_e", "dense_e"}
        The Euclidean metric for NUTS to adapt.
    target_accept : float
        NUTS's target acceptance rate, unless the user gives one.
    """

    terms: tuple[TermGeometry, ...]
    X: Array
    Z: Array
    beta_location: Array
    beta_scale: Array
    log_sd_location: Array
    log_sd_scale: Array
    effect_location: Array
    effect_scale: Array
    log_aux_location: Array
    log_aux_scale: Array
    metric: str
    target_accept: float


def choose_geometry(problem: Problem, parametrization: Mapping[int, bool]) -> Geometry:
    """Find the coordinates for a model.

    Parameters
    ----------
    problem
        The model's numbers.
    parametrization
        By number of the group term: True to sample totals, False to sample z-scores. Terms that it
        does not name are decided from the data.
    """
    fit = approximate(problem)
    X = problem.X.copy()
    terms, Z, at = [], [], 0
    for m, Zm in enumerate(problem.Z):
        share, q = fit.information_share[m], Zm.shape[1]
        log_sd_scale = fit.log_sd_scale[at : at + q].max()
        at += q
        centered = parametrization.get(m, _share_at_small_sd(share, log_sd_scale) > CENTER_ABOVE)
        basis, B = np.eye(q), np.zeros((q, X.shape[1]))
        if centered:
            basis = _orthonormal_basis(Zm, fit.cell_information)
            B, X = _carry(Zm, X)
        terms.append(TermGeometry(centered, basis, B, share))
        Z.append(Zm @ basis)
    location, scale, metric = _standardise(problem, fit, tuple(terms))
    P = X.shape[1]
    return Geometry(
        terms=tuple(terms),
        X=X,
        Z=np.hstack(Z) if Z else np.zeros((X.shape[0], 0)),
        beta_location=fit.beta,
        beta_scale=np.linalg.cholesky(fit.beta_covariance) if P else np.zeros((0, 0)),
        log_sd_location=fit.log_sd,
        log_sd_scale=fit.log_sd_scale,
        effect_location=location,
        effect_scale=scale,
        log_aux_location=fit.log_aux,
        log_aux_scale=fit.log_aux_scale,
        metric=metric,
        target_accept=max(
            (ACCEPT_SLOPES if Zm.shape[1] > 1 else ACCEPT for Zm in problem.Z), default=ACCEPT
        ),
    )


def _share_at_small_sd(share: float, log_sd_scale: float) -> float:
    """Information share of the data, were the effects' sd at the low end of its posterior."""
    odds = share / max(1 - share, 1e-12) * np.exp(-2 * CAUTION * log_sd_scale)
    return float(odds / (1 + odds))


def _orthonormal_basis(Z: Array, information: Array) -> Array:
    """Return a basis in which the effects of a group are uncorrelated under the likelihood."""
    if Z.shape[1] == 1:
        return np.eye(1)
    gram = Z.T @ (information[:, None] * Z) / information.sum()
    scale = np.sqrt(np.diag(gram))
    if not np.all(scale > 0):
        return np.eye(Z.shape[1])
    try:
        upper = np.linalg.cholesky(gram / np.outer(scale, scale)).T * scale
    except np.linalg.LinAlgError:  # columns that depend on each other: the prior alone parts them
        return np.eye(Z.shape[1])
    return linalg.solve_triangular(upper, np.eye(Z.shape[1]))


def _carry(Z: Array, X: Array) -> tuple[Array, Array]:
    """Let a centred term carry the population columns that lie in the span of its own.

    Returns B, with ``X[:, k] = Z @ B[:, k]`` for each column that it carries, and X without those
    columns (zero where they stood).
    """
    B = np.linalg.lstsq(Z, X, rcond=None)[0]
    gap = np.abs(X - Z @ B).max(axis=0, initial=0.0)
    carried = (gap <= 1e-9 * np.abs(X).max(axis=0, initial=0.0)) & np.any(X != 0, axis=0)
    return np.where(carried, B, 0.0), np.where(carried, 0.0, X)


def _standardise(
    problem: Problem, fit: Approximation, terms: tuple[TermGeometry, ...]
) -> tuple[Array, Array, str]:
    """Location and scale of the sampled effects, and the metric their correlations call for."""
    P = problem.X.shape[1]
    if not terms:
        return np.zeros(0), np.zeros(0), "diag_e"
    # The sampled effects are linear in (beta, u) given the variances: one sparse map.
    from_beta, from_u = [], []
    for m, term in enumerate(terms):
        J = problem.n_levels[m]
        if term.centered:
            turn = np.linalg.inv(term.basis)
            from_beta.append(np.repeat(turn @ term.B, J, axis=0))
        else:
            turn = linalg.solve_triangular(
                np.linalg.cholesky(fit.effect_covariance[m]),
                np.eye(term.basis.shape[0]),
                lower=True,
            )
            from_beta.append(np.zeros((turn.shape[0] * J, P)))
        from_u.append(sparse.kron(sparse.csr_array(turn), sparse.eye_array(J)))
    to_sampled = sparse.hstack(
        [sparse.csr_array(np.vstack(from_beta)), sparse.block_diag(from_u)], format="csr"
    )
    location: Array = to_sampled @ np.concatenate([fit.beta, fit.u])
    if fit.factor is None:
        # Too many effects for a dense covariance: each group's own information will do for a scale.
        variance = (to_sampled.multiply(to_sampled)) @ np.concatenate(
            [np.diag(fit.beta_covariance), fit.u_variance]
        )
        return location, np.sqrt(variance), "diag_e"
    whole = sparse.vstack([sparse.eye_array(P, location.size + P), to_sampled]).toarray()
    root = linalg.solve_triangular(fit.factor, whole.T, lower=True)
    deviation: Array = np.sqrt(np.square(root).sum(axis=0))
    metric = "diag_e"
    if deviation.size <= DENSE_UP_TO:
        root /= deviation
        eigenvalues = np.linalg.eigvalsh(root.T @ root)
        # Where sampled totals and coefficients are redundant the smallest one is 0, and dense pays.
        if eigenvalues[-1] > DENSE_ABOVE * max(eigenvalues[0], 1e-12):
            metric = "dense_e"
    return location, deviation[P:], metric
