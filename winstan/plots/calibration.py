"""The ranks of a calibration: how far their distribution is from a uniform one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plotnine import (
    aes,
    facet_wrap,
    geom_hline,
    geom_ribbon,
    geom_step,
    labs,
    scale_x_continuous,
    scale_y_continuous,
)

from winstan.plots.axis import plain_labels
from winstan.plots.composing import Plot
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import require_columns
from winstan.plots.theme import OKABE_ITO
from winstan.plots.words import percent

if TYPE_CHECKING:
    import pandas as pd


def plot_calibration(
    lines: pd.DataFrame,
    bands: pd.DataFrame,
    *,
    alarms: float,
    caption: str = "",
    axis: str = "rank of the truth, as a share",
) -> Plot:
    """Draw the difference of an ECDF from that of a uniform distribution.

    Parameters
    ----------
    lines
        Columns ``quantity``, ``rank`` (as a share), ``difference``. Panels are in its order.
    bands
        Columns ``quantity``, ``rank``, ``lower``, ``upper``: what differences stay within.
    alarms
        The probability that some line leaves its band by chance.
    caption
        What else is to be told.
    axis
        What is to be uniform.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    require_columns(lines, "lines", ["quantity", "rank", "difference"])
    require_columns(bands, "bands", ["quantity", "rank", "lower", "upper"])
    order = list(dict.fromkeys(lines["quantity"]))
    lines = lines.assign(panel=as_panels(lines["quantity"], order))
    bands = bands.assign(panel=as_panels(bands["quantity"], order))
    n, ncol = len(order), columns_for(len(order))
    told = caption_of(
        [f"grey: all lines of {percent(1 - alarms)} of models without fault", caption]
    )
    strip = max(str(panel).count("\n") + 1 for panel in lines["panel"].unique())
    return (
        Plot()
        + geom_ribbon(aes("rank", ymin="lower", ymax="upper"), bands, fill="#DDDDDD")
        + geom_hline(yintercept=0, size=0.3, color="#999999")
        + geom_step(aes("rank", "difference"), lines, size=0.5, color=OKABE_ITO["blue"])
        + facet_wrap("panel", ncol=ncol)
        + scale_x_continuous(
            breaks=[0, 0.5, 1], limits=(0, 1), labels=plain_labels, expand=(0.02, 0)
        )
        + scale_y_continuous(labels=plain_labels)
        + labs(x=axis, y="ECDF less uniform", caption=told)
        + theme_panels(n, ncol, caption=told, strip=strip)
    )
