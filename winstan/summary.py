"""The table of every parameter: means, intervals, R-hat and effective sample sizes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.convergence import convergence
from winstan.effects.intervals import interval_ends, interval_names

if TYPE_CHECKING:
    import xarray as xr

    from winstan.families.links import Array


def summarise(draws: xr.DataTree, *, prob: float = 0.94, interval: str = "hdi") -> pd.DataFrame:
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
    ends = interval_names(prob, interval)
    names, values = _scalars(draws)
    flat = values.reshape(-1, len(names))
    lower, upper = interval_ends(flat, prob, interval)
    mixing = convergence(values)
    columns = {
        "mean": flat.mean(axis=0),
        "sd": flat.std(axis=0, ddof=1),
        ends[0]: lower,
        ends[1]: upper,
        "ess_bulk": mixing.ess_bulk,
        "ess_tail": mixing.ess_tail,
        "r_hat": mixing.r_hat,
        "mcse_mean": mixing.mcse_mean,
    }
    return pd.DataFrame(columns, index=names)


def _scalars(draws: xr.DataTree) -> tuple[list[str], Array]:
    """Name every scalar as ArviZ does, and stack their draws: (chains, draws, scalars)."""
    names, parts = [], []
    for name, variable in draws["posterior"].data_vars.items():
        dims = variable.dims[2:]
        labels = product(*(variable[dim].to_numpy().tolist() for dim in dims))
        names += [f"{name}[{', '.join(map(str, at))}]" if dims else str(name) for at in labels]
        parts.append(variable.to_numpy().reshape(*variable.shape[:2], -1))
    return names, np.concatenate(parts, axis=2)
