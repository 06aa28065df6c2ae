"""Draws of a posterior as points on the whole line, and their density there, constants and all.

The points are those of `winstan.draws.Sampled`, each number on the whole line: coefficients (where
the priors are), logarithms of sds, free correlations, other numbers, and effects as standard
scores, which hardly depend on the sds. No sampler, and no compiled program, is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.centering import moved_by_means
from winstan.coordinates.standard import standard_roots
from winstan.correlations import (
    correlation_factors,
    free_correlations,
    log_slope_of_matrices,
)
from winstan.draws import Sampled, canonical, deviations, standard_scores
from winstan.effects.log_prior import log_prior
from winstan.effects.means import eta_at, rows_of, take_rows
from winstan.evidence.coefficients import FreeCoefficients
from winstan.families.namespace import NUMPY
from winstan.families.ordered import middle
from winstan.priors import Flat
from winstan.unconstrained import numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.domains import Domain
    from winstan.model import Model

# Numbers of all draws held at once.
CHUNK = 2_000_000
# Below which an sd is no longer told from zero: its covariance would have no inverse.
LEAST_LOG_SD = -300.0
# Shares that shrinkage reports.
_PARTS = ("R2D2_phi",)


@dataclass(frozen=True, slots=True)
class Space:
    """The space of a model whose coefficients and effects are sampled.

    Attributes
    ----------
    model : Model
    coefficients : FreeCoefficients
    sizes : tuple of int
        Coefficients, sds, correlations, other numbers, effects.
    """

    model: Model
    coefficients: FreeCoefficients
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, model: Model) -> Space:
        """Return the space of a model."""
        coordinates = model.coordinates
        sizes = (
            coordinates.beta_location.size,
            sum(group.q for group in model.stacked.groups),
            model.stacked.n_correlations,
            coordinates.aux_location.size,
            sum(term.score.size for term in coordinates.terms),
        )
        return cls(model, FreeCoefficients(model), sizes)

    @property
    def size(self) -> int:
        """Dimensions, D."""
        return sum(self.sizes)

    @property
    def _domains(self) -> list[Domain]:
        """Where the other numbers lie: the family's own first."""
        domains = list(self.model.likelihood.domains)
        for more in (self.model.shrinkage, self.model.simplexes):
            domains += [] if more is None else more.domains
        return domains

    def points(self, posterior: Mapping[str, Array]) -> Array:
        """Return draws by variable, (S, *dims), as points, (S, D)."""
        model, stacked = self.model, self.model.stacked
        found = natural_values(model, posterior)
        u = effects_of(model, posterior)
        free = [
            np.asarray(domain.backward(found.numbers[:, a]))
            for a, domain in enumerate(self._domains)
        ]
        matrices = correlation_matrices(model, posterior)
        partial = [free_correlations(matrix) for matrix in matrices]
        factors = [
            correlation_factors(own, matrix.shape[-1])
            for own, matrix in zip(partial, matrices, strict=True)
        ]
        roots = stacked.roots(found.sd, factors)
        scores = standard_scores(model, found.beta, found.numbers, u, roots)
        n = len(found.beta)
        parts = [self.coefficients.free(found.beta, found.numbers), np.log(found.sd), *partial]
        parts += [np.stack(free, axis=-1) if free else np.zeros((n, 0)), scores]
        return np.concatenate(parts, axis=1)

    def log_density(self, points: Array) -> Array:
        """Log of likelihood times prior times Jacobian, (S,), at points, (S, D)."""
        cells = self.model.cells
        step = max(1, CHUNK // (self.size + cells.offset.size))
        with np.errstate(all="ignore"):  # points far out have no density
            parts = [
                self._of_some(points[start : start + step]) for start in range(0, len(points), step)
            ]
        out = np.concatenate(parts)
        return np.where(np.isfinite(out), out, -np.inf)

    def _of_some(self, points: Array) -> Array:
        model, stacked = self.model, self.model.stacked
        free_beta, log_sd, partial, free, effect = np.split(
            points[None], np.cumsum(self.sizes)[:-1], axis=-1
        )
        correlated = [group for group in stacked.groups if group.has_correlations]
        factors = [correlation_factors(partial[..., g.correlations], g.q) for g in correlated]
        sd, numbers = np.exp(np.maximum(log_sd, LEAST_LOG_SD)), numbers_of(model, free)
        beta, out = self.coefficients.bound(free_beta[0], numbers[0])
        sampled = Sampled(beta[None], sd, factors, effect, numbers)
        posterior = {name: draws[0] for name, draws in canonical(model, sampled).items()}
        for of_one in log_prior(model, posterior).values():
            out = out + of_one
        out = out + log_sd[0].sum(axis=-1) + self._log_jacobian(posterior, free[0])
        for group in correlated:
            out = out + log_slope_of_matrices(partial[0][:, group.correlations], group.q)
        out = out + self._of_effects(sampled)
        return out + cells_log_likelihood(model, posterior, numbers[0])

    def _log_jacobian(self, posterior: Mapping[str, Array], free: Array) -> Array:
        """Log derivative of the other numbers, as priors have them, by free ones, (S,)."""
        model, likelihood = self.model, self.model.likelihood
        out = np.zeros(len(free))
        for a, domain in enumerate(self._domains):
            out = out + domain.log_jacobian(free[:, a], NUMPY)
        for number in likelihood.reported:
            flat = isinstance(model.priors.of(number.name), Flat)
            if number.bound is not None and not flat:  # the prior is per unit of what is reported
                out = out + np.log(float(likelihood.statistics[number.bound]))
        simplexes = [v.name for v in model.variables if v.role == "simplex" or v.name in _PARTS]
        for name in simplexes:
            shares = posterior[name]
            left = 1 - np.cumsum(shares, axis=1) + shares
            out = out + np.log(left[:, :-1]).sum(axis=1)
        return out

    def _of_effects(self, sampled: Sampled) -> Array | float:
        """Log density of the effects' standard scores: of their z-scores, with the Jacobian."""
        model, out = self.model, np.zeros(sampled.beta.shape[1])
        roots = model.stacked.roots(sampled.sd, sampled.factors)
        u = deviations(model, sampled, roots)
        for m, term in enumerate(model.coordinates.terms):
            z = np.linalg.solve(roots[m], u[m])[0]
            out -= 0.5 * np.square(z).sum(axis=(1, 2)) + 0.5 * z[0].size * np.log(2 * np.pi)
            if np.any(term.information):
                K = standard_roots(term.information, roots[m][0])
                own = np.log(np.diagonal(K, axis1=-2, axis2=-1)).sum(axis=-1)
                out -= own @ np.bincount(term.information_class, minlength=own.shape[1])
        return out


@dataclass(frozen=True, slots=True)
class Natural:
    """Draws of what priors are of, in the order in which it is sampled.

    Attributes
    ----------
    beta : ndarray, shape (S, P)
        Coefficients, the Intercept at the mean of the predictors.
    sd : ndarray, shape (S, Q)
    numbers : ndarray, shape (S, A)
        Other numbers, as `winstan.unconstrained.numbers_of` has them.
    thresholds : ndarray, shape (S, K - 1), or None
        At the mean of the predictors.
    """

    beta: Array
    sd: Array
    numbers: Array
    thresholds: Array | None


def natural_values(model: Model, posterior: Mapping[str, Array]) -> Natural:
    """Read coefficients, sds and other numbers off draws by variable, (S, *dims)."""
    stacked, vector = model.stacked, model.family.thresholds
    n = len(next(iter(posterior.values())))
    slopes = np.zeros((n, stacked.block.size))
    for term in stacked.terms:
        slopes[:, list(term.columns)] = posterior[term.variable].reshape(n, -1)
    moved = moved_by_means(stacked, slopes, model.predictor_mean)
    thresholds = None
    first = [posterior["Intercept"] + moved[:, 0]] if stacked.intercept and vector is None else []
    if vector is not None:
        own = np.flatnonzero(stacked.anchored)
        shift = moved[:, :1] + (moved[:, own] if own.size else 0.0)
        thresholds = posterior[vector.name] - shift
        first = [-thresholds[:, middle(thresholds.shape[1])]]
    if model.level_means is not None:
        slopes = slopes + slopes @ model.level_means.T
    beta = np.column_stack([*first, slopes])[:, model.coefficients.sampled]
    numbers = _own_numbers(model, posterior, thresholds)
    sd = np.zeros((n, sum(group.q for group in stacked.groups)))
    for written in stacked.written:
        for effect in written.term.effects:
            own_sd = posterior[written.term.sd_name(effect)].reshape(n, len(effect.columns), -1)
            for arm, m in enumerate(written.parts):
                at = stacked.groups[m].sds.start + np.array(effect.columns)
                sd[:, at] = own_sd[:, :, arm]
    return Natural(beta, sd, numbers, thresholds)


def _own_numbers(model: Model, posterior: Mapping[str, Array], thresholds: Array | None) -> Array:
    """Return all other numbers, (S, A): the family's, shrinkage's, and pieces of simplexes."""
    likelihood, shrinkage = model.likelihood, model.shrinkage
    n = len(next(iter(posterior.values())))
    out: list[Array] = []
    steps = iter(() if thresholds is None else np.diff(thresholds, axis=1).T)
    for number in likelihood.scalars:
        if number.name in likelihood.steps:
            out.append(next(steps))
        else:
            unit = 1.0 if number.bound is None else likelihood.statistics[number.bound]
            out.append(posterior[number.name] / unit)
    if shrinkage is not None:
        shared = [posterior[name].reshape(n, -1) for name in shrinkage.dims]
        if len(shared) == 2:  # R2 and its parts
            out += [shared[0][:, 0], *_pieces(shared[1])]
        else:
            out += list(np.concatenate(shared, axis=1).T)
    if model.simplexes is not None:
        for one in model.simplexes.monotones:
            out += _pieces(posterior[one.variable])
    return np.stack(out, axis=-1) if out else np.zeros((n, 0))


def _pieces(shares: Array) -> list[Array]:
    """Return what each share takes of what those before it left, but for the last."""
    left = 1 - np.cumsum(shares, axis=1) + shares
    return [shares[:, j] / left[:, j] for j in range(shares.shape[1] - 1)]


def effects_of(model: Model, posterior: Mapping[str, Array]) -> dict[int, Array]:
    """Return the effects of each sampled term, (S, q, J), of draws by variable."""
    out: dict[int, Array] = {}
    for written in model.stacked.written:
        term = written.term
        first = posterior[term.effect_name(term.effects[0])]
        every = np.zeros((len(first), term.q, term.n_levels))
        for effect in term.effects:
            draws = posterior[term.effect_name(effect)]
            every[:, list(effect.columns)] = draws.reshape(len(draws), -1, term.n_levels)
        for arm, m in enumerate(written.parts):
            out[m] = every[:, :, term.levels_of(arm)] if term.arms else every
    return out


def correlation_matrices(model: Model, posterior: Mapping[str, Array]) -> list[Array]:
    """Return the correlation matrix of each sampled term that has one, (S, q, q) each."""
    out = []
    for group in model.stacked.groups:
        if not group.has_correlations:
            continue
        draws = posterior[group.correlation_variable][:, list(group.pair_places)]
        whole = np.broadcast_to(np.eye(group.q), (len(draws), group.q, group.q)).copy()
        lower = np.tril_indices(group.q, -1)
        whole[:, lower[0], lower[1]] = whole[:, lower[1], lower[0]] = draws
        out.append(whole)
    return out


def cells_log_likelihood(model: Model, posterior: Mapping[str, Array], numbers: Array) -> Array:
    """Return the log likelihood of all rows, by their weights, (S,).

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, (S, *dims).
    numbers : ndarray, shape (S, A)
        As `winstan.unconstrained.numbers_of` has them.
    """
    design, cells, likelihood = model.design, model.cells, model.likelihood
    rows = take_rows(rows_of(design, beside=True), cells.design_row)
    every = slice(None)
    blocks = [eta_at(design, posterior, rows, every)]
    blocks += [
        eta_at(design.beside[name], posterior, rows.beside[name], every)
        for name in likelihood.predicted
    ]
    eta = np.hstack(blocks) + (cells.offset - model.constant)
    own = {number.name: numbers[:, a] for a, number in enumerate(likelihood.scalars)}
    if (vector := model.family.thresholds) is not None:  # as reported: at predictors of zero
        thresholds = posterior[vector.name]
        eta[:, : cells.n] -= thresholds[:, [middle(thresholds.shape[1])]]
        own |= dict(zip(likelihood.steps, np.diff(thresholds, axis=1).T, strict=True))
    out = np.empty(len(eta))
    for s, row in enumerate(eta):
        out[s] = likelihood.log_density(row, {name: float(of[s]) for name, of in own.items()})
    if model.family.confines(model.link):
        out[(eta[:, : cells.n] <= 0).any(axis=1)] = -np.inf
    return out
