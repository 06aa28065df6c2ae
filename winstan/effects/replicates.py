"""Replicated responses: what the posterior, or the prior, would have the data be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.draws import ROW, row_numbers, tree_name
from winstan.effects.clipping import clipped, limits_of_clip
from winstan.effects.grouped_rows import check_rows_apart
from winstan.effects.means import (
    auxiliary,
    draw_responses,
    linear_predictor,
    n_draws_of,
    rows_of,
)
from winstan.effects.prior_draws import prior_draws
from winstan.errors import PriorError
from winstan.options import check_whole
from winstan.residual.rows import draw_residuals

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from winstan._typing import Array
    from winstan.effects.clipping import Clip
    from winstan.model import Model

# Times that as many parameters are drawn anew where a mean must be positive.
ATTEMPTS = 200


def posterior_predictive(
    model: Model,
    posterior: Mapping[str, Array],
    n_chains: int,
    draws: int,
    seed: int,
    clip: Clip = False,
) -> xr.DataArray:
    """Draw a response for every row of the data, from some of the posterior's draws.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, chain after chain, shape (S, *dims).
    n_chains
        Of which each gives as many.
    draws
        How many, thinned evenly, or the next multiple of `n_chains`; all S if there are fewer.
    seed
    clip
        See `winstan.effects.clipping`.

    Returns
    -------
    xarray.DataArray
        Dims chain, draw (its place in the chain) and row; the response's units. Truncated responses
        are within their bounds, censored ones what was behind their limits, unless clipped.
    """
    check_draws(draws)
    ends = limits_of_clip(model, clip)
    n = n_draws_of(posterior) // n_chains
    draw = evenly(n, -(-draws // n_chains))
    chosen = (np.arange(n_chains)[:, None] * n + draw).ravel()
    thinned = {name: values[chosen] for name, values in posterior.items()}
    y = _responses(model, thinned, _eta(model, thinned), np.random.default_rng(check_seed(seed)))
    return _labelled(model, clipped(y, ends), n_chains, draw)


def prior_predictive(model: Model, draws: int, seed: int, clip: Clip = False) -> xr.DataArray:
    """Draw a response for every row of the data, from parameters drawn from the priors.

    Links that do not keep a positive mean positive (identity, inverse and sqrt of gamma, poisson
    and negative_binomial) confine the linear predictor in the likelihood, and so confine the prior:
    parameters that put any row outside are drawn again.

    Returns
    -------
    xarray.DataArray
        Dims chain (of one), draw and row; the response's units.

    Raises
    ------
    PriorError
        If a prior is improper, or almost none of its draws is possible.
    """
    check_draws(draws)
    ends = limits_of_clip(model, clip)
    rng = np.random.default_rng(check_seed(seed))
    parameters = _possible(model, rng, draws)
    y = clipped(_responses(model, parameters, _eta(model, parameters), rng), ends)
    return _labelled(model, y, 1, np.arange(draws))


def prior_sample(model: Model, draws: int, seed: int) -> dict[str, Array]:
    """Draw parameters from the priors that a likelihood can have, shape (draws, *dims).

    Errors are those of `prior_predictive`.
    """
    return _possible(model, np.random.default_rng(check_seed(seed)), draws)


def prior_responses(model: Model, parameters: Mapping[str, Array], seed: int) -> xr.DataArray:
    """Draw a response for every row of the data at each of `prior_sample`'s parameters."""
    rng = np.random.default_rng([check_seed(seed), 1])
    y = _responses(model, parameters, _eta(model, parameters), rng)
    return _labelled(model, y, 1, np.arange(n_draws_of(parameters)))


def _possible(model: Model, rng: np.random.Generator, draws: int) -> dict[str, Array]:
    """Draw parameters anew until each row has a mean, where the link has none for some."""
    parameters = prior_draws(model, rng, draws)
    if not model.family.confines(model.link):
        return parameters
    bad = np.flatnonzero((_eta(model, parameters) <= 0).any(axis=1))
    for _ in range(ATTEMPTS):
        if not bad.size:
            return parameters
        again = prior_draws(model, rng, bad.size)
        for name, values in again.items():
            parameters[name][bad] = values
        bad = bad[(_eta(model, again) <= 0).any(axis=1)]
    if bad.size:
        raise PriorError(
            f"{bad.size} of {draws} draws of the prior have rows whose mean is not positive, "
            f"after {ATTEMPTS} attempts: link={model.link.name!r} needs a prior that keeps "
            "the linear predictor positive. Narrow the priors, or use link='log'."
        )
    return parameters


def evenly(n: int, draws: int) -> np.ndarray:
    """Choose places evenly among n, the first and the last included; all of them if n is less."""
    return np.arange(n) if draws >= n else np.linspace(0, n - 1, draws).round().astype(int)


def check_draws(draws: int) -> None:
    """Refuse a number of draws that is none."""
    check_whole("draws", draws, 1)


def check_seed(seed: int) -> int:
    """Refuse a seed that is no whole number from 0 up."""
    check_whole("seed", seed, 0)
    return int(seed)


def _eta(model: Model, parameters: Mapping[str, Array]) -> Array:
    """Linear predictor of the distinct rows, offsets included, shape (S, D)."""
    rows = rows_of(model.design)
    parts = [eta for _, eta in linear_predictor(model, parameters, rows)]
    return np.hstack(parts) + rows.offset


def _responses(
    model: Model, parameters: Mapping[str, Array], eta: Array, rng: np.random.Generator
) -> Array:
    """Draw the response of each row of the data, shape (S, N), in the units of the data.

    Rows that count categories have as many as they count.
    """
    check_rows_apart(model, "Replicates are")
    design = model.design
    row = design.row[design.responses]
    beside = design.response.trials if model.family.trials else design.response.limits
    aux = auxiliary(model, parameters, rows_of(design, beside=True))
    out = np.empty((len(eta), len(row)))
    if model.residuals is not None:
        spread = _some(aux[str(model.family.noise)], slice(None), row)
        return design.response.in_units(
            draw_correlated(model, parameters, eta[:, row], spread, rng)
        )
    size = max(1, model.tuning.chunk // len(row))
    for start in range(0, len(eta), size):
        some = slice(start, start + size)
        of_some = {name: _some(values, some, row) for name, values in aux.items()}
        out[some] = draw_responses(model, rng, eta[some][:, row], of_some, beside)
    return design.response.in_units(out)


def draw_correlated(
    model: Model,
    parameters: Mapping[str, Array],
    eta: Array,
    spread: Array,
    rng: np.random.Generator,
) -> Array:
    """Draw responses whose residuals are correlated, shape (S, N), in the units of the model.

    Parameters
    ----------
    model : Model
        One with a residual term.
    parameters : mapping of str to ndarray, shape (S, ...)
    eta : ndarray, shape (S, N)
        Linear predictor of each row.
    spread : ndarray, shape (S, 1) or (S, N)
        Sigma, of all rows or of each.
    rng : numpy.random.Generator
    """
    term, residuals, family = model.design.residual, model.residuals, model.family
    assert term is not None
    assert residuals is not None
    structure = residuals.structure
    error = draw_residuals(structure, term, parameters[structure.name], spread, rng)
    if family.elliptical is not None:
        aux = {p.name: parameters[p.name][:, None] for p in model.likelihood.reported}
        nothing = np.zeros((len(eta), term.sizes.size))
        error = error * family.elliptical.factor(rng, nothing, 0, aux)[:, term.unit]
    y = model.link.inverse(eta) + error
    return np.exp(y) if family.log_response else y


def _some(values: Any, some: slice, row: np.ndarray) -> Any:
    """Take some draws of a parameter, at each row where it differs between them."""
    if isinstance(values, tuple):
        return tuple(_some(element, some, row) for element in values)
    return values[some] if values.shape[1] == 1 else values[some][:, row]


def _labelled(model: Model, y: Array, n_chains: int, draw: np.ndarray) -> xr.DataArray:
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    numbers = row_numbers(model.design)[model.design.responses]
    return xr.DataArray(
        y.reshape(n_chains, len(draw), -1),
        dims=("chain", "draw", ROW),
        coords={"chain": np.arange(n_chains), "draw": draw, ROW: numbers},
        name=tree_name(model.design.response.name),
        attrs=model.design.response.attrs,
    )
