"""Draws: one canonical name, shape and unit for each parameter, whatever the backend sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._angles import wrap_angles
from winstan._version import __version__
from winstan.centering import at_zero, moved_by_means, thresholds_at_zero
from winstan.coordinates import by_row
from winstan.coordinates.monotonic import to_sampled
from winstan.families.ordered import cutpoints

if TYPE_CHECKING:
    import xarray as xr

    from winstan._typing import Array
    from winstan.coordinates.standard import TermCoordinates
    from winstan.design import Design, Stacked
    from winstan.model import Model
    from winstan.settings import Settings
    from winstan.tree import Maker

ROW = "row"
"""The dim of the rows of the data, in all that is by row."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sampler drew, in the model's coordinates.

    Attributes
    ----------
    beta : ndarray, shape (chains, draws, P)
        Population coefficients, the intercept (at the mean of the predictors) first.
    sd : ndarray, shape (chains, draws, Q)
    factors : sequence of ndarray, shape (chains, draws, q, q) each
        Cholesky factor of the correlations, one for each correlated term of several effects.
    effect : ndarray, shape (chains, draws, T)
        Standard scores (`winstan.coordinates.standard`), by `Coordinates.start`, by column.
    aux : ndarray, shape (chains, draws, A)
    residual : mapping of str to ndarray
        The correlations of residuals, by name, as they are reported.
    """

    beta: Array
    sd: Array
    factors: Sequence[Array]
    effect: Array
    aux: Array
    residual: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws under their canonical names.

    Attributes
    ----------
    posterior : mapping of str to ndarray
        By variable, shape (chains, draws, *dims); names and dims are those of `Model.variables`.
    sample_stats : mapping of str to ndarray, shape (chains, draws) each
        ArviZ's names: ``lp``, ``diverging``, ``energy``, ``tree_depth``, ``n_steps``,
        ``acceptance_rate``, ``step_size``.
    attrs : mapping
        From `run_attributes`: backend, versions, how it sampled, seconds, time of day.
    max_treedepth : int
    """

    posterior: Mapping[str, Array]
    sample_stats: Mapping[str, np.ndarray]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    max_treedepth: int = 10


def run_attributes(
    backend: str, version: str, settings: Settings, seconds: float, *, sampler: str | None = None
) -> dict[str, Any]:
    """Say how draws were made, under ArviZ's names; `sampler` is for backends that have several.

    `settings` are those of `Settings.with_defaults`.
    """
    attributes = {
        "inference_library": backend,
        "inference_library_version": version,
        "creation_library": "winstan",
        "creation_library_version": __version__,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sampling_time": float(seconds),
        "seed": settings.seed,
        "tuning_steps": settings.warmup,
        "target_accept": settings.target_accept,
    }
    return attributes if sampler is None else attributes | {"sampler": sampler}


def canonical(model: Model, sampled: Sampled) -> dict[str, Array]:
    """Turn sampled coordinates into the parameters that a user knows.

    Parameters
    ----------
    model
    sampled

    Returns
    -------
    dict of str to ndarray
        By variable name, shape (chains, draws, *dims), in the order of `Model.variables`. The
        Intercept is at X = 0.
    """
    design = model.stacked
    out: dict[str, Array] = {}
    beta = model.coefficients.whole(sampled.beta)
    slopes = at_zero(beta[..., int(design.intercept) :], model.level_means)
    moved = moved_by_means(design, slopes, model.predictor_mean)
    if design.intercept:
        out["Intercept"] = beta[..., 0] - moved[..., 0]
    for term in design.terms:
        values = slopes[..., list(term.columns)]
        out[term.variable] = values if term.labels else values[..., 0]

    u = deviations(model, sampled, design.roots(sampled.sd, sampled.factors))
    found, effects = group_draws(
        design, [sampled.sd[..., g.sds] for g in design.groups], u, sampled.factors
    )
    out |= found
    likelihood = model.likelihood
    numbers = {
        number.name: likelihood.in_own_unit(number, sampled.aux[..., a])
        for a, number in enumerate(likelihood.scalars)
    }
    out |= {number.name: numbers[number.name] for number in likelihood.reported}
    if (vector := model.family.thresholds) is not None:
        del out["Intercept"]  # a shift of the thresholds
        found_at = cutpoints([numbers[name] for name in likelihood.steps])
        at_mean = np.stack([at - beta[..., 0] for at in found_at], axis=-1)
        out[vector.name] = thresholds_at_zero(design, at_mean, moved)
    if model.shrinkage is not None:
        out |= model.shrinkage.reported(
            sampled.aux[..., len(likelihood.scalars) : model.first_piece]
        )
    if model.simplexes is not None:
        pieces = np.moveaxis(sampled.aux, -1, 0)[model.pieces]
        out |= model.simplexes.reported(list(pieces))
    return out | dict(sampled.residual) | effects


def group_draws(
    stacked: Stacked, sds: Sequence[Array], u: Mapping[int, Array], factors: Sequence[Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Put the draws of group terms under their canonical names.

    Parameters
    ----------
    stacked
    sds : sequence of ndarray, shape (..., n) each
        Of each group term that is sampled: one a column, or fewer that columns share.
    u : mapping of int to ndarray, shape (..., q, J) each
        Its effects.
    factors : sequence of ndarray, shape (..., q, q) each
        Cholesky factors of the correlation matrices of the terms that have any.

    Returns
    -------
    parameters, effects : dict of str to ndarray
        Sds and correlations; effects.
    """
    out: dict[str, Array] = {}
    effects: dict[str, Array] = {}
    correlations: dict[str, list[Array]] = {}
    for written in stacked.written:
        own, first = written.term, written.parts[0]
        for m in written.parts:
            matrix = stacked.groups[m].matrix
            if matrix is not None:
                correlation = factors[matrix] @ np.swapaxes(factors[matrix], -1, -2)
                pairs = [correlation[..., i, j] for i in range(own.q) for j in range(i)]
                correlations.setdefault(own.correlation_variable, []).extend(pairs)
        sd, of_levels = sds[first], u[first]
        if own.arms:
            sd = np.stack([sds[m] for m in written.parts], axis=-1)
            of_levels = np.zeros((*of_levels.shape[:-1], own.n_levels))
            for arm, m in enumerate(written.parts):
                of_levels[..., own.levels_of(arm)] = u[m]
        out |= own.sd_draws(sd)
        for effect in own.effects:
            effects[own.effect_name(effect)] = own.columns_of(effect, of_levels, axis=-2)
    for curve in stacked.curves:
        each = np.stack([sds[m] for m in curve.parts], axis=-1)
        for i, name in enumerate(curve.smooth.variables):
            out[name] = each[..., i, :] if curve.smooth.levels else each[..., i, 0]
        parts = [u[m][..., 0] for m in curve.parts]
        effects[curve.smooth.term.variable] = np.concatenate(parts, axis=-1)
    found = {name: np.stack(correlations[name], axis=-1) for name in stacked.correlation_labels}
    return out | found, effects


def deviations(model: Model, sampled: Sampled, roots: Sequence[Array]) -> dict[int, Array]:
    """Effects of each term, (chains, draws, q, J), from their standard scores.

    Parameters
    ----------
    model
    sampled
    roots
        By term, the Cholesky factor of the effects' covariance, (chains, draws, q, q).
    """
    terms, start = model.coordinates.terms, model.coordinates.start
    moved = _moved(model, sampled.beta, sampled.aux)
    out: dict[int, Array] = {}
    for m in model.coordinates.order:
        term, root = terms[m], roots[m]
        q, J = term.shape
        x = sampled.effect[..., start[m] : start[m] + q * J].reshape(*root.shape[:-2], q, J)
        if term.informed:
            x = term.z_scores(x, root, _shift(term, moved, out))
        elif model.correlation is not None and model.correlation.term == m:
            x = model.correlation.colour(sampled.residual[model.correlation.structure.name], x)
        out[m] = root @ x
    return out


def standard_scores(
    model: Model, beta: Array, aux: Array, u: Mapping[int, Array], roots: Sequence[Array]
) -> Array:
    """Undo `deviations`: the standard scores of effects, (..., T).

    Parameters
    ----------
    model
    beta, aux : ndarray, shapes (..., P), (..., A)
        As in `Sampled`.
    u : mapping of int to ndarray, shape (..., q, J) each
    roots
        As for `deviations`.
    """
    terms, start = model.coordinates.terms, model.coordinates.start
    moved = _moved(model, beta, aux)
    out = np.zeros((*beta.shape[:-1], sum(term.score.size for term in terms)))
    for m, term in enumerate(terms):
        x = np.linalg.solve(roots[m], u[m])
        if term.informed:
            x = term.coordinates(x, roots[m], _shift(term, moved, u))
        out[..., start[m] : start[m] + term.score.size] = x.reshape(*x.shape[:-2], -1)
    return out


def _moved(model: Model, beta: Array, aux: Array) -> Array:
    """By how much coefficients are away from where the approximate fit has them."""
    if model.simplexes is not None:
        pieces = list(np.moveaxis(aux, -1, 0)[model.first_piece :])
        beta = to_sampled(model.curved, model.simplexes, model.cells, beta, pieces)
    return beta - model.coordinates.beta_location


def _shift(term: TermCoordinates, moved: Array, u: Mapping[int, Array]) -> Array:
    """Return by how much the means of a term's totals have moved, shape (..., q, J)."""
    shape = (*moved.shape[:-1], *term.shape)
    shift = (moved @ by_row(term.centring).T).reshape(shape)
    for outer in term.parents:
        shift = shift + outer.A @ u[outer.term][..., outer.level]
    for crossed in term.crossed:
        beside = u[crossed.term]
        flat = beside.reshape(*beside.shape[:-2], -1)
        shift = shift + (flat @ crossed.A.T).reshape(shape)
    return shift


def tree_name(name: str) -> str:
    """Name a variable in a DataTree, where a slash would part groups: it becomes a fraction bar."""
    return name.replace("/", "\N{FRACTION SLASH}")


def row_numbers(design: Design) -> np.ndarray:
    """Return the coordinate of the rows: positions in the user's data, shape (N,)."""
    return design.kept.astype(np.int64)


def label_coordinate(labels: Sequence[Any]) -> list[Any]:
    """Return labels that netCDF can hold: intervals, periods, dates and zoned times as text."""
    return list(labels) if all(map(_can_be_saved, labels)) else list(map(str, labels))


def _can_be_saved(label: Any) -> bool:
    if isinstance(label, datetime):  # pandas' Timestamps too
        return label.tzinfo is None
    return isinstance(label, str | bytes | bool | int | float | np.generic | timedelta)


def by_draw(values: Mapping[str, Array], attrs: Mapping[str, Any] | None = None) -> xr.Dataset:
    """Return single numbers of each draw, shape (chains, draws), as a Dataset."""
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    n_chains, n_draws = next(iter(values.values())).shape
    return xr.Dataset(
        {tree_name(name): (("chain", "draw"), own) for name, own in values.items()},
        coords={"chain": np.arange(n_chains), "draw": np.arange(n_draws)},
        attrs=attrs,
    )


def parameters_dataset(
    model: Model, values: Mapping[str, Array], attrs: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Return draws of all parameters, shape (chains, draws, *dims), as a Dataset."""
    import xarray as xr  # noqa: PLC0415 - as above

    n_chains, n_draws = next(iter(values.values())).shape[:2]
    coords: dict[str, Any] = {"chain": np.arange(n_chains), "draw": np.arange(n_draws)}
    data: dict[str, Any] = {}
    for variable in model.variables:
        dims = tuple(map(tree_name, variable.coords))
        coords |= dict(zip(dims, map(label_coordinate, variable.coords.values()), strict=True))
        name = tree_name(variable.name)
        own = {} if name == variable.name else {"name": variable.name}
        data[name] = (("chain", "draw", *dims), values[variable.name], own)
    return xr.Dataset(data, coords=coords, attrs=dict(attrs or {}))


def constants_by_row(design: Design) -> dict[str, Array]:
    """Return offset, trials and weights of each response that there was, if there are any."""
    # ArviZ wants a prediction of all that was observed, and trials are not predicted.
    out: dict[str, Array] = {}
    if np.any(design.offset):
        out["offset"] = design.offset[design.row[design.responses]]
    if design.response.trials is not None:
        out["trials"] = design.response.trials
    if (weights := design.response_weights) is not None:
        out["weights"] = weights
    return out


def to_datatree(model: Model, draws: Draws, maker: Maker | None = None) -> xr.DataTree:
    """Return the draws as an ArviZ DataTree, with the user's levels as coordinates.

    A variable whose own name has a slash has a fraction slash in it there, and its own name as the
    attribute ``name``, by which it is found as well.

    Levels that no file holds, such as intervals and zoned times, are coordinates as text.

    Groups: ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data`` (offset, trials
    and weights, where there are any). The last two are by row, whose coordinate is its position in
    the user's data; a row that counts categories is there for each response that it counts.
    `maker` makes others when they are asked for.
    """
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    from winstan.tree import DataTree  # noqa: PLC0415

    design = model.design
    response, each = design.response, design.responses
    rows = {ROW: row_numbers(design)[each]}
    constant = {name: (ROW, values) for name, values in constants_by_row(design).items()}
    # As replicates are: angles between -pi and pi.
    y = (wrap_angles(response.y) if model.family.circular else response.y)[each]
    groups = {
        "posterior": parameters_dataset(model, draws.posterior, draws.attrs),
        "sample_stats": by_draw(draws.sample_stats),
        "observed_data": xr.Dataset(
            {tree_name(response.name): (ROW, response.in_units(y), response.attrs)}, coords=rows
        ),
    }
    if constant:
        groups["constant_data"] = xr.Dataset(constant, coords=rows)
    tree = DataTree.from_dict(groups)
    tree.maker = maker
    return tree
