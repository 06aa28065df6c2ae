"""The table of every parameter: means, intervals, R-hat and effective sample sizes, by ArviZ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.effects import interval_names

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


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
    import arviz_stats  # noqa: PLC0415 - a second that `import winstan` should not pay

    lower, upper = interval_names(prob, interval)
    table = arviz_stats.summary(
        draws, ci_kind=interval, ci_prob=prob, round_to="none", skipna=False
    )
    ends = [column for column in table.columns if column.endswith(("_lb", "_ub"))]
    table = table.rename(columns=dict(zip(ends, (lower, upper), strict=True)))
    columns = ["mean", "sd", lower, upper, "ess_bulk", "ess_tail", "r_hat", "mcse_mean"]
    return table[columns].astype(float)
