"""The table of every parameter: means, intervals, R-hat and effective sample sizes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.convergence import mixing
from winstan.effects.intervals import interval_names
from winstan.ordered_draws import Ordered, by_block, quantiles, shortest

if TYPE_CHECKING:
    from collections.abc import Collection

    import xarray as xr

    from winstan._typing import Array
    from winstan.options import Interval


@dataclass(frozen=True, slots=True)
class Scalars:
    """Every parameter, element by element.

    Attributes
    ----------
    names : tuple of str
    values : ndarray, shape (chains, draws, P)
    """

    names: tuple[str, ...]
    values: Array

    def without(self, names: Collection[str]) -> Scalars:
        """Leave some out."""
        kept = [i for i, name in enumerate(self.names) if name not in names]
        if len(kept) == len(self.names):
            return self
        return Scalars(tuple(self.names[i] for i in kept), self.values[..., kept])


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
    return table_of(scalars_of(draws), prob=prob, interval=interval)


def table_of(scalars: Scalars, *, prob: float = 0.94, interval: Interval = "hdi") -> pd.DataFrame:
    """Summarise scalars; parameters and columns are those of `summarise`."""
    lower, upper = interval_names(prob, interval)

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

    columns = by_block(scalars.values, judged)
    order = ["mean", "sd", lower, upper, "ess_bulk", "ess_tail", "r_hat", "mcse_mean"]
    return pd.DataFrame({name: columns[name] for name in order}, index=list(scalars.names))


def scalars_of(draws: xr.DataTree) -> Scalars:
    """Name every scalar as ArviZ does, and stack their draws."""
    names: list[str] = []
    parts = []
    for name, variable in draws["posterior"].data_vars.items():
        dims = variable.dims[2:]
        own = variable.attrs.get("name", name)  # as the model has it: a tree knows no slash
        labels = product(*(variable[dim].to_numpy().tolist() for dim in dims))
        names += [f"{own}[{', '.join(map(str, at))}]" if dims else str(own) for at in labels]
        parts.append(variable.to_numpy().reshape(*variable.shape[:2], -1))
    return Scalars(tuple(names), np.concatenate(parts, axis=2))
