"""All coefficients as intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    geom_point,
    geom_segment,
    geom_vline,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.options import Interval
from winstan.plots.axis import plain_labels
from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, row_height, theme_rows
from winstan.plots.panels import caption_of, facet_rows
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import POSTERIOR
from winstan.plots.words import percent, wrap

ROWS = 60
"""Intervals that a page holds."""
SQUASHED = 12.0
"""An interval is legible on an axis of up to so many times its width."""
PARTS = 4
"""Parts that a panel is split into; were there more, it is left whole."""


def plot_forest(
    table: pd.DataFrame,
    *,
    prob: float = 0.94,
    inner: float = 0.5,
    interval: Interval = "hdi",
    title: str = "",
    caption: str = "",
) -> Plot:
    """Draw each parameter's posterior mean (dot), and its intervals, a thick one in a thin one.

    Parameters of different panels have axes of their own. So do those of one panel whose scales
    differ so much that some intervals would be no wider than a dot: the panel is then split, and
    each part says of which parameter it is.

    Parameters
    ----------
    table
        One row per parameter, drawn from top to bottom: columns ``parameter``, ``mean``,
        ``lower``, ``upper``, ``inner_lower``, ``inner_upper``, ``panel`` (the title of its panel)
        and ``zero`` (whether a line at zero belongs to it).
    prob, inner, interval
        Probabilities of the two intervals, and their kind (``"hdi"``, ``"eti"``), for the label.
    title
        What the values are, for the axis.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot
        120 mm wide, of a height that fits its rows; at most 60 rows, and the caption counts the
        others.

    Raises
    ------
    DataError
        If the table lacks a column, has no row, or values that are not finite.
    """
    ends = ["mean", "lower", "upper", "inner_lower", "inner_upper"]
    require_columns(table, "table", ["parameter", "panel", "zero", *ends])
    require_finite("table", table[ends], positive=False)
    if table.duplicated(["panel", "parameter"]).any():
        raise DataError("table has more than one row of the same parameter.")
    rows = table.iloc[:ROWS].assign(panel=as_text(table["panel"].iloc[:ROWS]))
    rows = rows.assign(name=as_text(rows["parameter"])).reset_index(drop=True)
    rows["panel"] = _split(rows)
    order = list(dict.fromkeys(rows["panel"]))
    rows["panel"] = pd.Categorical(rows["panel"], order)
    rows = rows.sort_values("panel", kind="stable").reset_index(drop=True)
    # One count for all panels: breaks outside a panel's range are not drawn in it.
    gap = rows["panel"].cat.codes.to_numpy() * 2.0
    rows["y"] = -np.arange(len(rows), dtype=float) - gap
    counts = rows.groupby("panel", observed=True).size()
    room = pd.concat([rows.assign(edge=rows["y"] + s) for s in (-0.5, 0.5)])
    zero = rows.loc[rows["zero"].to_numpy(bool), ["panel"]].drop_duplicates().assign(x=0.0)
    more = len(table) - len(rows)
    caption = caption_of(
        [
            f"dot: mean; lines: {percent(inner)} and {percent(prob)} {interval.upper()}",
            f"{more} more not drawn: name those to draw, names=[...]" if more else "",
            caption,
        ]
    )
    plot = Plot()
    if len(zero):
        plot += geom_vline(aes(xintercept="x"), zero, linetype="dashed", size=0.4, color="#666666")
    several = len(order) > 1
    height = 14 + row_height(len(rows)) * len(rows) + 3 * len(caption.splitlines())
    return (
        plot
        # Invisible, half a row above and below each: they set the height of a panel.
        + geom_point(aes("mean", "edge"), room, alpha=0, size=0.1)
        + geom_segment(aes("lower", "y", xend="upper", yend="y"), rows, size=0.5, **LINE_END)
        + geom_segment(
            aes("inner_lower", "y", xend="inner_upper", yend="y"), rows, size=1.5, **LINE_END
        )
        + geom_point(
            aes("mean", "y"),
            rows,
            shape="o",
            size=2.0,
            stroke=0.4,
            fill=POSTERIOR,
            color="black",
        )
        + facet_rows("panel", [float(n) + 0.3 for n in counts])
        + scale_x_continuous(labels=plain_labels)
        + scale_y_continuous(
            breaks=rows["y"].tolist(), labels=[wrap(n) for n in rows["name"]], expand=(0, 0)
        )
        + labs(x=title, y="", caption=caption)
        + theme_rows(height + (11 * len(order) if several else 4))
        + theme(
            strip_text=element_text(size=7.5, weight="bold"),
            panel_spacing_y=0.03,
        )
    )


def _split(rows: pd.DataFrame) -> list[str]:
    """Return the panel of each row, split where the scales of a panel's rows differ too much.

    Rows are taken from the widest interval to the narrowest; a row that the span so far, zero
    included where it is drawn, would squash begins a part of its own.
    """
    panel = rows["panel"].to_numpy(object).copy()
    for name, part in rows.groupby("panel", sort=False):
        low, high = part["lower"].to_numpy(float), part["upper"].to_numpy(float)
        with_zero = part["zero"].to_numpy(bool)
        low = np.where(with_zero, np.minimum(low, 0), low)
        high = np.where(with_zero, np.maximum(high, 0), high)
        width = (part["upper"] - part["lower"]).to_numpy(float)
        parts: list[list[int]] = []
        # By distance from zero: those that reach far are legible together, whatever is near.
        for i in np.argsort(-np.maximum(-low, high), kind="stable"):
            for members in parts:
                inside = [*members, i]
                span = high[inside].max() - low[inside].min()
                if span <= SQUASHED * width[inside].min() or width[inside].min() == 0:
                    members.append(int(i))
                    break
            else:
                parts.append([int(i)])
        if 1 < len(parts) <= PARTS:
            parts.sort(key=min)
            for members in parts:
                at = part.index.to_numpy()[sorted(members)]
                first = rows["name"].loc[at[0]]
                title = first if len(members) == 1 else f"{first}, …"
                panel[at] = f"{name}: {title}"
    return panel.tolist()
