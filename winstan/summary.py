"""The table of every parameter: means, intervals, R-hat and effective sample sizes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.convergence import Ordered, by_block, mixing, quantiles, shortest
from winstan.effects.intervals import interval_names

if TYPE_CHECKING:
    import xarray as xr

    from winstan._typing import Array
    from winstan.options import Interval


def summarise(
    draws: xr.DataTree, *, prob: float = 0.94, interval: Interval = "hdi"
) -> pd.DataFrame:
    """Summarise every parameter.

    Parameters
    ----------
    draws
        With a group ``posterior``.
    prob
        Probability of the interval.
    interval : {"hdi", "eti"}
        Highest density, or equal tails.

    Returns
    -------
    DataFrame
        A row for each scalar, such as ``1|mouse[m3]``; columns mean, sd, the ends of the interval
        (named by kind and probability), ess_bulk, ess_tail, r_hat, mcse_mean.
    """
    lower, upper = interval_names(prob, interval)
    names, values = _scalars(draws)

    def judged(ordered: Ordered) -> dict[str, Array]:
        if interval == "hdi":
            low, high = shortest(ordered.values, prob)
        else:
            low, high = quantiles(ordered, ((1 - prob) / 2, (1 + prob) / 2))
        return {
            "mean": ordered.draws.mean(axis=(1, 2)),
            "sd": ordered.draws.std(axis=(1, 2), ddof=1),
            lower: low,
            upper: high,
            **mixing(ordered),
        }

    columns = by_block(values, judged)
    order = ["mean", "sd", lower, upper, "ess_bulk", "ess_tail", "r_hat", "mcse_mean"]
    return pd.DataFrame({name: columns[name] for name in order}, index=names)


def _scalars(draws: xr.DataTree) -> tuple[list[str], Array]:
    """Name every scalar as ArviZ does, and stack their draws: (chains, draws, scalars)."""
    names, parts = [], []
    for name, variable in draws["posterior"].data_vars.items():
        dims = variable.dims[2:]
        own = variable.attrs.get("name", name)  # as the model has it: a tree knows no slash
        labels = product(*(variable[dim].to_numpy().tolist() for dim in dims))
        names += [f"{own}[{', '.join(map(str, at))}]" if dims else str(own) for at in labels]
        parts.append(variable.to_numpy().reshape(*variable.shape[:2], -1))
    return names, np.concatenate(parts, axis=2)
