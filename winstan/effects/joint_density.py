"""The joint density of rows that a fit has not seen, effects of their new levels integrated out.

Rows of a new mouse share its effects: their joint density is not the product of the rows'. Where
the response is normal about the linear predictor the integral is exact, that of a multivariate
normal; elsewhere it is by `integration`. Residuals that have a joint density keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln

from winstan.effects.covariances import Covariances, covariances
from winstan.effects.grouped_rows import check_responses_known
from winstan.effects.integration import Integrand, log_integral
from winstan.effects.means import curve_of, eta_at, n_draws_of, rows_of, take_rows
from winstan.effects.unseen_residuals import Roots, elliptical_integrand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.design import Design, NewRows
    from winstan.families.sample import Limits
    from winstan.model import Model

# Steps of numerical derivatives, in sds of what effects do to a row.
_STEP = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """Rows of a model's data that the draws at hand are without.

    Attributes
    ----------
    model : Model
        Of all rows.
    rows : NewRows
        n of them, whose levels are places among those of the draws, -1 of new ones.
    level : tuple of tuple of ndarray of int, shape (n,) each
        By parameter, by group term: of new levels a number, -1 of those that the draws have.
    at : ndarray of int, shape (n,)
        Their places among the N rows of data.
    weight : ndarray, shape (n,)
        How often each counts.
    log_ways : float
        Log of the orders in which counts of categories can have come.
    """

    model: Model
    rows: NewRows
    level: tuple[tuple[np.ndarray, ...], ...]
    at: np.ndarray
    weight: Array
    log_ways: float = 0.0


def unseen_rows(
    model: Model,
    at: np.ndarray,
    weight: Array,
    places: Sequence[Sequence[np.ndarray]],
) -> Unseen:
    """Return rows of a model's data, as draws from the others have them.

    Parameters
    ----------
    model
        Of all rows.
    at : ndarray of int, shape (n,)
        Places among the N rows of data.
    weight : ndarray, shape (n,)
    places
        Of `winstan.design.Subset`.
    """
    check_responses_known(model, "Densities of what is left out are")
    design = model.design
    rows = take_rows(rows_of(design, beside=True), design.row[at])
    numbers, known = [], []
    for one, own in zip(rows.every, places, strict=True):
        pairs = list(zip(one.level, own, strict=True))
        known.append(tuple(place[level] for level, place in pairs))
        numbers.append(tuple(np.where(place[level] < 0, level, -1) for level, place in pairs))
    first, *others = (
        replace(one, level=level) for one, level in zip(rows.every, known, strict=True)
    )
    rows = replace(first, beside=dict(zip(rows.beside, others, strict=True)))
    return Unseen(model, rows, tuple(numbers), at, weight, _log_ways(model, at, weight))


def _log_ways(model: Model, at: np.ndarray, weight: Array) -> float:
    counts = model.design.response.counts
    if counts is None:
        return 0.0
    data, row = np.unique(np.nonzero(counts)[0][at], return_inverse=True)
    own = counts[data]
    ways = gammaln(own.sum(axis=1) + 1) - gammaln(own + 1).sum(axis=1)
    return float(np.bincount(row, weight) / own.sum(axis=1) @ ways)


def joint_log_density(unseen: Unseen, posterior: Mapping[str, Array], seed: int = 0) -> Array:
    """Evaluate the joint log density of unseen rows at each draw.

    Parameters
    ----------
    unseen
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    seed
        Of importance sampling, where it is needed.

    Returns
    -------
    ndarray, shape (S,)
    """
    n_draws = n_draws_of(posterior)
    wide = unseen.at.size * max(1, _n_effects(unseen))
    size = max(1, unseen.model.tuning.marginal_chunk // (4 * wide))
    rng = np.random.default_rng(seed)
    out = np.empty(n_draws)
    for start in range(0, n_draws, size):
        some = slice(start, start + size)
        draws = {name: values[some] for name, values in posterior.items()}
        out[some] = _of_chunk(unseen, draws, rng)
    return out + unseen.log_ways


def _of_chunk(unseen: Unseen, draws: Mapping[str, Array], rng: np.random.Generator) -> Array:
    model = unseen.model
    state = _State.of(unseen, draws)
    loadings = _loadings(unseen, draws)
    only_mean = set(loadings) <= {model.design.parameter}
    if model.correlation is not None:
        return _elliptical(unseen, state, loadings.get(model.design.parameter), draws, rng)
    normal = model.family.conjugate and model.link.name == "identity"
    if normal and only_mean and model.design.response.limits is None:
        return _normal(unseen, state, loadings.get(model.design.parameter), draws)
    if not loadings:
        return state.log_density({})
    return log_integral(_integrand(state, loadings), rng)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What does not depend on the new effects.

    `eta` has the linear predictor of each predicted parameter without them, shape (S, n); `numbers`
    the other parameters.
    """

    unseen: Unseen
    eta: dict[str, Array]
    numbers: dict[str, Any]
    y: Array
    beside: Array | Limits | None

    @classmethod
    def of(cls, unseen: Unseen, draws: Mapping[str, Array]) -> _State:
        model, rows, everything = unseen.model, unseen.rows, slice(None)
        eta = {}
        for design, own in zip(model.design.every, rows.every, strict=True):
            eta[design.parameter] = eta_at(design, draws, own, everything) + own.offset
        numbers: dict[str, Any] = {}
        for name in model.family.auxiliary:
            if model.family.parameter(name).is_vector:
                values = draws[name]
                numbers[name] = tuple(values[:, [k]] for k in range(values.shape[1]))
            elif name not in eta:
                numbers[name] = draws[name][:, None]
        response = model.design.response
        limits, trials = response.limits, response.trials
        beside: Array | Limits | None = None if trials is None else trials[unseen.at].astype(float)
        if limits is not None:
            beside = limits[unseen.at]
        return cls(unseen, eta, numbers, response.y[unseen.at].astype(float), beside)

    def by_row(self, moves: Mapping[str, Array]) -> Array:
        """Evaluate the log density of each row, linear predictors moved by so much, (S, n)."""
        model = self.unseen.model
        eta = {name: own + moves.get(name, 0.0) for name, own in self.eta.items()}
        mean = eta.pop(model.design.parameter)
        aux = dict(self.numbers)
        for name, own in eta.items():
            aux[name] = model.family.parameter(name).link.inverse(own)
        with np.errstate(invalid="ignore"):
            out = model.family.log_densities(self.y, mean, aux, model.link, self.beside)
        return np.where(np.isnan(out), -np.inf, out)  # where the link has no mean

    def log_density(self, moves: Mapping[str, Array]) -> Array:
        """Evaluate that of all rows, by weight, shape (S,)."""
        return self.by_row(moves) @ self.unseen.weight


def _members(unseen: Unseen) -> list[tuple[Any, list[tuple[int, int]], np.ndarray]]:
    """List the group terms that have new levels: (term, its (parameter, place), new levels)."""
    design = unseen.model.design
    place = {one.parameter: d for d, one in enumerate(design.every)}
    out = []
    for term, members in design.drawn:
        inside = [(place[name], m) for name, m in members]
        d, m = inside[0]
        level = unseen.level[d][m]
        new = np.unique(level[level >= 0])
        if new.size:
            out.append((term, inside, new))
    return out


def _n_effects(unseen: Unseen) -> int:
    return sum(term.q * new.size for term, _, new in _members(unseen))


def _loadings(unseen: Unseen, draws: Mapping[str, Array]) -> dict[str, Array]:
    """Return what T standard normal effects add to each linear predictor, shape (S, n, T) each.

    Only of parameters that have effects of new levels.
    """
    total, n = _n_effects(unseen), unseen.at.size
    out: dict[str, Array] = {}
    start = 0
    for term, inside, new in _members(unseen):
        roots = _roots(covariances(term, draws))
        for number in new.tolist():
            slot = slice(start, start + term.q)
            start, shift = start + term.q, 0
            for d, m in inside:
                design, rows = unseen.model.design.every[d], unseen.rows.every[d]
                at = np.flatnonzero(unseen.level[d][m] == number)
                arm = rows.arm[m]
                root = roots[0 if arm is None else int(arm[at[0]])]
                columns = _columns(design, m, rows, at, draws)  # (S or 1, n', q)
                own = root[:, shift : shift + columns.shape[2]]
                shift += columns.shape[2]
                whole = out.setdefault(design.parameter, np.zeros((n_draws_of(draws), n, total)))
                whole[:, at, slot] = columns @ own
    return out


def _columns(
    design: Design, m: int, rows: NewRows, at: np.ndarray, draws: Mapping[str, Array]
) -> Array:
    """Return the columns of a group term's effects in some rows, shape (S or 1, n', q)."""
    group, Z = design.groups[m], rows.Z[m][at].astype(float)
    if not any(effect.monotonic for effect in group.effects):
        return Z[None]
    out = np.repeat(Z[None], n_draws_of(draws), axis=0)
    for effect in group.effects:
        curve = curve_of(design, effect, draws, rows.steps[at])
        for column in effect.columns:
            out[:, :, column] *= curve
    return out


def _roots(of: Covariances) -> list[Array]:
    """Return a root of each arm's covariance, shape (S, q, q)."""
    out = []
    for k, sd in enumerate(of.sd):
        if of.correlation is None:
            out.append(sd[:, :, None] * np.eye(sd.shape[1]))
            continue
        # By eigenvectors: a correlation near one may leave no Cholesky factor after rounding.
        values, vectors = np.linalg.eigh(of.correlation[k])
        out.append(sd[:, :, None] * vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])
    return out


def _normal(
    unseen: Unseen, state: _State, loading: Array | None, draws: Mapping[str, Array]
) -> Array:
    """Evaluate the multivariate normal of rows with effects integrated out, exactly."""
    model, weight = unseen.model, unseen.weight
    log_y = np.log(state.y) if model.family.log_response else np.zeros_like(state.y)
    y = log_y if model.family.log_response else state.y
    sigma = _spread(state)
    error = (y - state.eta[model.design.parameter]) / sigma
    scaled = None if loading is None else loading / sigma[..., None]
    log_det = np.broadcast_to(np.log(sigma), error.shape) @ weight
    if model.residual is not None:
        roots = Roots.of(model, unseen.at, draws)
        error = roots.decorrelate(error[..., None])[..., 0]
        scaled = None if scaled is None else roots.decorrelate(scaled)
        log_det = log_det + roots.log_det
    out = -log_det - weight.sum() * 0.5 * np.log(2 * np.pi) - weight @ log_y
    out = out - 0.5 * np.square(error) @ weight
    if scaled is None:
        return out
    weighted = np.swapaxes(scaled, 1, 2) * weight
    M = weighted @ scaled + np.eye(scaled.shape[2])
    L = np.linalg.cholesky(M)
    found = np.linalg.solve(L, weighted @ error[..., None])[..., 0]
    half = np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    return out + 0.5 * np.square(found).sum(axis=1) - half


def _elliptical(
    unseen: Unseen,
    state: _State,
    loading: Array | None,
    draws: Mapping[str, Array],
    rng: np.random.Generator,
) -> Array:
    """Evaluate the joint density of rows whose residuals have one, unit by unit."""
    model = unseen.model
    assert model.family.elliptical is not None
    spread = _spread(state)
    mean = state.eta[model.design.parameter]

    def error(move: Array) -> tuple[Array, Array]:
        eta = mean + move
        slope = model.link.inverse_derivative(eta) / spread
        return (state.y - model.link.inverse(eta)) / spread, slope

    own = np.zeros((*mean.shape, 0)) if loading is None else loading
    roots = Roots.of(model, unseen.at, draws)
    integrand = elliptical_integrand(roots, model.family.elliptical, state.numbers, error, own)
    log_scale = np.broadcast_to(np.log(spread), mean.shape).sum(axis=1)
    if loading is None:
        return integrand.log_density(np.zeros(integrand.shape)) - log_scale
    return log_integral(integrand, rng) - log_scale


def _spread(state: _State) -> Array:
    """Return the scale of each row's noise, shape (S, 1) or (S, n)."""
    family = state.unseen.model.family
    name = str(family.noise)
    if name in state.numbers:
        return np.asarray(state.numbers[name])
    return np.asarray(family.parameter(name).link.inverse(state.eta[name]))


def _integrand(state: _State, loadings: Mapping[str, Array]) -> Integrand:
    """Put the density of rows, as effects move it, together with its slopes."""
    weight = state.unseen.weight
    first = next(iter(loadings.values()))
    S, _, T = first.shape
    steps = {
        name: _STEP * np.sqrt(np.square(own).sum(axis=2)) + 1e-12 for name, own in loadings.items()
    }

    def moves(z: Array) -> dict[str, Array]:
        return {name: (own @ z[..., None])[..., 0] for name, own in loadings.items()}

    def slopes(z: Array) -> tuple[Array, Array]:
        at = moves(z)
        here = state.by_row(at)
        gradient, information = np.zeros((S, T)), np.zeros((S, T, T))
        for name, own in loadings.items():
            step = steps[name]
            above = state.by_row({**at, name: at[name] + step})
            below = state.by_row({**at, name: at[name] - step})
            with np.errstate(invalid="ignore"):
                rise = np.nan_to_num((above - below) / (2 * step), posinf=0.0, neginf=0.0)
                bend = np.nan_to_num((2 * here - above - below) / step**2, posinf=0.0, neginf=0.0)
            gradient += ((weight * rise)[:, None] @ own)[:, 0]
            bent = np.swapaxes(own, 1, 2) * (weight * np.maximum(bend, 0.0))[:, None]
            information += bent @ own
        return gradient, information

    return Integrand(lambda z: state.log_density(moves(z)), slopes, (S, T))
