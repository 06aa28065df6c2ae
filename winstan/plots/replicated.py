"""Groups and statistics of replicated data, beside those of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_point,
    geom_rect,
    geom_segment,
    geom_vline,
    guide_legend,
    guides,
    labs,
    scale_fill_manual,
    scale_x_continuous,
    scale_x_log10,
    scale_y_continuous,
    theme,
)

from winstan.options import check_flags
from winstan.plots.axis import Axis, backward, forward, plain_labels
from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, dot_layer, row_height, theme_rows, triangle_layers
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import OBSERVED, POSTERIOR
from winstan.plots.words import percent, wrap

LEVELS = 60
"""Groups that a page holds."""
BINS = 31
"""Bars of a histogram."""
LOG_FROM = 1.5
"""Decades that positive values must span for the axis to be logarithmic by default."""


def plot_groups(
    table: pd.DataFrame,
    *,
    response: str,
    group: str,
    what: str = "posterior",
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
) -> Plot:
    """Draw the observed mean of each group over the means of its replicates.

    Parameters
    ----------
    table
        A row per group: columns ``level``, ``observed``, and ``lower``, ``median``, ``upper`` of
        the replicated means.
    response, unit, group
        For the axes.
    what
        ``"posterior"`` or ``"prior"``, for the legend.
    prob
        Probability of the intervals.
    log
        Whether the axis is logarithmic; by default as in `plot_density`.

    Returns
    -------
    plotnine.ggplot
        At most sixty groups; the caption counts the others.

    Raises
    ------
    DataError
        If the table lacks a column, has no row, or values that cannot be drawn.
    """
    check_flags(log=log)
    ends = ["observed", "lower", "median", "upper"]
    require_columns(table, "table", ["level", *ends])
    rows = table.iloc[:LEVELS].reset_index(drop=True)
    values = rows[ends].to_numpy(float)
    if log is None:
        log = bool(values.min() > 0 and values.max() / values.min() > 10**LOG_FROM)
    require_finite("table", rows[ends], positive=log)
    rows["y"] = -np.arange(len(rows), dtype=float)
    core = np.concatenate([rows["observed"], np.quantile(rows["lower"], [0.1, 0.9])])
    core = np.concatenate([core, np.quantile(rows["upper"], [0.1, 0.9])])
    axis = Axis.around(core, rows[["lower", "upper"]].to_numpy(float).ravel(), log=log)
    bars = rows.assign(
        lower=rows["lower"].clip(axis.low, axis.high), upper=rows["upper"].clip(axis.low, axis.high)
    )
    cut = pd.concat(
        [axis.split(rows.assign(x=rows[end]))[1] for end in ("lower", "upper")], ignore_index=True
    )
    inside = rows[rows["median"].between(axis.low, axis.high)]
    surprising = int(
        ((rows["observed"] < rows["lower"]) | (rows["observed"] > rows["upper"])).sum()
    )
    more = len(table) - len(rows)
    data_label = f"mean of the data of each {group}"
    label = f"{what}: median, {percent(prob)} of replicates"
    caption = caption_of(
        [
            f"outside the interval: {surprising} of {len(rows)}",
            f"{len(cut)} ends beyond the axis (triangles)" if len(cut) else "",
            f"{more} more not drawn: name another column, by=" if more else "",
        ]
    )
    return (
        Plot()
        + geom_segment(
            aes("lower", "y", xend="upper", yend="y"),
            bars,
            size=2.2,
            color=POSTERIOR,
            alpha=0.4,
            **LINE_END,
        )
        + geom_point(
            aes("median", "y", fill="what"),
            inside.assign(what=label),
            shape="|",
            size=2.4,
            stroke=0.8,
            color=POSTERIOR,
        )
        + dot_layer("observed", "y", rows, data_label, size=1.9, stroke=0)
        + triangle_layers(cut, POSTERIOR)
        + scale_fill_manual(
            values={data_label: "black", label: POSTERIOR}, breaks=[data_label, label]
        )
        + guides(
            fill=guide_legend(
                ncol=1,
                override_aes={
                    "shape": ["o", "|"],
                    "color": ["black", POSTERIOR],
                    "size": [1.9, 2.4],
                },
            )
        )
        + axis.scale()
        + scale_y_continuous(
            breaks=rows["y"].tolist(),
            labels=[wrap(level) for level in as_text(rows["level"])],
            limits=(-len(rows) + 0.45, 0.55),
            expand=(0, 0),
        )
        + labs(x=axis.title(response, unit), y=group, fill="", caption=caption)
        + theme_rows(26 + row_height(len(rows)) * len(rows) + 3 * len(caption.splitlines()))
    )


def plot_statistics(
    replicated: pd.DataFrame,
    observed: pd.DataFrame,
    *,
    response: str,
    what: str = "posterior",
    unit: str | None = None,
) -> Plot:
    """Draw statistics of replicated data as histograms, and that of the data as a line.

    Each panel's title has the share of replicates whose statistic is at least the data's: near 0
    or 1, the model does not make such data.

    Parameters
    ----------
    replicated
        Columns ``statistic`` (a panel for each, in its order), ``draw``, ``value``.
    observed
        Columns ``statistic``, ``value``.
    response, unit
        For the axis.
    what
        ``"posterior"`` or ``"prior"``, for the caption.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    require_columns(replicated, "replicated", ["statistic", "draw", "value"])
    require_columns(observed, "observed", ["statistic", "value"])
    names = list(dict.fromkeys(as_text(observed["statistic"])))
    truth = dict(zip(as_text(observed["statistic"]), observed["value"].astype(float), strict=True))
    groups = {str(k): p["value"].to_numpy(float) for k, p in replicated.groupby("statistic")}
    finite = {name: groups[name][np.isfinite(groups[name])] for name in names}
    log = all(truth[n] > 0 and finite[n].min(initial=np.inf) > 0 for n in names) and any(
        np.quantile(finite[n], 0.95) / np.quantile(finite[n], 0.05) > 10**LOG_FROM for n in names
    )
    titles = {}
    bars, beyond = [], 0
    for name in names:
        x = forward(finite[name], log)
        t = float(forward(truth[name], log))
        low, high = np.quantile(x, [0.01, 0.99])
        low, high = min(low, t), max(high, t)
        pad = 0.05 * (high - low) or 0.5
        # Bars of what is never negative do not begin below zero.
        floor = 0.0 if not log and min(x.min(), t) >= 0 else -np.inf
        counts, edges = np.histogram(x, BINS, (max(low - pad, floor), high + pad))
        beyond += groups[name].size - int(counts.sum())
        edges = backward(edges, log)
        p = _probability(groups[name] >= truth[name])
        titles[name] = f"{name}\nP(replicate \N{GREATER-THAN OR EQUAL TO} data) {p}"
        bars.append(
            pd.DataFrame(
                {"left": edges[:-1], "right": edges[1:], "count": counts, "zero": 0, "name": name}
            )
        )
    order = list(titles.values())
    table = pd.concat(bars, ignore_index=True)
    table["panel"] = as_panels(table["name"].map(titles), order)
    lines = pd.DataFrame({"x": [truth[n] for n in names], "name": names})
    lines["panel"] = as_panels(lines["name"].map(titles), order)
    n_draws = replicated["draw"].nunique()
    caption = caption_of(
        [
            f"line: the data; bars: {n_draws} replicates from the {what}",
            f"beyond the axes: {beyond} replicated values" if beyond else "",
        ]
    )
    ncol = columns_for(len(names), 2)
    axis = Axis(1.0, 2.0, log=log)
    return (
        Plot()
        + geom_rect(
            aes(xmin="left", xmax="right", ymin="zero", ymax="count"),
            table,
            fill=POSTERIOR,
            alpha=0.45,
        )
        + geom_vline(aes(xintercept="x"), lines, color=OBSERVED, size=1.0)
        + facet_wrap("panel", ncol=ncol, scales="free")
        + (
            scale_x_log10(labels=_power_labels, expand=(0.07, 0))
            if log
            else scale_x_continuous(
                breaks=breaks_extended(4), labels=plain_labels, expand=(0.07, 0)
            )
        )
        + scale_y_continuous(expand=(0, 0, 0.05, 0))
        + labs(x=axis.title(response, unit), y="", caption=caption)
        + theme_panels(len(names), ncol, height=38, caption=caption, strip=2)
        + theme(
            axis_text_y=element_blank(),
            axis_ticks_major_y=element_blank(),
            strip_text=element_text(size=7, weight="normal", linespacing=1.2),
        )
    )


def _probability(true: np.ndarray) -> str:
    """Return what a share of draws says of a probability: none of 200 says that it is small."""
    p, least = float(true.mean()), 1 / true.size
    if p in (0.0, 1.0):
        return f"< {least:.1g}" if p == 0 else f"> {1 - least:.4g}"
    return f"= {p:.2f}" if 0.005 <= p < 0.995 else f"= {p:.3f}"


def _power_labels(breaks: list[float]) -> list[str]:
    known = [b for b in breaks if np.isfinite(b)]
    return Axis(min(known), max(known), log=True).labels(breaks) if known else []
