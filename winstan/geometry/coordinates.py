"""Geometry: coordinates in which the posterior is easy for NUTS.

A quick approximate fit (penalised iteratively reweighted least squares, averaged over the
uncertainty, with EM steps for the variances) tells where the posterior lies, how wide it is, and
what the data say of each level's effects. From it, the effects of a group term are sampled as
standard scores of their own approximate posterior given sds and coefficients
(`winstan.geometry.standard`); coefficients and
these scores are then whitened by the approximate posterior's covariance, their middles and scales
following the sds (`winstan.geometry.stretching`, `winstan.geometry.drift`). Few groups leave the
sds open, and more follows them: of crossed terms (`winstan.geometry.crossing`, `.funnels`), and of
several effects (`winstan.geometry.spreading`). Sds lie on a hyperbola
of their logarithm (`winstan.geometry.sds`), auxiliary parameters are whitened too. None of this
changes the posterior, only its coordinates.

References
----------
Breslow and Clayton (1993), JASA 88, 9-25: penalised quasi-likelihood. Gelfand, Sahu and Carlin
(1995), Biometrika 82, 479-488: hierarchical centring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.geometry.bordered import layout
from winstan.geometry.crossing import Following, crossing, following
from winstan.geometry.drift import Drift, drift
from winstan.geometry.funnels import funnels
from winstan.geometry.laplace import Approximation, approximate
from winstan.geometry.nesting import Crossed, information, nesting
from winstan.geometry.scores import to_coordinates
from winstan.geometry.sds import sd_coordinates, sd_mixing
from winstan.geometry.spreading import NOTHING, Spreading, spreading
from winstan.geometry.standard import TermGeometry, kinds_of_levels
from winstan.geometry.stretching import Stretching, stretching
from winstan.geometry.whitening import Whitening, coefficients_alone, whitened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.geometry.nesting import ParentTerm
    from winstan.geometry.problem import Problem

# Totals, where a user wants them: effects of which the data are taken to say this many times more
# than their prior.
CERTAIN = 1e8
# Units of log sd, for one of its coordinate, from which its lower tail is long.
LONG_TAIL = 0.75
# Fewer groups than these, with a tail of this length, diverge now and then at Stan's acceptance:
# two to four do, and five in one of seventy fits (benchmarks/divergences.py).
FEW_GROUPS = 8
THEIR_TAIL = 0.5
# Standard deviation of means, over cells, in logarithms or logits, from which any number of groups
# does so if an sd may vanish: five events, or fewer, in any number of rows.
OPEN_MEAN = 0.4
# Where a search for better coordinates follows, the approximate fit may end while its steps are so
# many times as long. What else is read from it is plain by then: whether an sd may vanish, and
# whether the response is exact.
SLACK = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Coordinates of all sampled parameters; see `stan/include/data.stan`.

    Where coefficients and effects are integrated out, the variances' are where the search for
    better ones starts (`winstan.marginal.settling`).

    Attributes
    ----------
    terms : tuple of TermGeometry
    order : tuple of int
        Terms, each after those that it is nested in, or whose effects it takes where it is crossed.
    start : tuple of int
        Where each term's effects start among all T: the largest term is last.
    beta_location : ndarray, shape (P,)
    whitening : Whitening
        Scales of the coefficients and of the T effects' scores, none where they are integrated out.
    stretching : Stretching
        How scales of the joint coordinates follow the sds.
    spreading : Spreading
        How the coefficients' covariance follows that of several effects.
    following : Following
        How coefficients undo what crossed effects move.
    drift : Drift
        How coefficients and scores follow the sds.
    log_sd_location, log_sd_scale, log_sd_bend : ndarray, shape (Q,)
        See `winstan.geometry.sds`.
    sd_mixing : ndarray, shape (Q, Q)
        What makes of uncorrelated coordinates those of the sds.
    corr_location, corr_scale : ndarray, shape (n_corr,)
        Of the unconstrained correlations, term by term.
    open_mean : bool
        Whether the data leave the means wide open, or the link confines them.
    aux_location : ndarray, shape (A,)
    aux_scale : ndarray, shape (A, A)
        Diagonal.
    aux_bend, aux_knot, aux_taper : ndarray, shape (A,)
        See `winstan.geometry.auxiliary`.
    sigma_follows_nu : bool
        Whether ``sigma (nu + 1) / nu`` is in sigma's place (`winstan.geometry.student`).
    eta, eta_sd : ndarray, shape (C,)
        The approximate fit's linear predictors, which guards judge the data by.
    """

    terms: tuple[TermGeometry, ...]
    order: tuple[int, ...]
    start: tuple[int, ...]
    beta_location: Array
    whitening: Whitening
    stretching: Stretching
    spreading: Spreading
    following: Following
    drift: Drift
    log_sd_location: Array
    log_sd_scale: Array
    log_sd_bend: Array
    sd_mixing: Array
    corr_location: Array
    corr_scale: Array
    open_mean: bool
    aux_location: Array
    aux_scale: Array
    aux_bend: Array
    aux_knot: Array
    aux_taper: Array
    sigma_follows_nu: bool
    eta: Array
    eta_sd: Array

    @property
    def vanishing(self) -> bool:
        """Whether some sd may be about zero: its logarithm has a long tail there."""
        return bool(np.any(self._tails > LONG_TAIL))

    @property
    def curved(self) -> bool:
        """Whether few groups, or few events, leave some sd so open that NUTS needs small steps."""
        shapes = [term.shape for term in self.terms]
        groups = np.repeat([J for _, J in shapes], [q for q, _ in shapes])
        few = bool(np.any((self._tails > THEIR_TAIL) & (groups < FEW_GROUPS)))
        return few or (self.open_mean and self.vanishing)

    @property
    def _tails(self) -> Array:
        return self.log_sd_scale - self.log_sd_bend


def choose_geometry(
    problem: Problem, parametrization: Mapping[int, bool], *, marginal: bool = False
) -> Geometry:
    """Find the coordinates for a model.

    Parameters
    ----------
    problem
        The model's numbers.
    parametrization
        By number of the group term: True for totals (effects as good as known from the data alone),
        False for z-scores (of which the data say nothing). Terms that it does not name have what
        the data say of them.
    marginal
        Whether coefficients and effects are integrated out: what is drawn of the effects are then
        z-scores, and a few variances remain to be sampled.
    """
    fit = approximate(problem, SLACK if marginal else 1.0)
    terms = _z_scores(problem) if marginal else _terms(problem, fit, parametrization)
    follows = following(fit, terms)
    whitening = coefficients_alone(_root(fit.beta_covariance), np.zeros(0))
    if not marginal:
        whitening = _standardise(problem, fit, terms, follows)
    axes = funnels(fit, terms, follows, whitening)
    spread = None if axes or marginal else spreading(fit, terms, whitening)
    stretch = stretching(fit, () if marginal or spread else terms)
    if axes is not None:
        stretch = axes.stretching
        whitening = replace(whitening, joint_scale=whitening.joint_scale @ axes.turn)
    elif spread is not None:
        whitening = replace(whitening, joint_scale=whitening.joint_scale @ spread[0])
    corr_location, corr_scale = _correlations(problem, fit)
    sds = sd_coordinates(problem, fit, [bool(np.any(t.information)) for t in terms])
    # Each term after those that it takes of: the largest is last, among its like too.
    last = layout(problem).term
    order = tuple(sorted(range(len(problem.Z)), key=lambda m: (problem.n_levels[m], m == last)))
    start = _starts(problem)
    return Geometry(
        terms=terms,
        order=order,
        start=start,
        beta_location=fit.beta,
        whitening=whitening,
        stretching=stretch,
        spreading=NOTHING if spread is None else spread[1],
        following=follows,
        drift=drift(problem, fit, terms, follows, order, start, whitening, axes, sds[1]),
        log_sd_location=sds[0],
        log_sd_scale=sds[1],
        log_sd_bend=sds[2],
        sd_mixing=sd_mixing(fit),
        corr_location=corr_location,
        corr_scale=corr_scale,
        open_mean=_open_mean(problem, fit),
        aux_location=fit.aux_coordinates.location,
        aux_scale=np.diag(fit.aux_coordinates.scale),
        aux_bend=fit.aux_coordinates.bend,
        aux_knot=fit.aux_coordinates.knot,
        aux_taper=fit.aux_coordinates.taper,
        sigma_follows_nu=problem.likelihood.tails,
        eta=fit.eta,
        eta_sd=fit.eta_sd,
    )


def _terms(
    problem: Problem, fit: Approximation, parametrization: Mapping[int, bool]
) -> tuple[TermGeometry, ...]:
    """Find each term's information and score, and what moves its totals."""
    parents = nesting(problem)
    known = information(problem, fit.cell_information, fit.effect_covariance, parents)
    effects = _by_term(problem, fit.u)
    carried = _carried_once(problem, parents)
    nothing: tuple[tuple[Crossed, ...], ...] = ((),) * len(parents)
    factored = fit.factor is not None
    across = crossing(problem, fit.cell_information, parents) if factored else nothing
    terms = []
    for m, (G, S) in enumerate(zip(known, fit.effect_covariance, strict=True)):
        precision, wanted = np.linalg.inv(S), parametrization.get(m)
        if wanted is None:
            own, kind = kinds_of_levels(G, S)
        else:
            own, kind = (CERTAIN if wanted else 0.0) * precision[None], np.zeros(len(G), int)
        own = (own + np.swapaxes(own, 1, 2)) / 2  # symmetric to the last digit
        inside = parents[m] if np.any(own) else ()
        beside = across[m] if np.any(own) else ()
        # The fit's effects are where prior and likelihood balance, about the fit's means.
        total = effects[m] + sum(o.A @ effects[o.term][:, o.level] for o in inside)
        for crossed in beside:
            total += (crossed.A @ effects[crossed.term].ravel()).reshape(total.shape)
        score = precision @ effects[m] + np.einsum("jik,kj->ij", own[kind], total)
        of_beta = carried[m] if np.any(own) else np.zeros_like(carried[m])
        terms.append(TermGeometry(own, kind, score, of_beta, inside, beside))
    return tuple(terms)


def _open_mean(problem: Problem, fit: Approximation) -> bool:
    if not problem.likelihood.link.unitless:
        return problem.likelihood.family.positive_mean  # confined, by a bound that may be near
    variance = ((problem.X @ fit.beta_covariance) * problem.X).sum(axis=1)
    return bool(variance.size and np.sqrt(variance.mean()) > OPEN_MEAN)


def _z_scores(problem: Problem) -> tuple[TermGeometry, ...]:
    """Coordinates of effects that are drawn as z-scores, beside sds that are sampled."""
    return tuple(
        TermGeometry(
            information=np.zeros((1, Z.shape[1], Z.shape[1])),
            kind=np.zeros(J, int),
            score=np.zeros((Z.shape[1], J)),
            carried=np.zeros((Z.shape[1], J, problem.X.shape[1])),
            parents=(),
        )
        for Z, J in zip(problem.Z, problem.n_levels, strict=True)
    )


def _by_term(problem: Problem, u: Array) -> list[Array]:
    """Part effects into those of each term, shape (q, J) each."""
    parts, at = [], 0
    for Z, J in zip(problem.Z, problem.n_levels, strict=True):
        parts.append(u[at : at + Z.shape[1] * J].reshape(-1, J))
        at += Z.shape[1] * J
    return parts


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


def _carried_once(problem: Problem, parents: tuple[tuple[ParentTerm, ...], ...]) -> list[Array]:
    """Give each term what its totals carry of the coefficients, each coefficient to one term.

    Crossed terms that all followed the intercept would undo its move several times over. (A term
    that is nested in another follows what the two of them add up to.)
    """
    out = [_carried(problem, m) for m in range(len(problem.Z))]
    done: list[int] = []
    for m in sorted(range(len(out)), key=lambda m: -problem.n_levels[m]):
        for p in done:
            if all(outer.term != m for outer in parents[p]):
                out[m][:, :, np.any(out[p], axis=(0, 1))] = 0.0
        done.append(m)
    return out


def _carried(problem: Problem, m: int) -> Array:
    """Let the totals carry the population columns that vary as the term's own do, (q, J, P).

    Those in the span of the term's predictors (the intercept, the slope's predictor), and those in
    it within each level (a treatment of whole groups).
    """
    X, Z, level, J = problem.X, problem.Z[m], problem.level[m], problem.n_levels[m]
    q, P = Z.shape[1], X.shape[1]
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
    return out


def _standardise(
    problem: Problem, fit: Approximation, terms: tuple[TermGeometry, ...], follows: Following
) -> Whitening:
    """Find the scales of coefficients and effects' scores, which are zero at the fit."""
    at, P = layout(problem), len(fit.beta)
    whole = to_coordinates(fit.effect_covariance, terms, follows, at.others)
    if fit.factor is not None:
        return whitened(whole, fit.factor, P)
    # Each group's own information will do for a scale.
    to_sampled = whole[P:]
    variance = to_sampled.multiply(to_sampled) @ np.concatenate(
        [np.diag(fit.beta_covariance), fit.u_variance]
    )
    stored = np.concatenate([at.others[P:], at.first]) - P
    return coefficients_alone(_root(fit.beta_covariance), np.sqrt(variance)[stored])


def _starts(problem: Problem) -> tuple[int, ...]:
    """Where each term's effects start, the largest term's last."""
    sizes = [Z.shape[1] * J for Z, J in zip(problem.Z, problem.n_levels, strict=True)]
    starts, at, last = [0] * len(sizes), 0, layout(problem).term
    for m in sorted(range(len(sizes)), key=lambda m: m == last):
        starts[m] = at
        at += sizes[m]
    return tuple(starts)


def _root(covariance: Array) -> Array:
    return np.linalg.cholesky(covariance) if covariance.size else covariance
