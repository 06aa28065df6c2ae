"""Differences and slopes of curves, with the band that holds all of each, and zero."""

from __future__ import annotations

import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_hline,
    geom_line,
    geom_ribbon,
    geom_segment,
    labs,
)

from winstan.options import Interval
from winstan.plots.axis import Axis
from winstan.plots.composing import Plot
from winstan.plots.panels import caption_of
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import POSTERIOR, theme_winstan
from winstan.plots.words import percent

HEIGHT = 62
"""Millimetres of one panel."""


def plot_band(
    table: pd.DataFrame,
    *,
    predictor: str,
    what: str,
    by: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    caption: str = "",
) -> Plot:
    """Draw a difference or a slope along a number: mean, interval at each value, band of the whole.

    Parameters
    ----------
    table
        Columns ``x``, ``mean``, ``lower``, ``upper``, ``band_low``, ``band_high``, ``beyond`` and,
        with `by`, ``by``: a panel for each of its values.
    predictor, what
        Names of the axes.
    by
        What the panels are of.
    prob, interval
        Of both intervals, for the caption.
    unit
        Of the vertical axis.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column, has no row, or values that cannot be drawn.
    """
    columns = ["x", "mean", "lower", "upper", "band_low", "band_high"]
    require_columns(table, "table", [*columns, "beyond", *(["by"] if by else [])])
    require_finite("table", table[columns], positive=False)
    rows = table.reset_index(drop=True)
    rows["panel"] = as_text(rows["by"]) if by else ""
    rows["panel"] = pd.Categorical(rows["panel"], list(dict.fromkeys(rows["panel"])))
    axis = Axis.around([*rows["band_low"], *rows["band_high"]], [0.0], log=False)
    along = Axis.around(rows["x"], [], log=False)
    apart = _stretches(rows, axis.low)
    n = rows["panel"].nunique()
    text = caption_of(
        [
            f"dark: {percent(prob)} {interval.upper()} at each value; light: {percent(prob)} band "
            "of the whole curve",
            "bar below: the band leaves zero" if len(apart) else "the band holds zero everywhere",
            caption,
        ]
    )
    plot = (
        Plot()
        + geom_ribbon(aes("x", ymin="band_low", ymax="band_high"), rows, fill=POSTERIOR, alpha=0.2)
        + geom_ribbon(aes("x", ymin="lower", ymax="upper"), rows, fill=POSTERIOR, alpha=0.35)
        + geom_hline(yintercept=0, size=0.35, color="#666666")
        + geom_line(aes("x", "mean"), rows, size=0.9, color=POSTERIOR)
    )
    if len(apart):
        plot += geom_segment(
            aes("start", "y", xend="end", yend="y"), apart, size=1.6, color="#222222"
        )
    if n > 1:
        plot += facet_wrap("panel", ncol=1)
    title = what if n != 1 or not by else f"{what}: {rows['panel'].iloc[0]}"
    return (
        plot
        + along.scale()
        + axis.scale(vertical=True)
        + labs(x=predictor, y=axis.title(title, unit), caption=text)
        + theme_winstan(width=90, height=HEIGHT * max(1, n) + 10 + 3 * len(text.splitlines()))
    )


def _stretches(rows: pd.DataFrame, y: float) -> pd.DataFrame:
    """Return the ends of the stretches beyond zero, each at least as wide as a step of the grid."""
    out = []
    for panel, part in rows.groupby("panel", observed=True, sort=False):
        x, beyond = part["x"].to_numpy(float), part["beyond"].to_numpy(bool)
        starts = [i for i, b in enumerate(beyond) if b and (i == 0 or not beyond[i - 1])]
        for start in starts:
            stop = start
            while stop + 1 < len(x) and beyond[stop + 1]:
                stop += 1
            out.append({"panel": panel, "start": x[start], "end": x[stop], "y": y})
    table = pd.DataFrame(out, columns=["panel", "start", "end", "y"])
    return table.assign(panel=pd.Categorical(table["panel"], rows["panel"].cat.categories))
