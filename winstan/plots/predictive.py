"""What the posterior, or the prior, would have the data be, beside the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    geom_line,
    geom_point,
    geom_rect,
    geom_segment,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.plots.axis import Axis, bulk, forward
from winstan.plots.density import kernel_density
from winstan.plots.layers import legend
from winstan.plots.panels import caption_of
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import POSTERIOR, theme_winstan
from winstan.plots.words import percent

LINES = 50
"""Replicates whose density is drawn."""
COUNTS = 40
"""Counts up to which each has its own place on the axis."""
LOG_FROM = 1.5
"""Decades that positive data must span for the axis to be logarithmic by default."""


def plot_density(
    replicated: pd.DataFrame,
    observed: pd.Series,
    *,
    response: str,
    what: str = "posterior",
    whole: bool = False,
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
) -> ggplot:
    """Draw the density of the data over those of replicated data.

    Counts of up to forty have a place each: the share of the data that has it (dot), and the
    interval and median of that share among replicates.

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
    prob
        Probability of the intervals of counts, equal-tailed.
    log
        Whether the axis is logarithmic; by default it is when everything is positive and the data
        span more than 1.5 decades.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    require_columns(replicated, "replicated", ["draw", "value"])
    y = observed.to_numpy(float)
    rep = replicated["value"].to_numpy(float)
    finite = np.isfinite(rep)
    if log is None:
        log = not whole and bool(
            min(y.min(), rep[finite].min()) > 0 and y.max() / y.min() > 10**LOG_FROM
        )
    require_finite("observed", observed.astype(float), positive=log)
    if whole and y.max() <= COUNTS:
        return _plot_counts(replicated, y, response=response, what=what, prob=prob, unit=unit)
    draws = replicated["draw"].drop_duplicates()
    chosen = draws.iloc[np.unique(np.linspace(0, len(draws) - 1, LINES).astype(int))]
    shown = replicated[replicated["draw"].isin(chosen)]
    axis = Axis.around(
        bulk(y, 0.99),
        [y.min(), y.max(), *np.quantile(rep[finite], [0.01, 0.99])],
        log=log,
    )
    grid = axis.grid()
    at = np.linspace(*axis.ends(), len(grid))
    parts = []
    for draw, part in shown.groupby("draw"):
        values = part["value"].to_numpy(float)
        values = values[np.isfinite(values) & ((values > 0) | (not log))]
        if values.size > 1:
            density = kernel_density(forward(values, log), at)
            parts.append(pd.DataFrame({"x": grid, "density": density, "draw": draw}))
    lines = pd.concat(parts, ignore_index=True)
    data = pd.DataFrame({"x": grid, "density": kernel_density(forward(y, log), at)})
    # A replicate of (nearly) equal values would be a spike that flattens all others.
    top = 1.1 * max(
        data["density"].max(), float(lines.groupby("draw")["density"].max().quantile(0.9))
    )
    rep_label, data_label = f"{len(parts)} replicates, {what}", "data"
    outside = float(np.mean((rep < axis.low) | (rep > axis.high) | ~finite))
    gone = np.count_nonzero((y < axis.low) | (y > axis.high))
    caption = caption_of(
        [
            f"beyond the axis: {_share(outside)} of the replicated values" if outside else "",
            f"beyond the axis: {gone} of {y.size:,} rows of data" if gone else "",
        ]
    )
    return (
        ggplot()
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


def _plot_counts(
    replicated: pd.DataFrame,
    y: np.ndarray,
    *,
    response: str,
    what: str,
    prob: float,
    unit: str | None,
) -> ggplot:
    """Draw the share of the data that has each count, over that of replicates."""
    rep = replicated["value"].to_numpy(float)
    largest = int(max(y.max(), min(COUNTS, np.quantile(rep, 0.99))))
    values = np.arange(largest + 1)
    inside = replicated[replicated["value"] <= largest]
    counts = pd.crosstab(inside["draw"], inside["value"].astype(int))
    # Draws all of whose values are beyond have a share of zero everywhere.
    counts = counts.reindex(replicated["draw"].unique(), columns=values, fill_value=0)
    shares = counts.to_numpy() / (len(replicated) / len(counts))
    lower, mid, upper = np.quantile(shares, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    table = pd.DataFrame(
        {
            "x": values.astype(float),
            "mid": mid,
            "lower": lower,
            "upper": upper,
            "data": np.bincount(y.astype(int), minlength=largest + 1)[: largest + 1] / y.size,
        }
    )
    table = table.assign(left=table["x"] - 0.3, right=table["x"] + 0.3)
    outside = float(np.mean(rep > largest))
    label, data_label = f"{what}: median, {percent(prob)} of replicates", "data"
    caption = caption_of(
        [f"beyond the axis: {_share(outside)} of the replicated values" if outside else ""]
    )
    axis = Axis(-0.6, largest + 0.6, log=False)
    breaks = sorted({int(b) for b in axis.breaks() if float(b).is_integer()})
    return (
        ggplot()
        + geom_rect(
            aes(xmin="left", xmax="right", ymin="lower", ymax="upper"),
            table,
            fill=POSTERIOR,
            alpha=0.35,
        )
        + geom_segment(aes("left", "mid", xend="right", yend="mid"), table, color=POSTERIOR)
        + geom_point(
            aes("x", "data", fill="what"),
            table.assign(what=data_label),
            size=1.8,
            stroke=0,
            shape="o",
        )
        # Beyond the data's own mark, none is drawn of this: it is there for the legend.
        + geom_point(
            aes("x", "mid", fill="what"), table.iloc[:1].assign(what=label), alpha=0, shape="o"
        )
        + scale_fill_manual(
            values={data_label: "black", label: POSTERIOR}, breaks=[data_label, label]
        )
        + legend([data_label, label])
        + scale_x_continuous(breaks=breaks, limits=(-0.6, largest + 0.6), expand=(0, 0))
        + scale_y_continuous(expand=(0.02, 0, 0.05, 0))
        + labs(x=axis.title(response, unit), y="share of rows", fill="", caption=caption)
        + theme_winstan(width=90, height=64 + 3 * len(caption.splitlines()))
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f}%" if value >= 0.001 else "<0.1%"
