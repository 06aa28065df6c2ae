"""Autocorrelation of residuals: bars by lag, the band of independent ones, what the model has."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_cartesian,
    geom_hline,
    geom_line,
    geom_point,
    geom_ribbon,
    geom_segment,
    labs,
    scale_x_continuous,
)

from winstan.plots.composing import Plot
from winstan.plots.panels import caption_of
from winstan.plots.tables import require_columns
from winstan.plots.theme import COLUMN, OBSERVED, POSTERIOR, theme_winstan

COLUMNS = ("unit", "lag", "correlation", "pairs", "lower", "upper", "implied")
# Of fewer pairs a unit's correlation is about one or minus one, whatever it is.
FEWEST_PAIRS = 3


def plot_autocorrelation(
    table: pd.DataFrame, *, whole: str, unit: str, modelled: str = "", prob: float = 0.94
) -> Plot:
    """Draw the autocorrelation of residuals within units.

    Parameters
    ----------
    table
        Columns unit, lag, correlation, pairs, lower, upper, implied. A unit has a line where it
        has three pairs of rows, or more.
    whole
        The unit that stands for all together: bars; the others are thin lines.
    unit
        What the units are, for the axis.
    modelled
        The model's term of residual correlation: what it implies is drawn as a line.
    prob
        Of the band.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a column is missing.
    """
    require_columns(table, "table", list(COLUMNS))
    pooled = table[table["unit"] == whole]
    told = np.isfinite(table["correlation"]) & (table["pairs"] >= FEWEST_PAIRS)
    single = table[(table["unit"] != whole) & told]
    single = single[single.groupby("unit")["lag"].transform("size") > 1]  # a line has two ends
    single = single.assign(unit=single["unit"].astype(str))
    several = single["unit"].unique().size > 1
    lags = np.arange(1, int(pooled["lag"].max()) + 1)
    plot = Plot(pooled, aes("lag", "correlation"))
    plot += geom_ribbon(aes(ymin="lower", ymax="upper"), fill="#DDDDDD")
    plot += geom_hline(yintercept=0, size=0.4)
    if several:
        plot += geom_line(aes(group="unit"), single, color="#999999", size=0.3, alpha=0.5)
    plot += geom_segment(
        aes(x="lag", xend="lag", y=0, yend="correlation"), pooled, color=OBSERVED, size=0.8
    )
    plot += geom_point(color=OBSERVED, size=1.4)
    said = [f"red: all together; grey band: {prob:.0%} of independent residuals"]
    if several:
        said.append(f"grey lines: each {unit}")
    if modelled:
        plot += geom_line(aes(y="implied"), pooled, color=POSTERIOR, size=0.8)
        said.append(f"blue: what {modelled} has")
    step = max(1, lags.size // 10)
    plot += scale_x_continuous(breaks=list(lags[::step]))
    shown = pd.concat([pooled["correlation"], single["correlation"]])
    plot += coord_cartesian(ylim=(min(-0.5, float(shown.min())), 1))
    plot += labs(
        x=f"Rows apart, within {unit}",
        y="Correlation of residuals",
        caption=caption_of(said),
    )
    return plot + theme_winstan(width=COLUMN)
