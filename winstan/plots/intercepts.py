"""Each group's intercept over the raw data."""

from __future__ import annotations

import textwrap
from itertools import cycle

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    geom_point,
    geom_segment,
    labs,
    scale_fill_manual,
    scale_y_continuous,
)

from winstan.errors import DataError
from winstan.options import check_flags
from winstan.plots.axis import Axis, bulk, logarithmic
from winstan.plots.composing import Plot
from winstan.plots.layers import (
    LINE_END,
    box_layers,
    dot_layer,
    legend,
    row_height,
    spread,
    theme_rows,
    triangle_layers,
)
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import POSTERIOR, TREATMENTS
from winstan.plots.turns import move_together, near
from winstan.plots.words import percent, wrap

DOTS_UP_TO = 100
"""Rows of data of one group (and treatment) up to which each is drawn as a dot."""
CAPTION = 40
"""Longest line of a caption, in characters; half of a composed figure holds it."""


def plot_intercepts(
    table: pd.DataFrame,
    data: pd.DataFrame,
    *,
    response: str,
    group: str,
    treatment: str | None = None,
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
    at: str | None = None,
    circular: bool = False,
) -> Plot:
    """Draw the posterior of each group's intercept over the raw data.

    Behind, each row of the data is a light dot, or, where a group has more than a hundred, they
    are a box (quartiles and median) with a line from the 5th to the 95th percentile. In front,
    the posterior mean (dot) and the HDI (black line).

    Parameters
    ----------
    table
        One row per group, drawn from top to bottom: columns ``level``, ``mean``, ``lower``,
        ``upper``, on the scale of the response.
    data
        The raw rows: columns ``level``, ``value`` and, with `treatment`, ``treatment``. Rows of
        levels that are not in `table`, and missing values, are left out.
    response
        Name of the response, for the axis.
    group
        Name of the grouping factor, for the axis.
    treatment
        Name of the treatment; its values then have a lane and a colour each.
    prob
        Probability of the HDI in `table`, for the label.
    unit
        Unit of the response, such as ``"Hz"``.
    log
        Whether the axis is logarithmic; by default it is when everything drawn is positive and the
        data are spread so; see `winstan.plots.axis.logarithmic`.
    at
        What the predictors are held at, for the caption: ``"at x = 0, stim = 0"``, ``"each mouse at
        its own genotype; at x = 0"``. By default
        ``table.attrs["at"]``, which `winstan.effects.group_intercepts` sets.
    circular
        Whether the values are angles: the axis is then cut opposite to them.

    Returns
    -------
    plotnine.ggplot
        120 mm wide, of a height that fits its groups; ``+ theme(figure_size=...)``, in inches,
        changes that.

    Raises
    ------
    DataError
        If a table lacks a column, has no row, or values that cannot be drawn.
    """
    check_flags(log=log)
    require_columns(table, "table", ["level", "mean", "lower", "upper"])
    require_columns(data, "data", ["level", "value", *(["treatment"] if treatment else [])])
    rows = table.assign(level=as_text(table["level"]), row=np.arange(len(table))).reset_index(
        drop=True
    )
    if rows["level"].duplicated().any():
        raise DataError("table has more than one row of the same level.")
    raw = data.assign(level=as_text(data["level"]))
    raw = raw[raw["level"].isin(rows["level"])].rename(columns={"value": "x"}).dropna(subset="x")
    if raw.empty:
        raise DataError("data has no row of any level in table.")
    if circular:
        rows = move_together(rows)
        raw["x"] = near(raw["x"], raw["level"].map(rows.set_index("level")["mean"]))
        log = False
    log = _is_wide(raw["x"], rows["lower"]) if log is None else log
    require_finite("table", rows[["mean", "lower", "upper"]], positive=log)
    require_finite("data", raw["x"], positive=log)

    shown = rows[["mean", "lower", "upper"]].to_numpy(float).ravel()
    rows["y"] = -1.0 * rows["row"]
    raw["what"] = "data"
    colours = {"data": "#999999"}
    if treatment:
        values = pd.Categorical(raw["treatment"]).remove_unused_categories().categories
        names = {value: f"{treatment} {value}" for value in values}
        raw["what"] = raw["treatment"].map(names).astype("str")
        colours = dict(zip(names.values(), cycle(TREATMENTS), strict=False))
    lane = 0.6 / len(colours)
    lanes = {name: lane * ((len(colours) - 1) / 2 - i) for i, name in enumerate(colours)}
    raw["row"] = raw["level"].map(rows.set_index("level")["row"])
    raw["middle"] = raw["what"].map(lanes) - raw["row"]
    raw["y"] = raw["middle"] + 0.8 * lane * spread(raw, ["row", "what"])
    raw["colour"] = raw["what"].map(colours)

    crowded = raw.groupby(["row", "what"])["x"].transform("size") > DOTS_UP_TO
    boxed = raw[crowded]
    medians = boxed.groupby(["row", "what"], as_index=False)[["x", "middle"]].median()
    tails = boxed.groupby(["row", "what"])["x"].quantile(np.array([0.05, 0.95]))
    dots = pd.concat([raw[~crowded], medians.rename(columns={"middle": "y"})])
    core = np.concatenate([shown, bulk(raw["x"]), tails])
    axis = Axis.around(core, dots["x"], log=log, turns=circular)
    drawn, beyond = axis.split(dots)
    posterior_label = f"posterior, {percent(prob)} HDI"
    rest = "row is" if len(beyond) == 1 else "rows are"
    at = table.attrs.get("at", "") if at is None else at
    joined = at if at.startswith(("at ", "averaged ")) else f"of {at}"
    caption = textwrap.wrap(f"posterior mean {joined}", CAPTION) if at else []
    caption += [f"{len(beyond)} {rest} beyond the axis (triangles)"] if len(beyond) else []
    plot = (
        Plot()
        + box_layers(boxed, ["row", "what"], axis, 0.3 * lane, whiskers=True)
        + geom_point(aes("x", "y", fill="what"), drawn, shape="o", size=1.1, stroke=0, alpha=0.55)
        + geom_segment(aes("lower", "y", xend="upper", yend="y"), rows, size=1.1, **LINE_END)
        + dot_layer("mean", "y", rows, posterior_label, size=2.2, stroke=0.4, color="black")
        + triangle_layers(beyond, "#777777")
        + scale_fill_manual(
            values={posterior_label: POSTERIOR} | colours, breaks=[posterior_label, *colours]
        )
        + legend([posterior_label, *colours])
        + axis.scale()
        + scale_y_continuous(
            breaks=list(rows["y"]),
            labels=[wrap(level) for level in rows["level"]],
            limits=(-len(rows) + 0.45, 0.55),
            expand=(0, 0),
        )
        + labs(x=axis.title(response, unit), y=group, fill="", caption="\n".join(caption))
    )
    return plot + theme_rows(24 + 3 * len(caption) + row_height(len(rows)) * len(rows))


def _is_wide(values: pd.Series, lower: pd.Series) -> bool:
    """Whether data, and the intervals over them, are better seen on a logarithmic axis."""
    return bool(lower.min() > 0 and logarithmic(values))
