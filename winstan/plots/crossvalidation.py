"""Fits by how well they predict, and units by what they move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    geom_point,
    geom_segment,
    geom_text,
    geom_vline,
    labs,
    scale_fill_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, row_height, theme_rows
from winstan.plots.tables import require_columns
from winstan.plots.theme import OBSERVED, POSTERIOR

if TYPE_CHECKING:
    from collections.abc import Sequence


def plot_elpd(table: pd.DataFrame, *, what: str) -> Plot:
    """Draw how much worse each fit predicts than the best: the difference, and 1 and 2 SEs.

    Parameters
    ----------
    table
        A row for each fit, the best first: columns ``fit``, ``elpd_diff``, ``se_diff``.
    what
        What was left out, for the label: ``mouse``.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column or has no row.
    """
    require_columns(table, "table", ["fit", "elpd_diff", "se_diff"])
    rows = table.assign(y=-np.arange(len(table), dtype=float))
    for k in (1, 2):
        rows[f"low{k}"] = rows["elpd_diff"] - k * rows["se_diff"]
        rows[f"high{k}"] = rows["elpd_diff"] + k * rows["se_diff"]
    return (
        Plot()
        + geom_vline(xintercept=0, linetype="dashed", size=0.4, color="#666666")
        + geom_segment(
            aes("low2", "y", xend="high2", yend="y"), rows, size=0.7, color=POSTERIOR, **LINE_END
        )
        + geom_segment(
            aes("low1", "y", xend="high1", yend="y"), rows, size=1.6, color=POSTERIOR, **LINE_END
        )
        + geom_point(aes("elpd_diff", "y"), rows, size=2.2, fill=POSTERIOR, color="black")
        + scale_y_continuous(
            breaks=rows["y"].tolist(), labels=rows["fit"].tolist(), limits=(-len(rows) + 0.4, 0.6)
        )
        + labs(
            x=f"difference of elpd from the best (left out: {what})",
            y="",
            caption="thick: 1 standard error; thin: 2",
        )
        + theme_rows(_height(len(rows)))
    )


def plot_influence(table: pd.DataFrame, quantities: Sequence[str], *, factor: str) -> Plot:
    """Draw by how much each unit moves each quantity, in posterior sds.

    Parameters
    ----------
    table
        A row for each unit and quantity: columns the factor's name, ``quantity``, ``shift``.
    quantities
        Those to draw, from top to bottom.
    factor
        The column of units.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column or has no row.
    """
    require_columns(table, "table", [factor, "quantity", "shift"])
    place = {name: -float(i) for i, name in enumerate(quantities)}
    rows = table[table["quantity"].isin(quantities)].dropna(subset=["shift"])
    rows = rows.assign(y=rows["quantity"].map(place), unit=rows[factor].astype(str))
    most = rows.loc[rows.groupby("quantity")["shift"].apply(lambda s: s.abs().idxmax())]
    rows["which"] = np.where(rows.index.isin(most.index), "moves it most", "others")
    fills = {"moves it most": OBSERVED, "others": POSTERIOR}
    reach = 1.15 * max(1.2, float(rows["shift"].abs().max()))
    return (
        Plot()
        + geom_vline(xintercept=0, linetype="dashed", size=0.4, color="#666666")
        + geom_vline(xintercept=[-1, 1], size=0.3, color="#BBBBBB")
        + geom_point(aes("shift", "y", fill="which"), rows, size=1.7, stroke=0.2, color="black")
        + geom_text(
            aes("shift", "y", label="unit"), most, size=6, nudge_y=0.36, va="center", color="black"
        )
        + scale_fill_manual(values=fills, breaks=list(fills))
        + scale_x_continuous(limits=(-reach, reach))
        + scale_y_continuous(
            breaks=list(place.values()),
            labels=list(place),
            limits=(-len(place) + 0.4, 0.7),
        )
        + labs(x=f"what a {factor} adds (posterior sds)", y="", caption="grey: 1 posterior sd")
        + theme_rows(_height(len(place)))
        + theme(legend_text=element_text(size=7))
    )


def _height(n: int) -> float:
    """Return the height of a figure of n rows, in mm."""
    return n * row_height(n) + 22
