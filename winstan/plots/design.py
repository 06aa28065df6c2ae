"""What simulated studies say of a design, by its size."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from plotnine import (
    aes,
    coord_cartesian,
    facet_wrap,
    geom_hline,
    geom_line,
    geom_linerange,
    geom_point,
    labs,
    position_dodge,
    scale_color_manual,
    scale_x_continuous,
    scale_y_continuous,
)

from winstan.plots.axis import plain_labels
from winstan.plots.composing import Plot
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import require_columns
from winstan.plots.theme import OKABE_ITO

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

COLOURS = {"Bayes": "blue", "LME": "orange", "ANOVA": "green"}
TITLES = {
    "power": "Power",
    "width": "Width of the interval",
    "type_s": "Wrong signs (type S)",
    "type_m": "Exaggeration (type M)",
    "coverage": "Coverage",
    "false_positives": "False positives",
}
WANTED = 0.8
"""The power that a line is drawn at."""


def plot_design(
    table: pd.DataFrame, *, along: str, what: str, prob: float, caption: Sequence[str] = ()
) -> Plot:
    """Draw a property of simulated studies by their size.

    Parameters
    ----------
    table
        Columns of `along`, method, panel, value, mcse.
    along
        The size on the axis.
    what
        Which property the values are, as `TITLES` names them.
    prob
        Probability of the intervals.
    caption
        Sentences.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a column is missing.
    """
    require_columns(table, "table", [along, "method", "panel", "value", "mcse"])
    table = table.dropna(subset=["value"])
    order = list(dict.fromkeys(table["panel"]))
    table = table.assign(
        panel=as_panels(table["panel"], order),
        low=table["value"] - 2 * table["mcse"],
        high=table["value"] + 2 * table["mcse"],
    )
    if what not in ("width", "type_m"):
        table = table.assign(low=table["low"].clip(lower=0), high=table["high"].clip(upper=1))
    sizes = sorted(table[along].unique())
    gap = min((b - a for a, b in pairwise(sizes)), default=1)
    dodge = position_dodge(0.15 * float(gap))
    line = {"power": WANTED, "coverage": prob, "false_positives": 1 - prob, "type_m": 1.0}
    plot = Plot(table, aes(along, "value", color="method"))
    if what in line:
        plot += geom_hline(yintercept=line[what], size=0.4, linetype="dashed", color="#666666")
    if len(sizes) > 1:
        plot += geom_line(position=dodge, size=0.6)
    plot += geom_linerange(aes(ymin="low", ymax="high"), position=dodge, size=0.6)
    plot += geom_point(position=dodge, size=1.6)
    if len(order) > 1:
        plot += facet_wrap("panel", ncol=columns_for(len(order)))
    if what == "power":
        plot += coord_cartesian(ylim=(0, 1))
    told = caption_of(caption)
    plot += scale_color_manual({name: OKABE_ITO[own] for name, own in COLOURS.items()})
    plot += scale_x_continuous(breaks=sizes, labels=plain_labels)
    plot += scale_y_continuous(labels=plain_labels)
    plot += labs(x=along, y=TITLES[what], caption=told)
    ncol = columns_for(len(order))
    return plot + theme_panels(len(order), ncol, height=48.0, caption=told, extra=8)
