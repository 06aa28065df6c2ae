"""Leave-one-out of a sample of rows, where an engine has grouped all of them.

The log density of all rows at one point, the posterior mean, is known from their sums. What it
differs by from leave-one-out is estimated from a sample: the difference estimator of Magnusson,
Riis Andersen, Jonasson and Vehtari (2020), AISTATS, PMLR 108, 341-351.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.crossvalidation.result import ELPDSample, total_of_sample
from winstan.crossvalidation.scored import ScoredData
from winstan.data.columns import how_many
from winstan.design_warnings import warn_design
from winstan.draws import ROW
from winstan.effects.grouped_rows import single_rows
from winstan.effects.pointwise import leave_one_out, pointwise, total_log_likelihood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model

ROWS = 1_000
"""Rows that are left out, one at a time, unless more are asked for."""


def leave_sampled_rows_out(fit: FittedModel, rows: int | None = None) -> ELPDSample:
    """Estimate the sum over all rows of their log densities given all others; see `Fit.loo`."""
    model, posterior = fit.model, fit.joined()
    few = single_rows(model, "loo() is", ROWS if rows is None else rows)
    chains = fit.draws["posterior"].sizes["chain"]
    point = {name: values.mean(axis=0, keepdims=True) for name, values in posterior.items()}
    found = leave_one_out(few, posterior, chains, warn=False)
    table = _table(few, found.elpd_i.to_numpy(), found.p_loo_i.to_numpy(), found.pareto_k, point)
    n, m = model.design.n_used, len(table)
    at_point = float(total_log_likelihood(model, point)[0])
    weights = model.design.frequency
    observations = n if weights is None else int(weights.sum())
    more, error = total_of_sample(table["weight"] * (table["elpd"] - table["lpd"]), n)
    p, _ = total_of_sample(table["weight"] * table["p"], n)
    _warn_of_influence(model, table["k"].to_numpy(), found.good_k)
    return ELPDSample(
        elpd=at_point + more,
        se=float(np.sqrt(observations * found.elpd_i.to_numpy().var(ddof=1))),
        p=p,
        n_samples=found.n_samples,
        n_data_points=observations,
        scale="log",
        warning=found.warning,
        good_k=found.good_k,
        pareto_k=found.pareto_k,
        subsample_size=m,
        subsampling_se=error,
        loo_subsample_observations=table[ROW].to_numpy(),
        elpd_loo_approx=None,
        rows=table,
        n_rows=n,
        scored=ScoredData.of(single_rows(model, "loo() is")),
    )


def _table(few: Model, elpd: Array, p: Array, k: Array, point: Mapping[str, Array]) -> pd.DataFrame:
    """Return what is known of each sampled row; repeats by weight are alike."""
    size = few.design.n_rows
    weight = np.ones(size) if few.design.frequency is None else few.design.frequency
    first = np.cumsum(weight).astype(int) - weight.astype(int)
    at_point = pointwise(few, point)
    lpd = np.empty(at_point.n)
    for part, values in at_point.blocks:
        lpd[part] = values[0]
    return pd.DataFrame(
        {
            ROW: np.arange(size),
            "weight": weight,
            "elpd": elpd[first],
            "lpd": lpd[at_point.number],
            "p": p[first],
            "k": np.asarray(k)[first],
        }
    )


def _warn_of_influence(model: Model, k: Array, good: float) -> None:
    """Warn of rows whose term cannot be trusted."""
    bad = int(np.count_nonzero(~(k <= good)))
    if bad:
        warn_design(
            f"{bad} of {how_many(k.size, 'row')} that were sampled of {model.formula.text!r} weigh "
            f"so much on the posterior that leaving one out is not well approximated: Pareto k "
            f"above {good:.2g}, {k.max():.2f} at most, which flatters the model. A family of "
            "heavier tails (student) may suit such rows; of a fit of a sample in memory, "
            "loo(reloo=True) fits without each.",
            "influential_rows",
        )
