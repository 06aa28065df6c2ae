"""Directions where they point: mean directions on a circle, with the data around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_fixed,
    element_blank,
    geom_path,
    geom_point,
    geom_segment,
    geom_text,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.options import Interval
from winstan.plots.composing import Plot
from winstan.plots.layers import legend, opacity, spread, thin
from winstan.plots.panels import caption_of
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import TREATMENTS, theme_winstan
from winstan.plots.turns import turn_label
from winstan.plots.words import level_of, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]

DIRECTIONS = len(TREATMENTS)
"""Mean directions that a figure has colours for."""
LANE = 0.14
"""Width of the lane of a level's rows around the circle, and of its arc inside, in radii."""
FINE = 240
"""Points of a whole circle."""


def plot_directions(
    table: pd.DataFrame,
    data: pd.DataFrame | None = None,
    *,
    predictor: str,
    response: str,
    prob: float = 0.94,
    interval: Interval = "hdi",
    caption: str = "",
) -> Plot:
    """Draw mean directions on a circle, and the raw angles around it.

    Zero is at the right, and angles grow against the clock. Inside, a line points to each mean
    direction (dot), on an arc that is its interval; outside, each row is a dot, in a lane for each
    level.

    Parameters
    ----------
    table
        A row for each level, six at most: columns ``x`` (the level), ``mean``, ``lower``, ``upper``
        in radians, the ends on either side of the mean.
    data
        The raw rows: columns ``x``, ``value``. Of a level with more than 400 rows, 400 are drawn,
        evenly by rank.
    predictor, response
        Names, for the legend and the title.
    prob, interval
        Of the arcs, for the caption.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column, has no row or too many, or values that cannot be drawn.
    """
    require_columns(table, "table", ["x", "mean", "lower", "upper"])
    require_finite("table", table[["mean", "lower", "upper"]], positive=False)
    rows = table.assign(x=as_text(table["x"]), place=np.arange(len(table))).reset_index(drop=True)
    if len(rows) > DIRECTIONS:
        raise DataError(f"table has {len(rows)} levels; a figure has colours for {DIRECTIONS}.")
    rows["what"] = [level_of(predictor, level) for level in rows["x"]]
    raw = pd.DataFrame({"x": [], "value": []}) if data is None else data
    require_columns(raw, "data", ["x", "value"], empty=True)
    require_finite("data", raw["value"].astype(float), positive=False)
    dots, n_rows = _dots(raw, rows), len(raw)
    outer = 1 + LANE * (len(rows) + 0.5) if len(dots) else 1.0
    colours = dict(zip(rows["what"], TREATMENTS, strict=False))
    many = int(dots.groupby("what").size().max()) if len(dots) else 0
    said = caption_of(
        [
            f"arcs: {percent(prob)} {interval.upper()} of the mean direction",
            f"{len(dots):,} of {n_rows:,} rows drawn" if len(dots) < n_rows else "",
            caption,
        ]
    )
    limits = (-outer - 0.3, outer + 0.3)
    return (
        Plot()
        + geom_path(aes("x", "y"), _arc(0.0, 2 * np.pi, 1.0), color="#888888", size=0.4)
        + geom_segment(aes("x", "y", xend="xend", yend="yend"), _ticks(), color="#888888", size=0.4)
        + geom_text(aes("x", "y", label="label"), _tick_labels(outer), size=7)
        + geom_point(
            aes("x", "y", fill="what"),
            dots,
            shape="o",
            size=1.1,
            stroke=0,
            alpha=opacity(many),
            show_legend=False,
        )
        + _mean_layers(rows)
        + scale_fill_manual(values=colours, breaks=list(colours))
        + scale_color_manual(values=colours, breaks=list(colours))
        + legend(list(colours))
        + scale_x_continuous(limits=limits, expand=(0, 0))
        + scale_y_continuous(limits=limits, expand=(0, 0))
        + coord_fixed()
        + labs(x="", y="", fill="", title=response, caption=said)
        + theme_winstan(width=90, height=96 + 3 * len(said.splitlines()))
        + theme(
            axis_line=element_blank(),
            axis_text=element_blank(),
            axis_ticks=element_blank(),
            axis_title=element_blank(),
        )
    )


def _arc(start: float, end: float, radius: float) -> pd.DataFrame:
    """Return the points of an arc."""
    n = max(8, int(FINE * abs(end - start) / (2 * np.pi)))
    at = np.linspace(start, end, n)
    return pd.DataFrame({"x": radius * np.cos(at), "y": radius * np.sin(at)})


def _ticks() -> pd.DataFrame:
    """Return short lines on the circle, eight of them."""
    at = np.arange(8) * np.pi / 4
    x, y = np.cos(at), np.sin(at)
    return pd.DataFrame({"x": 0.97 * x, "y": 0.97 * y, "xend": x, "yend": y})


def _tick_labels(outer: float) -> pd.DataFrame:
    at = np.arange(4) * np.pi / 2
    place = outer + 0.14
    return pd.DataFrame(
        {"x": place * np.cos(at), "y": place * np.sin(at), "label": [turn_label(a) for a in at]}
    )


def _dots(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to draw, around the circle in the lane of their level."""
    known = rows.set_index("x")
    seen = raw.assign(level=as_text(raw["x"]), x=raw["value"].astype(float))
    seen = seen[seen["level"].isin(known.index)].reset_index(drop=True)
    seen["what"] = seen["level"].map(known["what"])
    dots = thin(seen, ["what"])
    lane = dots["level"].map(known["place"]).astype(float)
    radius = 1 + LANE * (lane + 0.75 + 0.7 * spread(dots, ["what"]))
    return dots.assign(x=radius * np.cos(dots["x"]), y=radius * np.sin(dots["x"]))


def _mean_layers(rows: pd.DataFrame) -> list[object]:
    """Return a line to each mean direction, its arc, and a dot on it."""
    radius = 1 - LANE * (0.8 * rows["place"] + 0.6)
    ends = rows.assign(x=radius * np.cos(rows["mean"]), y=radius * np.sin(rows["mean"]))
    ends = ends.assign(x0=0.0, y0=0.0)
    lines = aes("x0", "y0", xend="x", yend="y", color="what")
    arcs = pd.concat(
        _arc(row["lower"], row["upper"], r).assign(what=row["what"])
        for (_, row), r in zip(rows.iterrows(), radius, strict=True)
    )
    return [
        geom_segment(lines, ends, size=0.5, show_legend=False),
        geom_path(aes("x", "y", color="what", group="what"), arcs, size=1.6, show_legend=False),
        geom_point(aes("x", "y", fill="what"), ends, size=2.2, stroke=0.4, color="black"),
    ]
