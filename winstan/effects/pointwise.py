"""The log density of every row under every draw, and what leave-one-out makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from winstan.cells import distinct
from winstan.data.columns import how_many
from winstan.design_warnings import warn_design
from winstan.draws import ROW, row_numbers, tree_name
from winstan.effects.grouped_rows import check_responses_known
from winstan.effects.means import (
    auxiliary,
    linear_predictor,
    n_draws_of,
    rows_of,
    take_rows,
)
from winstan.effects.psis import leave_out
from winstan.effects.unit_densities import densities_given_others, density_of_units
from winstan.errors import OptionError
from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from arviz import ELPDDataLOO

    from winstan._typing import Array
    from winstan.design import Design, NewRows
    from winstan.model import Model


# Of a row of the data: its density, its effective number and its Pareto k, and the sums of these.
_BYTES_OF_ENTRY = 64


@dataclass(frozen=True, slots=True)
class Pointwise:
    """Log densities, made when they are asked for: all draws of many rows may not fit in memory.

    Rows that share predictors, groups and response share their densities, which come once.

    Attributes
    ----------
    blocks : iterator of (slice, ndarray)
        Some of the U distinct rows, and their log densities, shape (S, rows of the block).
    number : ndarray of int, shape (N,)
        The distinct row that each row of the data is like.
    n : int
        U.
    """

    blocks: Iterator[tuple[slice, Array]]
    number: np.ndarray
    n: int


def pointwise(model: Model, posterior: Mapping[str, Array]) -> Pointwise:
    """Evaluate the log density of each row of the data at each draw.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).

    Returns
    -------
    Pointwise
        Normalised densities of the formula's left side; a row's frequency weight is left out. That
        of a censored row is a probability; that of a row that counts categories is of all of them.
    """
    check_responses_known(model, "Log densities of each row (log_likelihood, reloo=True) are")
    design = model.design
    if design.response.counts is not None:
        return _of_counts(model, posterior, design.response.counts)
    if model.residuals is not None:
        number, given = densities_given_others(model, posterior, model.residuals)
        return Pointwise(given, number, number.size)
    y = design.response.y.astype(float)
    number, first, rows = distinct_rows(design, y)

    def blocks() -> Iterator[tuple[slice, Array]]:
        for part, eta in linear_predictor(model, posterior, rows):
            at = first[part]
            whole = eta + rows.offset[part]
            aux = auxiliary(model, posterior, rows, part)
            of = design.response.beside(at)
            yield part, model.family.log_densities(y[at], whole, aux, model.link, of)

    return Pointwise(blocks(), number, len(first))


def distinct_rows(design: Design, y: Array) -> tuple[np.ndarray, np.ndarray, NewRows]:
    """Find the rows of data that differ in predictors, groups or response.

    Returns
    -------
    number : ndarray of int, shape (N,)
        The distinct row that each is like.
    first : ndarray of int, shape (U,)
        The first row like each.
    rows : NewRows
        Their predictors.
    """
    trials, limits = design.response.trials, design.response.limits
    columns = [design.row, y] if trials is None else [design.row, y, trials]
    columns += [] if limits is None else limits.columns.values()
    number, first = distinct(columns, len(y))
    return number, first, take_rows(rows_of(design, beside=True), design.row[first])


def _of_counts(model: Model, posterior: Mapping[str, Array], counts: Array) -> Pointwise:
    """Evaluate the multinomial log density of each row's counts, shape (N, K)."""
    row = model.design.row[model.design.data_rows]
    number, first = distinct([row, *counts.T], len(row))
    rows = take_rows(rows_of(model.design, beside=True), row[first])
    ways = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)

    def blocks() -> Iterator[tuple[slice, Array]]:
        for part, eta in linear_predictor(model, posterior, rows):
            at = first[part]
            whole = eta + rows.offset[part]
            aux = auxiliary(model, posterior, rows, part)
            out = np.broadcast_to(ways[at], whole.shape).copy()
            for k, times in enumerate(counts[at].T):
                place = np.full(at.size, float(k))
                out += times * model.family.log_densities(place, whole, aux, model.link)
            yield part, out

    return Pointwise(blocks(), number, len(first))


def log_likelihood(model: Model, posterior: Mapping[str, Array], n_chains: int) -> xr.DataArray:
    """Return all log densities in one array: see `winstan.fitted.predictions.Predictions`."""
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    found = pointwise(model, posterior)
    n_draws, n_rows = len(next(iter(posterior.values()))), len(found.number)
    remedy = "fit.loo() goes through them in chunks."
    check_size("The log densities", n_rows, n_draws, model.tuning.largest_array, remedy)
    out = np.empty((n_draws, n_rows))
    for part, values in found.blocks:
        rows = np.flatnonzero((found.number >= part.start) & (found.number < part.stop))
        out[:, rows] = values[:, found.number[rows] - part.start]
    return xr.DataArray(
        out.reshape(n_chains, -1, n_rows),
        dims=("chain", "draw", ROW),
        coords={
            "chain": np.arange(n_chains),
            "draw": np.arange(n_draws // n_chains),
            ROW: row_numbers(model.design)[model.design.data_rows],
        },
        name=tree_name(model.design.response.name),
    )


def check_size(what: str, n_rows: int, n_draws: int, most: float, remedy: str) -> None:
    """Refuse an array of all rows and draws of more bytes than `most`.

    Raises
    ------
    OptionError
    """
    if (size := 8 * n_draws * n_rows) > most:
        raise OptionError(
            f"{what} of {how_many(n_rows, 'row')} under {n_draws:,} draws are {size / 1e9:.1f} GB. "
            f"{remedy}"
        )


def total_log_likelihood(model: Model, posterior: Mapping[str, Array]) -> Array:
    """Return the log likelihood of all rows, by their frequency weights, shape (S,).

    Of correlated residuals it is their joint density, and not a sum over rows.
    """
    if model.residuals is not None:
        return density_of_units(model, posterior, model.residuals)
    if model.design.response.moments:
        return _by_cells(model, posterior)
    found, weights = pointwise(model, posterior), model.design.frequency
    times = sum_by(found.number, weights, found.n)
    out = np.zeros(len(next(iter(posterior.values()))))
    for part, values in found.blocks:
        out += values @ times[part]
    return out


def _by_cells(model: Model, posterior: Mapping[str, Array]) -> Array:
    """Sum the log likelihood by the cells' sufficient statistics, shape (S,)."""
    cells, likelihood = model.cells, model.likelihood
    rows = take_rows(rows_of(model.design, beside=True), cells.design_row)
    offset = cells.of_block(cells.offset - model.constant, 0)  # what cells did not take in
    out = []
    for start in range(0, n_draws_of(posterior), size := max(1, model.tuning.chunk // cells.n)):
        some = {name: values[start : start + size] for name, values in posterior.items()}
        eta = np.hstack([own for _, own in linear_predictor(model, some, rows)]) + offset
        aux = auxiliary(model, some, rows)
        for s, own in enumerate(eta):
            numbers = {name: np.squeeze(values[s]) for name, values in aux.items()}
            out.append(model.family.log_likelihood(likelihood.statistics, own, numbers, model.link))
    return np.array(out)


def leave_one_out(
    model: Model, posterior: Mapping[str, Array], n_chains: int, *, warn: bool = True
) -> ELPDDataLOO:
    """Estimate each observation's log density given all others: see `Fit.loo`.

    `warn` is whether to warn of rows for which it fails.
    """
    import xarray as xr  # noqa: PLC0415 - as above, and ArviZ takes longer still
    from arviz import ELPDDataLOO  # noqa: PLC0415
    from arviz_stats.base import array_stats  # noqa: PLC0415

    found = pointwise(model, posterior)
    _warn_of_limits(model)
    _warn_of_units(model)
    repeats = whole_repeats(model, "loo()")
    n_draws = len(next(iter(posterior.values())))
    elpd, k, p = np.empty((3, found.n))
    for part, values in found.blocks:
        elpd[part], k[part], p[part] = leave_out(values, n_chains)
    row = np.repeat(np.arange(len(found.number)), repeats)
    at = found.number[row]
    elpd_i, p_i, k_i = elpd[at], p[at], k[at]
    good = min(1 - 1 / np.log10(n_draws), 0.7)
    if warn:
        _warn_of_influence(model, k[found.number], good)
    total, error, n_parameters, _ = array_stats.loo_summary(elpd_i, p_i)
    coords = {ROW: row_numbers(model.design)[model.design.data_rows][row]}
    return ELPDDataLOO(
        elpd=float(total),
        se=float(error),
        p=float(n_parameters),
        n_samples=n_draws,
        n_data_points=len(at),
        scale="log",
        warning=not (k <= good).all(),
        good_k=good,
        elpd_i=xr.DataArray(elpd_i, dims=ROW, coords=coords, name="elpd_i"),
        pareto_k=xr.DataArray(k_i, dims=ROW, coords=coords, name="pareto_k"),
        p_loo_i=xr.DataArray(p_i, dims=ROW, coords=coords, name="p_loo_i"),
    )


def whole_repeats(model: Model, who: str) -> np.ndarray:
    """Return how many observations each row of the data stands for; `who` needs whole numbers."""
    weights = model.design.frequency
    if weights is None:
        return np.ones(model.design.n_rows, dtype=int)
    total = float(weights.sum())
    if total * _BYTES_OF_ENTRY > model.tuning.largest_array:
        raise OptionError(
            f"{who} has an entry for each of {total:,.0f} rows, "
            f"{total * _BYTES_OF_ENTRY / 1e9:.1f} GB: take a sample of rows, and fit that."
        )
    fractions = int((weights != np.floor(weights)).sum())
    if fractions:
        raise OptionError(
            f"{who} takes one observation at a time, and {how_many(fractions, 'row')} of "
            f"{len(weights):,} have a weight that is no whole number of them. Fit with counts as "
            "weights, or without."
        )
    return weights.astype(int)


def _warn_of_limits(model: Model) -> None:
    """Say that terms of censored rows are no densities."""
    limits = model.design.response.limits
    if limits is not None and limits.censored:
        warn_design(
            f"{limits.censored:,} of {len(model.design.row):,} rows of {model.formula.text!r} are "
            "censored: their terms are log probabilities, those of the others log densities, which "
            "have a unit. Compare it with fits of the same limits only, not with one of values put "
            "in their place.",
            "censored_loo",
        )


def _warn_of_units(model: Model) -> None:
    """Say that rows are left out one at a time, beside others that tell of them."""
    term = model.design.residual
    if term is not None:
        warn_design(
            f"Rows of {model.formula.text!r} are left out one at a time, and predicted from the "
            f"others of their '{term.spec.factor}', as {term.spec.text} correlates them: how well "
            "gaps are filled, not how well further units are foretold.",
            "conditional_loo",
        )


def _warn_of_influence(model: Model, k: Array, good: float) -> None:
    """Warn of rows whose term cannot be trusted: importance sampling fails for them."""
    bad = np.flatnonzero(~(k <= good))
    if not bad.size:
        return
    worst = bad[np.argsort(-k[bad])][:5]
    kept = model.design.kept[model.design.data_rows]
    rows = ", ".join(f"row {kept[i]}: {k[i]:.2f}" for i in worst)
    warn_design(
        f"{len(bad)} of {len(k):,} rows of {model.formula.text!r} weigh so much on the posterior "
        f"that leaving one out is not well approximated: Pareto k above {good:.2g} ({rows}"
        f"{', ...' if len(bad) > len(worst) else ''}; counted from 0), which flatters the model. "
        "Look at these rows; a family of heavier tails (student, negative_binomial) may suit them. "
        "fit.loo(reloo=True) fits without each of them.",
        "influential_rows",
    )
