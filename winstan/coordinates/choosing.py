"""The coordinates that the approximate fit of a model suggests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.block_cholesky import layout
from winstan.approximation.laplace import Approximation, approximate
from winstan.coordinates.along_profile import along_profile
from winstan.coordinates.conditional import Conditional
from winstan.coordinates.coordinates import Coordinates
from winstan.coordinates.crossing import Compensation, compensate, crossing
from winstan.coordinates.decorrelation import Decorrelation, decorrelate, decorrelate_coefficients
from winstan.coordinates.following_noise import follow_noise
from winstan.coordinates.funnels import funnels
from winstan.coordinates.nesting import Crossed, information, nesting
from winstan.coordinates.profiled import Profiled
from winstan.coordinates.scores import to_coordinates
from winstan.coordinates.sd_dependent_covariance import NOTHING, find_sd_dependent_covariance
from winstan.coordinates.sd_dependent_location import find_sd_dependent_location
from winstan.coordinates.sd_dependent_scale import find_sd_dependent_scale
from winstan.coordinates.sds import sd_coordinates, sd_correlation_root
from winstan.coordinates.standard import TermCoordinates, classify_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.approximation.problem import Problem
    from winstan.coordinates.nesting import ParentTerm


# Totals, where a user wants them: effects of which the data are taken to say this many times more
# than their prior.
CERTAIN = 1e8
# Standard deviation of means, over cells, in logarithms or logits, from which any number of groups
# diverges (`Coordinates.curved`) if an sd may vanish: five events, or fewer, in any number of rows.
OPEN_MEAN = 0.4


def choose_coordinates(
    problem: Problem,
    parametrization: Mapping[int, bool],
    *,
    marginal: bool = False,
    given_noise: bool = False,
) -> Coordinates:
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
    given_noise
        Whether coefficients and effects may follow the noise, where the family says how.
    """
    fit = approximate(problem, problem.tuning.slack if marginal else 1.0)
    terms = _z_scores(problem) if marginal else _terms(problem, fit, parametrization)
    compensation = compensate(fit, terms)
    decorrelation = decorrelate_coefficients(_root(fit.beta_covariance), np.zeros(0))
    if not marginal:
        decorrelation = _standardise(problem, fit, terms, compensation)
    axes = funnels(fit, terms, compensation, decorrelation)
    spread = None if axes or marginal else find_sd_dependent_covariance(fit, terms, decorrelation)
    scale = find_sd_dependent_scale(fit, () if marginal or spread else terms)
    if axes is not None:
        scale = axes.sd_dependent_scale
        decorrelation = replace(
            decorrelation, remaining_scale=decorrelation.remaining_scale @ axes.rotation
        )
    elif spread is not None:
        decorrelation = replace(
            decorrelation, remaining_scale=decorrelation.remaining_scale @ spread[0]
        )
    corr_location, corr_scale = _correlations(problem, fit)
    sds = sd_coordinates(problem, fit, [bool(np.any(t.information)) for t in terms])
    # Each term after those that it takes of: the largest is last, among its like too.
    last = layout(problem).term
    order = tuple(sorted(range(len(problem.Z)), key=lambda m: (problem.n_levels[m], m == last)))
    start = _starts(problem)
    found = Coordinates(
        terms=terms,
        order=order,
        start=start,
        beta_location=fit.beta,
        decorrelation=decorrelation,
        sd_dependent_scale=scale,
        sd_dependent_covariance=NOTHING if spread is None else spread[1],
        compensation=compensation,
        sd_dependent_location=find_sd_dependent_location(
            problem, fit, terms, compensation, order, start, decorrelation, axes, sds[1]
        ),
        log_sd_location=sds[0],
        log_sd_scale=sds[1],
        log_sd_skew=sds[2],
        sd_correlation_root=sd_correlation_root(fit),
        corr_location=corr_location,
        corr_scale=corr_scale,
        open_mean=_open_mean(problem, fit),
        aux_location=fit.aux_coordinates.location,
        aux_scale=np.diag(fit.aux_coordinates.scale),
        aux_skew=fit.aux_coordinates.skew,
        aux_knot=fit.aux_coordinates.knot,
        aux_taper=fit.aux_coordinates.taper,
        aux_regression=fit.aux_coordinates.regression,
        profiled=Profiled.nothing(len(fit.free_aux), problem.column_sds.n),
        conditional=Conditional.nothing(),
        effects_of_sd=_effects_of_sd(problem),
        sigma_follows_nu=problem.likelihood.tails,
        eta=fit.eta,
        eta_sd=fit.eta_sd,
    )
    if given_noise:
        found = follow_noise(found, problem, fit)
    return found if marginal else along_profile(found, problem, fit)


def _terms(
    problem: Problem, fit: Approximation, parametrization: Mapping[int, bool]
) -> tuple[TermCoordinates, ...]:
    """Find each term's information and score, and what moves its totals."""
    parents = nesting(problem)
    known = information(problem, fit.cell_information, fit.effect_covariance, parents)
    effects = _by_term(problem, fit.u)
    centring = _centring_once(problem, parents)
    nothing: tuple[tuple[Crossed, ...], ...] = ((),) * len(parents)
    factored = fit.factor is not None
    across = crossing(problem, fit.cell_information, parents) if factored else nothing
    terms = []
    for m, (G, S) in enumerate(zip(known, fit.effect_covariance, strict=True)):
        precision, wanted = np.linalg.inv(S), parametrization.get(m)
        if wanted is None:
            own, information_class = classify_levels(G, S)
        else:
            own = (CERTAIN if wanted else 0.0) * precision[None]
            information_class = np.zeros(len(G), int)
        own = (own + np.swapaxes(own, 1, 2)) / 2  # symmetric to the last digit
        inside = parents[m] if np.any(own) else ()
        beside = across[m] if np.any(own) else ()
        # The fit's effects are where prior and likelihood balance, about the fit's means.
        total = effects[m] + sum(o.A @ effects[o.term][:, o.level] for o in inside)
        for crossed in beside:
            total += (crossed.A @ effects[crossed.term].ravel()).reshape(total.shape)
        score = precision @ effects[m] + np.einsum("jik,kj->ij", own[information_class], total)
        of_beta = centring[m] if np.any(own) else np.zeros_like(centring[m])
        terms.append(TermCoordinates(own, information_class, score, of_beta, inside, beside))
    return tuple(terms)


def _open_mean(problem: Problem, fit: Approximation) -> bool:
    if not problem.likelihood.link.unitless:
        return problem.likelihood.family.positive_mean  # confined, by a bound that may be near
    variance = ((problem.X @ fit.beta_covariance) * problem.X).sum(axis=1)
    return bool(variance.size and np.sqrt(variance.mean()) > OPEN_MEAN)


def _z_scores(problem: Problem) -> tuple[TermCoordinates, ...]:
    """Coordinates of effects that are drawn as z-scores, beside sds that are sampled."""
    return tuple(
        TermCoordinates(
            information=np.zeros((1, Z.shape[1], Z.shape[1])),
            information_class=np.zeros(J, int),
            score=np.zeros((Z.shape[1], J)),
            centring=np.zeros((Z.shape[1], J, problem.X.shape[1])),
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


def _centring_once(problem: Problem, parents: tuple[tuple[ParentTerm, ...], ...]) -> list[Array]:
    """Give each term its centring matrix, each coefficient to one term.

    Crossed terms that all followed the intercept would undo its move several times over. (A term
    that is nested in another follows what the two of them add up to.)
    """
    out = [_centring(problem, m) for m in range(len(problem.Z))]
    done: list[int] = []
    for m in sorted(range(len(out)), key=lambda m: -problem.n_levels[m]):
        for p in done:
            if all(outer.term != m for outer in parents[p]):
                out[m][:, :, np.any(out[p], axis=(0, 1))] = 0.0
        done.append(m)
    return out


def _centring(problem: Problem, m: int) -> Array:
    """Centre the totals on the population columns that vary as the term's own do, (q, J, P).

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
    problem: Problem,
    fit: Approximation,
    terms: tuple[TermCoordinates, ...],
    compensation: Compensation,
) -> Decorrelation:
    """Find the scales of coefficients and effects' scores, which are zero at the fit."""
    at, P = layout(problem), len(fit.beta)
    whole = to_coordinates(fit.effect_covariance, terms, compensation, at.remaining)
    if fit.factor is not None:
        return decorrelate(whole, fit.factor, P, problem.tuning)
    # Each group's own information will do for a scale.
    to_sampled = whole[P:]
    variance = to_sampled.multiply(to_sampled) @ np.concatenate(
        [np.diag(fit.beta_covariance), fit.u_variance]
    )
    stored = np.concatenate([at.remaining[P:], at.eliminated]) - P
    return decorrelate_coefficients(_root(fit.beta_covariance), np.sqrt(variance)[stored])


def _starts(problem: Problem) -> tuple[int, ...]:
    """Where each term's effects start, the largest term's last."""
    sizes = [Z.shape[1] * J for Z, J in zip(problem.Z, problem.n_levels, strict=True)]
    starts, at, last = [0] * len(sizes), 0, layout(problem).term
    for m in sorted(range(len(sizes)), key=lambda m: m == last):
        starts[m] = at
        at += sizes[m]
    return tuple(starts)


def _effects_of_sd(problem: Problem) -> np.ndarray:
    columns = problem.column_sds
    levels = np.repeat(problem.n_levels, [Z.shape[1] for Z in problem.Z])
    return np.array(
        [levels[(columns.of == k) | (columns.length == k)].sum() for k in range(columns.n)], int
    )


def _root(covariance: Array) -> Array:
    return np.linalg.cholesky(covariance) if covariance.size else covariance
