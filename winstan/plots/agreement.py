"""Fits of one question side by side: the posterior of each parameter by each, and z values."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    facet_wrap,
    geom_blank,
    geom_point,
    geom_rect,
    geom_segment,
    geom_text,
    geom_vline,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_shape_manual,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, row_height, theme_rows
from winstan.plots.tables import as_text, require_columns
from winstan.plots.theme import OKABE_ITO
from winstan.plots.words import number, percent, wrap

COLOURS = tuple(OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange"))
Z_VIEW = 3.0
"""Thresholds that the axis of z reaches to; larger values lie at its edge, and are written."""


def plot_agreement(
    intervals: pd.DataFrame,
    table: pd.DataFrame,
    *,
    threshold: float,
    prob: float = 0.94,
    left_out: int = 0,
) -> Plot:
    """Draw each parameter's posterior by each fit, and beside it how far the fits differ.

    On the left, means (dots) and HDIs (lines), in posterior sds of the first fit about its mean,
    so that parameters of all units share an axis. On the right, the differences of means (circles)
    and of sds (diamonds) in Monte Carlo errors; inside the grey band they are what chance gives.
    Differences far outside lie at the edge as triangles, with their value beside them.

    Parameters
    ----------
    intervals
        One row for each parameter and fit: columns ``fit``, ``parameter``, ``mean``, ``sd``,
        ``lower``, ``upper``. Parameters are drawn from top to bottom in its order.
    table
        One row for each parameter and pair of fits: columns ``parameter``, ``second`` (the fit
        held against the first), ``z_mean``, ``z_sd``.
    threshold
        The largest z that is called agreement.
    prob
        Probability of the HDI, for the label.
    left_out
        How many parameters are not in the tables, for the caption.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    require_columns(intervals, "intervals", ["fit", "parameter", "mean", "sd", "lower", "upper"])
    require_columns(table, "table", ["parameter", "second", "z_mean", "z_sd"])
    bars = intervals.assign(fit=as_text(intervals["fit"]), name=as_text(intervals["parameter"]))
    fits = list(dict.fromkeys(bars["fit"]))
    names = list(dict.fromkeys(bars["name"]))
    if bars.duplicated(["fit", "name"]).any():
        raise DataError("intervals has more than one row for the same fit and parameter.")
    place = {name: -float(i) for i, name in enumerate(names)}
    panels = [f"mean, {percent(prob)} HDI\n(sds of {fits[0]})", "difference\n(z)"]
    lane = {fit: 0.5 * ((len(fits) - 1) / 2 - i) / len(fits) for i, fit in enumerate(fits)}

    reference = bars[bars["fit"] == fits[0]].set_index("name")
    middle = reference["mean"].reindex(bars["name"]).to_numpy(float)
    unit = reference["sd"].reindex(bars["name"]).to_numpy(float)
    unit = np.where(unit > 0, unit, 1.0)
    for column in ("mean", "lower", "upper"):
        bars[column] = (bars[column].to_numpy(float) - middle) / unit
    bars["y"] = bars["name"].map(place) + bars["fit"].map(lane)
    bars["panel"] = pd.Categorical([panels[0]] * len(bars), panels)

    z, beyond = _z_points(table, place, lane, Z_VIEW * threshold)
    for part in (z, beyond):
        part["panel"] = pd.Categorical([panels[1]] * len(part), panels)
    bottom = -len(names) + 0.4
    band = pd.DataFrame(
        {"xmin": [-threshold], "xmax": [threshold], "ymin": [bottom], "ymax": [0.6]}
    )
    band["panel"] = pd.Categorical([panels[1]], panels)
    reach = max(1.2 * threshold, *z["z"].abs(), *beyond["z"].abs())
    ends = pd.DataFrame({"z": [-reach, reach], "y": [0.0, 0.0]})
    ends["panel"] = pd.Categorical([panels[1]] * 2, panels)
    zero = pd.DataFrame({"x": [0.0, 0.0], "panel": pd.Categorical(panels, panels)})
    colours = dict(zip(fits, cycle(COLOURS), strict=False))
    caption = f"grey: |z| up to {threshold:.1f}, as chance gives"
    if left_out:
        caption += f"; {left_out} more parameters are not drawn"
    plot = (
        Plot()
        + geom_rect(aes(xmin="xmin", xmax="xmax", ymin="ymin", ymax="ymax"), band, fill="#E6E6E6")
        + geom_blank(aes("z", "y"), ends)
        + geom_vline(aes(xintercept="x"), zero, linetype="dashed", size=0.4, color="#666666")
        + geom_segment(
            aes("lower", "y", xend="upper", yend="y", color="fit"),
            bars,
            size=0.9,
            show_legend=False,
            **LINE_END,
        )
        + geom_point(
            aes("mean", "y", fill="fit"), bars, shape="o", size=1.9, stroke=0.3, color="black"
        )
        + geom_point(
            aes("z", "y", fill="second", shape="what"), z, size=1.9, stroke=0.3, color="black"
        )
    )
    for left, part in beyond.groupby("left"):
        plot = (
            plot
            + geom_point(
                aes("z", "y", fill="second"),
                part,
                shape="<" if left else ">",
                size=2.2,
                stroke=0.3,
                color="black",
                show_legend=False,
            )
            + geom_text(
                aes("z", "y", label="value"),
                part,
                size=6,
                ha="left" if left else "right",
                va="center",
                nudge_x=0.08 * reach * (1 if left else -1),
            )
        )
    height = 24 + max(row_height(len(names)), 2.2 * len(fits) + 1) * len(names)
    return (
        plot
        + facet_wrap("panel", nrow=1, scales="free_x")
        + scale_color_manual(values=colours, breaks=fits)
        + scale_fill_manual(values=colours, breaks=fits)
        + scale_shape_manual(values={"means": "o", "sds": "D"}, breaks=["means", "sds"])
        + guides(
            fill=guide_legend(override_aes={"shape": "o", "size": 2}, order=1),
            shape=guide_legend(override_aes={"fill": "white", "size": 2}, order=2),
        )
        + scale_y_continuous(
            breaks=list(place.values()),
            labels=[wrap(name) for name in names],
            limits=(bottom, 0.6),
            expand=(0, 0),
        )
        + labs(x="", y="", fill="", shape="", caption=caption)
        + theme_rows(height)
        + theme(
            panel_spacing_x=0.04, strip_text=element_text(size=8, weight="normal", linespacing=1.2)
        )
    )


def _z_points(
    table: pd.DataFrame, place: dict[str, float], lane: dict[str, float], edge: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the z values in view, and those beyond the edge of the axis, moved to it."""
    one = table.assign(name=as_text(table["parameter"]), second=as_text(table["second"]))
    several = len(set(one["second"])) > 1
    parts = [
        pd.DataFrame(
            {
                "z": one[column].to_numpy(float),
                "what": what,
                "second": one["second"].to_numpy(),
                "y": (one["name"].map(place) + shift).to_numpy(float)
                + (one["second"].map(lane).to_numpy(float) if several else 0),
            }
        )
        for column, what, shift in (("z_mean", "means", 0.1), ("z_sd", "sds", -0.1))
    ]
    points = pd.concat(parts, ignore_index=True).dropna(subset="z")
    outside = points["z"].abs() > edge
    beyond = points[outside].copy()
    beyond["value"] = [
        f"{what.removesuffix('s')} {number(z)}"
        for what, z in zip(beyond["what"], beyond["z"], strict=True)
    ]
    beyond["left"] = beyond["z"] < 0
    beyond["z"] = edge * np.sign(beyond["z"])
    return points[~outside].copy(), beyond
