"""What the posterior, or the prior, would have the data be, beside the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    geom_line,
    geom_point,
    geom_rect,
    geom_segment,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan._angles import mean_direction
from winstan.options import check_flags
from winstan.plots.axis import Axis, bulk, forward, logarithmic
from winstan.plots.composing import Plot
from winstan.plots.density import kernel_density
from winstan.plots.layers import dot_layer, legend
from winstan.plots.panels import caption_of
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import POSTERIOR, theme_winstan
from winstan.plots.turns import near, turn_density
from winstan.plots.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 50
"""Replicates whose density is drawn."""
COUNTS = 40
"""Counts up to which each has its own place on the axis."""
SHARES = 20
"""Classes that proportions are counted in."""
TURNED = 40
"""Letters of all categories above which their labels are turned."""
SPIKE = 1.5
"""How far a replicate may rise above nine tenths of them before it is cut."""


def plot_density(
    replicated: pd.DataFrame,
    observed: pd.Series,
    *,
    response: str,
    what: str = "posterior",
    whole: bool = False,
    share: bool = False,
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
    circular: bool = False,
    labels: Sequence[str] = (),
) -> Plot:
    """Draw the density of the data over those of replicated data.

    Counts and proportions have no density, and none is drawn: counts of up to forty have a place
    each, larger ones and proportions are counted in classes of equal width. For each, the dot is
    the share of the data in it, and the bar the interval and median of that share among replicates.

    Parameters
    ----------
    replicated
        Columns ``draw``, ``value``: as many values a draw as there are data. At most fifty draws
        are drawn as densities.
    observed
        The data.
    response, unit
        For the axis.
    what
        ``"posterior"`` or ``"prior"``, for the legend.
    whole
        Whether the values are counts.
    share
        Whether the values are proportions, between 0 and 1.
    prob
        Probability of the intervals of counts, equal-tailed.
    log
        Whether the axis is logarithmic; by default it is when everything is positive, the
        data's 5th to 95th percentiles span more than a decade, and they are less skewed there. Of
        counts and proportions it never is, unless asked for; small counts stay on their places.
    circular
        Whether the values are angles: the axis is then one turn, cut opposite to the data, and
        densities go round.
    labels
        Of categories, whose places from 0 up the values are; none of other values.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    check_flags(whole=whole, share=share, log=log)
    require_columns(replicated, "replicated", ["draw", "value"])
    y = observed.to_numpy(float)
    rep = replicated["value"].to_numpy(float)
    finite = np.isfinite(rep)
    if circular:
        log = False
        center = mean_direction(y)
        y, rep = near(y, center), near(rep, center)
        replicated = replicated.assign(value=rep)
    if log is None:
        log = not (whole or share) and bool(rep[finite].min() > 0) and logarithmic(y)
    require_finite("observed", observed.astype(float), positive=log)
    if labels or (whole and y.max() <= COUNTS) or ((whole or share) and not log):
        edges = np.arange(len(labels) + 1) - 0.5
        if not labels:
            edges = _classes(y, rep[finite], whole=whole)
        return _plot_counts(
            replicated, y, edges, labels, response=response, what=what, prob=prob, unit=unit
        )
    draws = replicated["draw"].drop_duplicates()
    chosen = draws.iloc[np.unique(np.linspace(0, len(draws) - 1, LINES).astype(int))]
    shown = replicated[replicated["draw"].isin(chosen)]
    axis = (
        Axis(center - np.pi, center + np.pi, log=False, turns=True)
        if circular
        else Axis.around(
            bulk(y, 0.99),
            [y.min(), y.max(), *np.quantile(rep[finite], [0.01, 0.99])],
            log=log,
        )
    )
    smooth = turn_density if circular else kernel_density
    grid = axis.grid()
    at = np.linspace(*axis.ends(), len(grid))
    parts = []
    for draw, part in shown.groupby("draw"):
        values = part["value"].to_numpy(float)
        values = values[np.isfinite(values) & ((values > 0) | (not log))]
        if values.size > 1:
            density = smooth(forward(values, log), at)
            parts.append(pd.DataFrame({"x": grid, "density": density, "draw": draw}))
    lines = pd.concat(parts, ignore_index=True)
    data = pd.DataFrame({"x": grid, "density": smooth(forward(y, log), at)})
    # A replicate of (nearly) equal values would be a spike that flattens all others.
    peaks = lines.groupby("draw")["density"].max()
    tallest = min(float(peaks.max()), SPIKE * float(peaks.quantile(0.9)))
    top = 1.1 * max(data["density"].max(), tallest)
    rep_label, data_label = f"{len(parts)} replicates, {what}", "data"
    edge = 1e-9 * circular  # rounding
    outside = float(np.mean((rep < axis.low - edge) | (rep > axis.high + edge) | ~finite))
    gone = np.count_nonzero((y < axis.low - edge) | (y > axis.high + edge))
    caption = caption_of(
        [
            "log axis" if log else "",
            f"beyond the axis: {_share(outside)} of the replicated values" if outside else "",
            f"beyond the axis: {gone} of {y.size:,} rows of data" if gone else "",
        ]
    )
    return (
        Plot()
        + geom_line(
            aes("x", "density", group="draw", color="what"),
            lines.assign(what=rep_label, density=lines["density"].clip(upper=top)),
            size=0.3,
            alpha=0.4,
        )
        + geom_line(aes("x", "density", color="what"), data.assign(what=data_label), size=1.0)
        + scale_color_manual(
            values={rep_label: POSTERIOR, data_label: "black"}, breaks=[data_label, rep_label]
        )
        + guides(color=guide_legend(ncol=2, override_aes={"alpha": 1, "size": 1}))
        + axis.scale()
        + scale_y_continuous(limits=(0, top), expand=(0, 0))
        + labs(x=axis.title(response, unit), y="density", color="", caption=caption)
        + theme_winstan(width=90, height=64 + 3 * len(caption.splitlines()))
        + theme(axis_text_y=element_blank(), axis_ticks_major_y=element_blank())
    )


def _classes(y: np.ndarray, rep: np.ndarray, *, whole: bool) -> np.ndarray:
    """Return the edges of even classes of counts or proportions, none of them below zero.

    A class holds its lower edge and not its upper; those of single counts have the count amid.
    """
    if not whole:
        return np.linspace(0, 1, SHARES + 1)
    if y.max() <= COUNTS:
        largest = int(max(y.max(), min(COUNTS, np.quantile(rep, 0.99))))
        return np.arange(largest + 2) - 0.5
    axis = Axis.around(
        bulk(y, 0.99), [y.min(), y.max(), *np.quantile(rep, [0.01, 0.99])], log=False
    )
    low, high = max(0, int(np.floor(axis.low))), int(np.ceil(axis.high))
    least = (high - low) / COUNTS
    decade = 10 ** int(np.floor(np.log10(max(least, 1))))
    width = next(decade * m for m in (1, 2, 5, 10) if decade * m >= least)
    low = low // width * width
    edges = np.arange(low, high + width + 1, width).astype(float)
    return edges - 0.5 if width == 1 else edges


def _class_shares(
    values: np.ndarray, draw: np.ndarray, n_draws: int, edges: np.ndarray
) -> np.ndarray:
    """Return the share of each draw's values that is in each class, shape (n_draws, classes)."""
    n, width = len(edges) - 1, edges[1] - edges[0]
    known = np.isfinite(values)
    # Proportions such as 3/20 lie on an edge but for rounding.
    place = np.floor((values[known] - edges[0]) / width + 1e-9)
    place = np.where(values[known] == edges[-1], n - 1, place)
    inside = (place >= 0) & (place < n)
    cell = draw[known][inside] * n + place[inside].astype(int)
    counts = np.bincount(cell, minlength=n_draws * n).reshape(n_draws, n)
    return counts / (len(values) / n_draws)


def _plot_counts(
    replicated: pd.DataFrame,
    y: np.ndarray,
    edges: np.ndarray,
    categories: Sequence[str] = (),
    *,
    response: str,
    what: str,
    prob: float,
    unit: str | None,
) -> Plot:
    """Draw the share of the data that is in each class, over that of replicates."""
    draw, names = pd.factorize(replicated["draw"])
    shares = _class_shares(replicated["value"].to_numpy(float), draw, len(names), edges)
    lower, mid, upper = np.quantile(shares, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    data = _class_shares(y, np.zeros(y.size, int), 1, edges)[0]
    width = float(edges[1] - edges[0])
    table = pd.DataFrame(
        {"x": edges[:-1] + width / 2, "mid": mid, "lower": lower, "upper": upper, "data": data}
    )
    single = float(edges[0]) % 1 == 0.5  # a count amid its class
    half = width * (0.3 if single else 0.42)
    table = table.assign(left=table["x"] - half, right=table["x"] + half)
    outside = 1 - float(shares.sum(axis=1).mean())
    gone = round(y.size * (1 - data.sum()))
    label, data_label = f"{what}: median, {percent(prob)} of replicates", "data"
    caption = caption_of(
        [
            "" if single else f"classes of width {width:g}",
            f"beyond the axis: {_share(outside)} of the replicated values"
            if outside > 1e-12
            else "",
            f"beyond the axis: {gone} of {y.size:,} rows of data" if gone else "",
        ]
    )
    pad = 0.1 if single else 0.0
    limits = (float(edges[0]) - pad, float(edges[-1]) + pad)
    axis = Axis(*limits, log=False)
    breaks = [float(b) for b in axis.breaks() if edges[-1] <= 1 or float(b).is_integer()]
    if categories:
        breaks = list(map(float, range(len(categories))))
    turned = sum(map(len, categories)) > TURNED
    return (
        Plot()
        + geom_rect(
            aes(xmin="left", xmax="right", ymin="lower", ymax="upper"),
            table,
            fill=POSTERIOR,
            alpha=0.35,
        )
        + geom_segment(aes("left", "mid", xend="right", yend="mid"), table, color=POSTERIOR)
        + dot_layer("x", "data", table, data_label, size=1.8, stroke=0)
        # Beyond the data's own mark, none is drawn of this: it is there for the legend.
        + geom_point(
            aes("x", "mid", fill="what"), table.iloc[:1].assign(what=label), alpha=0, shape="o"
        )
        + scale_fill_manual(
            values={data_label: "black", label: POSTERIOR}, breaks=[data_label, label]
        )
        + legend([data_label, label])
        + scale_x_continuous(
            breaks=breaks,
            labels=categories or axis.labels(breaks),
            limits=limits,
            expand=(0, 0),
        )
        + scale_y_continuous(expand=(0.02, 0, 0.05, 0))
        + labs(x=axis.title(response, unit), y="share of rows", fill="", caption=caption)
        + theme_winstan(width=90, height=64 + 3 * len(caption.splitlines()) + 8 * turned)
        + (theme(axis_text_x=element_text(rotation=30, ha="right")) if turned else theme())
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f}%" if value >= 0.001 else "<0.1%"
