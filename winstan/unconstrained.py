"""From the coordinates that samplers move in to the model's own quantities, in numpy.

The backends give back what they sampled and nothing else: all that follows from it is computed
here, once, for all draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.student import shift_of_sigma
from winstan.coordinates.monotonic import to_coefficients
from winstan.correlations import correlation_factors
from winstan.draws import Sampled
from winstan.group_integrals import draw_effects, grouped_rows, of_coefficients
from winstan.marginal import draws as marginal_draws
from winstan.marginal import system as marginal_system
from winstan.residual import draws as residual_draws
from winstan.residual import system as residual_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from winstan._typing import Array
    from winstan.coordinates import Coordinates
    from winstan.model import Model

# Parts the random numbers of what is integrated out from the sampler's, which has the same seed.
STREAM = 1


def coordinate_sizes(model: Model) -> dict[str, int]:
    """Count the coordinates of each block that is sampled, in their order.

    ``joint_raw`` (coefficients, and the effects that are drawn with them), ``sd_raw``,
    ``corr_raw``, ``rest_raw`` (the other effects) and ``aux_raw``.
    """
    coordinates = model.coordinates
    rest = coordinates.decorrelation.eliminated_scale.size
    residual = model.residual
    return {
        "joint_raw": 0 if model.integrated else len(coordinates.decorrelation.remaining_scale),
        "sd_raw": coordinates.log_sd_location.size,
        "corr_raw": model.stacked.n_correlations,
        "rest_raw": 0 if model.integrated else rest,
        "aux_raw": coordinates.aux_location.size if residual is None else residual.n_last,
    }


def sampled_at(model: Model, raw: Mapping[str, Array], seed: int) -> Sampled:
    """Quantities of the model at unconstrained coordinates.

    Parameters
    ----------
    model
    raw : mapping of str to ndarray, shape (chains, draws, size) each
        Blocks of `coordinate_sizes`.
    seed
        Of the draws of what is integrated out, if anything is.

    Returns
    -------
    Sampled
    """
    if model.residual is not None:
        return _sampled_with_correlation(model, raw, seed)
    if model.variances is not None:
        at = model.variances.variances(
            np.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]], axis=-1)
        )
        return sampled_with_effects(model, at.sd, at.factors, at.sigma[..., None], seed)
    coordinates = model.coordinates
    followed = coordinates.profiled
    power = followed.powers(raw["aux_raw"])
    sd_raw = raw["sd_raw"] @ coordinates.sd_correlation_root.T
    log_sd = (
        coordinates.log_sd_location
        + coordinates.log_sd_scale * sd_raw
        + coordinates.log_sd_skew * np.sqrt(1 + np.square(sd_raw))
    )
    sd = np.exp(log_sd + power @ followed.log_sd.T)
    free_aux = _free_numbers(coordinates, raw["aux_raw"], power)
    partial = coordinates.corr_location + coordinates.corr_scale * raw["corr_raw"]
    factors = [
        correlation_factors(partial[..., group.correlations], group.q)
        for group in model.stacked.groups
        if group.has_correlations
    ]
    numbers = numbers_of(model, free_aux)
    joint, rest = raw["joint_raw"], raw["rest_raw"]
    if (given := coordinates.conditional).any:
        both = np.concatenate([joint, rest], axis=-1)
        both = given.scores(both, model.stacked.roots(sd, factors), numbers[..., given.number])
        joint, rest = np.split(both, [joint.shape[-1]], axis=-1)
    joint = coordinates.sd_dependent_scale(joint, sd)
    if coordinates.sd_dependent_covariance.any:
        joint = _covarying(model, joint, model.stacked.roots(sd, factors))
    n = joint.shape[-1]
    follows = coordinates.sd_dependent_location.any or followed.any
    if follows:
        shift, wider = coordinates.sd_dependent_location.at_sds(sd)
        if followed.any:
            shift += power @ followed.location.T
            wider *= np.exp(power @ followed.log_scale.T)
        joint, rest = joint * wider[..., :n], rest * wider[..., n:]
    both = coordinates.decorrelation.deviations(joint, rest)
    if follows:
        both += shift
    P = coordinates.beta_location.size
    beta = coordinates.beta_location + both[..., :P]
    if coordinates.compensation.terms:
        led = _led(model, both[..., P:n], model.stacked.roots(sd, factors))
        beta += coordinates.compensation.location - led @ coordinates.compensation.regression.T
    beta = _curved(model, beta, numbers)
    correlations: dict[str, Array] = {}
    if model.correlation is not None:
        structure = model.correlation.structure
        correlations[structure.name] = structure.correlations(
            free_aux[..., model.correlation_numbers]
        )
    return Sampled(
        beta=beta,
        sd=sd,
        factors=factors,
        effect=both[..., P:],
        aux=numbers,
        residual=correlations,
    )


def sampled_with_effects(
    model: Model, sd: Array, factors: Sequence[Array], aux: Array, seed: int
) -> Sampled:
    """Draw coefficients and effects beside the sampled variances.

    Parameters
    ----------
    model
        With `Model.marginal`.
    sd : ndarray, shape (chains, draws, Q)
    factors : sequence of ndarray, shape (chains, draws, q, q) each
        As in `Sampled`.
    aux : ndarray, shape (chains, draws, 1)
        sigma.
    seed
        The same seed, and the same variances, give the same draws.
    """
    marginal = model.marginal
    assert marginal is not None
    shape = sd.shape[:-1]
    flat = [factor.reshape(-1, *factor.shape[-2:]) for factor in factors]
    roots = model.stacked.roots(sd.reshape(aux.size, sd.shape[-1]), flat)
    sigma = aux.reshape(-1)
    products = marginal_system.cross_products(marginal)
    columns, z = _in_parts(
        marginal_system.chunks(marginal, sigma.size, model.tuning.marginal_chunk, drawn=True),
        lambda some, noise: marginal_draws.draw_effects(
            marginal, products, [L[some] for L in roots], sigma[some], noise
        ),
        marginal_draws.noise_size(marginal),
        seed,
    )
    P = model.population.shape[1]
    beta = (
        model.coordinates.beta_location
        + columns[:, :P] @ model.coordinates.decorrelation.remaining_scale.T
    )
    effect = _effects(model, marginal.column, columns, z)
    return Sampled(
        beta=beta.reshape(*shape, P),
        sd=sd,
        factors=factors,
        effect=effect.reshape(*shape, effect.shape[1]),
        aux=aux,
    )


def sampled_with_groups(model: Model, raw: Mapping[str, Array], seed: int) -> tuple[Model, Sampled]:
    """Draw the groups' effects beside what was sampled, with `Model.groups_integrated`.

    Parameters
    ----------
    model
    raw
        As of `sampled_at`, without effects.
    seed

    Returns
    -------
    model : Model
        The same, its coordinates z-scores of the effects.
    sampled : Sampled
    """
    alone = of_coefficients(model.coordinates)
    sampled = sampled_at(replace(model, coordinates=alone), raw, seed)
    rows = grouped_rows(model.cells, model.likelihood, model.population)
    beta = sampled.beta.reshape(-1, sampled.beta.shape[-1])
    sd = sampled.sd.reshape(-1, 1)
    shape = sampled.aux[..., :1].reshape(-1, 1) if rows.sign < 0 else np.ones_like(sd)
    J, random = rows.known.size, np.random.default_rng([seed, STREAM])
    z = np.empty((*sampled.sd.shape[:-1], J))
    flat = z.reshape(-1, J)
    step = max(1, model.tuning.chunk // J)
    for start in range(0, len(beta), step):
        some = slice(start, start + step)
        total = shape[some] * rows.totals(beta[some])
        u = draw_effects(shape[some] * rows.known, total, sd[some], random)
        np.divide(rows.sign * u, sd[some], out=flat[some])
    whole = model.coordinates
    terms = tuple(term.as_z_scores() for term in whole.terms)
    in_scores = replace(alone, terms=terms, order=whole.order, start=whole.start)
    return replace(model, coordinates=in_scores), replace(sampled, effect=z)


def _sampled_with_correlation(model: Model, raw: Mapping[str, Array], seed: int) -> Sampled:
    """Draw coefficients and effects beside variances and correlations, with `Model.residual`."""
    residual = model.residual
    assert residual is not None
    assert model.variances is not None
    at = model.variances.at(
        np.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]], axis=-1)
    )
    shape = at.shape[:-1]
    variances, spread, numbers = residual.parts(at.reshape(-1, at.shape[-1]))
    roots = model.stacked.roots(variances.sd, variances.factors)
    columns, z = _in_parts(
        residual_system.chunks(residual, len(spread)),
        lambda some, noise: residual_draws.draw_effects(
            residual, [L[some] for L in roots], spread[some], numbers[some], noise
        ),
        residual_draws.noise_size(residual),
        seed,
    )
    P = residual.mean_at.size
    beta = np.empty((len(columns), P + residual.spread_at.size))
    beta[:, residual.mean_at] = residual.location + columns[:, :P] @ residual.scale.T
    aux = np.zeros((len(columns), 0))
    if residual.spreads.predicted:
        beta[:, residual.spread_at] = spread
    else:
        aux = np.exp(spread)
    effect = _effects(model, residual.column, columns, z)
    correlations = residual.structure.correlations(numbers)

    def by_chain(values: Array) -> Array:
        return values.reshape(*shape, *values.shape[1:])

    return Sampled(
        beta=by_chain(beta),
        sd=by_chain(variances.sd),
        factors=[by_chain(factor) for factor in variances.factors],
        effect=by_chain(effect),
        aux=by_chain(aux),
        residual={residual.structure.name: by_chain(correlations)},
    )


def _in_parts(
    parts: Iterable[slice],
    draw: Callable[[slice, Array], tuple[Array, Array]],
    n_noise: int,
    seed: int,
) -> tuple[Array, Array]:
    """Draw columns and scores part by part, so that memory is bounded, and join them."""
    random = np.random.default_rng([seed, STREAM])
    made = [draw(some, random.standard_normal((some.stop - some.start, n_noise))) for some in parts]
    columns, z = zip(*made, strict=True)
    return np.concatenate(columns), np.concatenate(z)


def _effects(model: Model, column: Sequence[int], columns: Array, z: Array) -> Array:
    """Put drawn z-scores where `Sampled.effect` has them.

    Parameters
    ----------
    model
    column
        Where each term is among the columns; below zero if it is the factor's own.
    columns : ndarray, shape (S, W)
    z : ndarray, shape (S, q, J)
    """
    terms, inside, S = model.coordinates.terms, 0, len(columns)
    effect = np.zeros((S, sum(term.score.size for term in terms)))
    for at, term, start in zip(column, terms, model.coordinates.start, strict=True):
        q, n = term.shape[0], term.score.size
        if at < 0:
            effect[:, start : start + n] = z[:, inside : inside + q].reshape(S, n)
            inside += q
        else:
            effect[:, start : start + n] = columns[:, at : at + n]
    return effect


def _free_numbers(coordinates: Coordinates, raw: Array, power: Array) -> Array:
    """Return the free numbers at their coordinates, shape (..., A)."""
    taper = np.where(coordinates.aux_taper > 0, coordinates.aux_taper, np.nan)
    along = np.where(np.isnan(taper), raw, np.arcsinh(taper * raw) / taper)
    moved = along @ coordinates.aux_scale
    moved += coordinates.aux_skew / 3 * np.logaddexp(0, -3 * (along - coordinates.aux_knot))
    followed = coordinates.profiled
    moved = power @ followed.aux.T + np.exp(power @ followed.aux_log_scale.T) * moved
    # Each after those that it follows: unit triangular
    unit = np.eye(moved.shape[-1]) - coordinates.aux_regression
    free_aux: Array = coordinates.aux_location + moved @ np.linalg.inv(unit).T
    if coordinates.sigma_follows_nu:
        free_aux[..., 0] -= shift_of_sigma(free_aux[..., 1])
    return free_aux


def numbers_of(model: Model, free_aux: Array) -> Array:
    """Return the numbers, those of the family first, from free ones, shape (..., A)."""
    aux = list(model.likelihood.constrained(free_aux).values())
    if model.shrinkage is not None:
        aux += model.shrinkage.constrained(free_aux[..., len(aux) :])
    if model.simplexes is not None:
        aux += model.simplexes.constrained(free_aux[..., model.pieces])
    return np.stack(aux, axis=-1) if aux else free_aux[..., :0]


def _covarying(model: Model, joint: Array, roots: Sequence[Array]) -> Array:
    """Let the first coordinates have the covariance that follows the effects'."""
    by_sds = model.coordinates.sd_dependent_covariance
    covariances = {m: roots[m] @ np.swapaxes(roots[m], -1, -2) for m in by_sds.growth}
    n, out = len(by_sds.base), joint.copy()
    out[..., :n] = (by_sds.root(covariances) @ joint[..., :n, None])[..., 0]
    return out


def _curved(model: Model, beta: Array, numbers: Array) -> Array:
    """Return coefficients of what is sampled: see `winstan.coordinates.curves`."""
    bounds, out = model.bounds, beta.copy()
    if bounds.at.size:
        below, above = bounds.taken(beta[..., bounds.at], lambda x: np.logaddexp(0, x))
        out[..., bounds.at] += bounds.width * (below - above)
    out = _shrunk(model, beta, out, numbers)
    if model.simplexes is None:
        return out
    pieces = list(np.moveaxis(numbers, -1, 0)[model.pieces])
    return to_coefficients(model.curved, model.simplexes, model.cells, out, pieces)


def _shrunk(model: Model, beta: Array, out: Array, numbers: Array) -> Array:
    """Put those that are shrunk among the coefficients."""
    if model.shrinkage is None or model.shrunk is None:
        return out
    A = len(model.likelihood.scalars)
    sigma = None if model.shrinkage.sigma is None else numbers[..., model.shrinkage.sigma]
    variances = model.shrinkage.variances(numbers[..., A:], sigma)
    shrunk = model.shrunk
    for j, (p, variance) in enumerate(zip(model.shrinkage.at, variances, strict=True)):
        given = 1 / (shrunk.known[j] + 1 / variance)
        x = beta[..., p] - model.coordinates.beta_location[p]
        out[..., p] = given * shrunk.score[j] + np.sqrt(given) * shrunk.root[j] * x
    return out


def _led(model: Model, joint_effects: Array, roots: Sequence[Array]) -> Array:
    """Effects that coefficients follow, at their scores, and zero for others: (..., W)."""
    coordinates = model.coordinates
    out = np.zeros_like(joint_effects)
    for m in coordinates.compensation.terms:
        term = coordinates.terms[m]
        at = slice(coordinates.start[m], coordinates.start[m] + term.score.size)
        z = term.z_scores(joint_effects[..., None, at], roots[m], np.zeros(term.shape))
        out[..., at] = (roots[m] @ z)[..., 0, :]
    return out
