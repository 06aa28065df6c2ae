"""One contrast in many groups: intervals from the smallest to the largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    facet_wrap,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_y_continuous,
    theme,
)

from winstan._angles import mean_direction
from winstan.errors import DataError
from winstan.options import check_flags
from winstan.plots.axis import Axis, bulk
from winstan.plots.layers import LINE_END, row_height, theme_rows
from winstan.plots.nested import ends_columns, intervals_of
from winstan.plots.panels import caption_of, strip_title
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import OBSERVED, POSTERIOR
from winstan.plots.turns import near
from winstan.plots.words import contrast_text, percent, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.options import Interval

NAMED = 60
"""Groups up to which each has its name."""
PANELS = 4
"""Contrasts that a figure holds."""
TALL = 120.0
"""Height of a panel of many groups, in mm."""
INCLUDES = "#999999"


def plot_each(
    table: pd.DataFrame,
    by: Sequence[str],
    *,
    treatment: str,
    response: str,
    ratio: bool = False,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    failed: int = 0,
    circular: bool = False,
) -> ggplot:
    """Draw each group's posterior mean (dot) and interval (line), sorted by the mean.

    Up to 60 groups have their names. The colour tells whether the interval includes no effect.

    Parameters
    ----------
    table
        A row for each group and contrast: columns `by`, ``contrast``, ``mean``, the two ends of the
        interval (``hdi_3%`` and ``hdi_97%``, say), ``ok``, and possibly one that parts a contrast
        further.
    by
        The columns whose values are the groups.
    treatment, response
        What was changed, and what was measured, for the axis.
    ratio
        Whether no effect is a ratio of one.
    prob, interval
        Probability and kind of the intervals, for the label.
    unit
        Of the response.
    failed
        Groups that have no row, for the caption.
    circular
        Whether the values are angles: they are then drawn near to each other, and sorted so.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column, has no row, or values that are not finite.
    """
    check_flags(ratio=ratio)
    own = [found for found in intervals_of(table)[0] if found.kind == interval]
    if not own:
        raise DataError(f"table has no two ends of {interval!r} intervals.")
    ends = [own[0].lower, own[0].upper]
    require_columns(table, "table", [*by, "contrast", "mean", "ok"])
    require_finite("table", table[["mean", *ends]], positive=False)
    if circular:
        to = near(table["mean"], mean_direction(table["mean"].to_numpy(dtype=float)))
        shift = to - table["mean"]
        table = table.assign(**{name: table[name] + shift for name in ("mean", *ends)})
    rows, left_out = _rows(table, list(by), ends, treatment)
    null = 1.0 if ratio else 0.0
    labels = _classed(rows, null)
    edges = np.concatenate([bulk(rows["mean"]), bulk(rows["lower"]), bulk(rows["upper"]), [null]])
    axis = Axis.around(edges, rows["mean"], log=False, turns=circular)
    drawn, beyond = axis.split(rows.rename(columns={"mean": "x"}))
    cut = np.count_nonzero((drawn["lower"] < axis.low) | (drawn["upper"] > axis.high))
    for end in ("lower", "upper"):
        drawn[end] = drawn[end].clip(axis.low, axis.high)
    n_panels, most = rows["panel"].nunique(), int(rows.groupby("panel", observed=True).size().max())
    named = most <= NAMED and n_panels == 1
    rest = "group is" if len(beyond) == 1 else "groups are"
    caption = caption_of(
        [
            f"dot: mean; line: {percent(prob)} {interval.upper()}",
            table.attrs.get("estimand", ""),
            f"{len(beyond)} {rest} beyond the axis" if len(beyond) else "",
            f"{cut} {'interval reaches' if cut == 1 else 'intervals reach'} beyond the axis"
            if cut
            else "",
            f"{failed:,} {'group' if failed == 1 else 'groups'} could not be fitted"
            if failed
            else "",
            f"{left_out} more contrasts not drawn" if left_out else "",
        ]
    )
    height = (row_height(most) * most if named else TALL) + 24 + 3 * len(caption.splitlines())
    thick, dot = (0.9, 1.6) if named else (max(0.2, min(0.7, 60 / most)), 0.35)
    plot = (
        ggplot()
        + geom_segment(
            aes("lower", "y", xend="upper", yend="y", color="what"), drawn, size=thick, **LINE_END
        )
        + geom_vline(xintercept=null, linetype="dashed", size=0.4, color="black")
        + geom_point(aes("x", "y"), drawn, size=dot, stroke=0, color="black", show_legend=False)
        + scale_color_manual(values=labels, breaks=list(labels))
        + guides(color=guide_legend(ncol=1, override_aes={"size": 2}))
        + axis.scale()
        + _vertical(rows, named)
        + labs(
            x=axis.title(f"{'ratio' if ratio else 'difference'} in {response}", unit),
            y="" if named else f"{' and '.join(by)}, by rank",
            color="",
            caption=caption,
        )
        + theme_rows(height, n_panels)
    )
    if n_panels > 1 or not named:
        plot += facet_wrap("panel", nrow=1)
    else:
        plot += facet_wrap("panel")
    return plot if named else plot + theme(axis_text_y=element_blank())


def _rows(
    table: pd.DataFrame, by: list[str], ends: list[str], treatment: str
) -> tuple[pd.DataFrame, int]:
    """Return the rows to draw, with their panel, name and rank; and how many contrasts are left."""
    known = {*by, "contrast", "mean", "sd", *ends_columns(table), "p_direction", "p_rope", "ok"}
    parts = [c for c in table.columns if c not in known]
    titles = [contrast_text(c, treatment) for c in table["contrast"]]
    for part in parts:
        titles = [f"{t}, {part} {v}" for t, v in zip(titles, table[part], strict=True)]
    order = list(dict.fromkeys(titles))
    rows = pd.DataFrame(
        {
            "panel": pd.Categorical(
                [strip_title(t) for t in titles], list(dict.fromkeys(map(strip_title, order)))
            ),
            "name": [
                wrap(", ".join(map(str, key)))
                for key in table[by].itertuples(index=False, name=None)
            ],
            "mean": table["mean"].to_numpy(float),
            "lower": table[ends[0]].to_numpy(float),
            "upper": table[ends[1]].to_numpy(float),
            "ok": table["ok"].to_numpy(bool),
        }
    )
    kept = list(rows["panel"].cat.categories[:PANELS])
    rows = rows[rows["panel"].isin(kept)].copy()
    rows["panel"] = rows["panel"].cat.set_categories(kept)
    rows["y"] = rows.groupby("panel", observed=True)["mean"].rank(method="first")
    return rows, len(order) - len(kept)


def _classed(rows: pd.DataFrame, null: float) -> dict[str, str]:
    """Put each row into a class, counted in its label; return the classes' colours."""
    apart = ((rows["lower"] > null) | (rows["upper"] < null)).to_numpy()
    kinds = np.where(~rows["ok"], 2, np.where(apart, 0, 1))
    of = f"{null:g}"
    words = [f"interval without {of}", f"interval includes {of}", "not converged"]
    colours = [POSTERIOR, INCLUDES, OBSERVED]
    labels = {
        k: f"{words[k]} ({np.count_nonzero(kinds == k):,} of {len(rows):,})"
        for k in range(3)
        if np.any(kinds == k)
    }
    rows["what"] = pd.Categorical([labels[k] for k in kinds], list(labels.values()))
    return {label: colours[k] for k, label in labels.items()}


def _vertical(rows: pd.DataFrame, named: bool) -> scale_y_continuous:
    limits = (0.3, rows["y"].max() + 0.7)
    if not named:
        return scale_y_continuous(breaks=[], limits=limits, expand=(0, 0))
    placed = rows.sort_values("y")
    return scale_y_continuous(
        breaks=placed["y"].tolist(), labels=placed["name"].tolist(), limits=limits, expand=(0, 0)
    )
