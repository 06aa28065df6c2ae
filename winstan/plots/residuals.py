"""Quantile residuals: along a predictor or the mean, by unit, and their distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    geom_errorbar,
    geom_hline,
    geom_line,
    geom_point,
    geom_rect,
    labs,
    scale_x_continuous,
    theme,
)

from winstan.plots.axis import plain_labels
from winstan.plots.composing import Plot
from winstan.plots.panels import caption_of
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import OBSERVED, POSTERIOR, theme_winstan
from winstan.plots.words import percent, wrap

MOST_POINTS = 3000
"""Points that are drawn."""
BINS = 12
"""Groups of neighbouring values whose mean is drawn."""
LEVELS = 40
"""Levels that a page holds."""


def plot_residuals(
    table: pd.DataFrame, *, along: str, labels: bool, what: str, prob: float = 0.94
) -> Plot:
    """Draw quantile residuals along a column, with the means of groups of them.

    Parameters
    ----------
    table
        Columns ``x`` (numbers, or labels in their order as a Categorical) and ``residual``.
    along
        Name of the axis.
    labels
        Whether x has labels: a group for each; or numbers, whose groups are of neighbours.
    what
        From what residuals are foretold, for the axis.
    prob
        Of means of a right model, the bars.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a column is missing, or has nothing to draw.
    """
    require_columns(table, "table", ["x", "residual"])
    require_finite("table", table[["residual"]], positive=False)
    every = _grouped(table, labels=labels)
    more = 0
    if labels and len(every) > LEVELS:
        more = len(every) - LEVELS
        every = every.iloc[:LEVELS]
    size = _normal(prob) / np.sqrt(every["n"])
    every = every.assign(low=-size, high=size)
    outside = int((every["mean"].abs() > size).sum())
    points = _points(table, every, labels=labels)
    left_out = len(table) - len(points) if not more else 0
    caption = caption_of(
        [
            f"red: means of {'levels' if labels else 'neighbours'}; blue: where {percent(prob)} of "
            f"them are if the model is right; outside: {outside} of {len(every)}",
            f"{left_out:,} points not drawn" if left_out else "",
            f"{more:,} more levels not drawn" if more else "",
        ]
    )
    plot = (
        Plot()
        + geom_hline(yintercept=[-2, 2], size=0.3, color="#BBBBBB", linetype="dashed")
        + geom_hline(yintercept=0, size=0.4, color="#999999")
        + geom_point(aes("x", "residual"), points, size=0.8, alpha=0.35, stroke=0, color="#555555")
    )
    if labels:
        plot += geom_errorbar(
            aes("x", ymin="low", ymax="high"), every, width=0.35, color=POSTERIOR, size=0.7
        )
    else:
        plot += geom_rect(
            aes(xmin="left", xmax="right", ymin="low", ymax="high"),
            every,
            fill=POSTERIOR,
            alpha=0.25,
        )
        plot += geom_line(aes("x", "mean"), every, color=OBSERVED, size=0.5)
    plot += geom_point(aes("x", "mean"), every, color=OBSERVED, size=1.8)
    names = every["label"].tolist() if labels else []
    plot += (
        scale_x_continuous(breaks=every["x"].tolist(), labels=[wrap(name) for name in names])
        if labels
        else scale_x_continuous(labels=plain_labels)
    )
    plot += labs(x=along, y=f"Quantile residual ({what})", caption=caption)
    look: Any = theme_winstan(height=75 + 3 * len(caption.splitlines()))
    if labels and sum(map(len, names)) > 60:
        look += theme(axis_text_x=element_text(angle=60, ha="right", size=6))
    return plot + look


def _grouped(table: pd.DataFrame, *, labels: bool) -> pd.DataFrame:
    """Return the groups of residuals: x, mean, n, and the label or ends of each."""
    if labels:
        column = table["x"].cat
        groups = table.groupby(column.codes)["residual"].agg(["mean", "size"])
        return pd.DataFrame(
            {
                "x": groups.index.to_numpy(float),
                "mean": groups["mean"].to_numpy(),
                "n": groups["size"].to_numpy(),
                "label": as_text(pd.Series(column.categories[groups.index])),
            }
        )
    x = table["x"].to_numpy(float)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)))
    at = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, max(len(edges) - 2, 0))
    placed = pd.DataFrame({"x": x, "residual": table["residual"], "at": at})
    found = placed.groupby("at").agg(
        x=("x", "mean"), mean=("residual", "mean"), n=("x", "size"), left=("x", "min"),
        right=("x", "max"),
    )  # fmt: skip
    return found.reset_index(drop=True)


def _points(table: pd.DataFrame, every: pd.DataFrame, *, labels: bool) -> pd.DataFrame:
    """Return the points that are drawn: evenly thinned, and beside each other at a label."""
    x = table["x"].cat.codes.to_numpy(float) if labels else table["x"].to_numpy(float)
    points = pd.DataFrame({"x": x, "residual": table["residual"].to_numpy(float)})
    points = points[points["x"] <= every["x"].max()] if labels else points
    if len(points) > MOST_POINTS:
        points = points.iloc[np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)]
    if labels:
        spread = np.random.default_rng(0).uniform(-0.22, 0.22, len(points))
        points = points.assign(x=points["x"] + spread)
    return points


def _normal(prob: float) -> float:
    from scipy import special  # noqa: PLC0415

    return float(special.ndtri(0.5 + prob / 2))
