"""Each group's effects, and how far they are shrunk towards the population's."""

from __future__ import annotations

import pandas as pd
from plotnine import (
    aes,
    element_text,
    facet_wrap,
    geom_path,
    geom_point,
    geom_segment,
    geom_vline,
    guide_legend,
    guides,
    labs,
    scale_fill_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.options import Interval
from winstan.plots.axis import Axis, plain_labels
from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, dot_layer, row_height, theme_rows
from winstan.plots.panels import caption_of, columns_for, strip_title
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import OBSERVED, POSTERIOR, theme_winstan
from winstan.plots.words import join_words, percent, wrap

LEVELS = 60
"""Groups that a page holds."""
COLUMNS = 3
"""Effects that stand side by side."""
STRIP = 18
"""Longest line of the title of one of three panels, in characters."""
POOLED = "partially pooled"


def plot_slopes(
    table: pd.DataFrame,
    population: pd.DataFrame,
    *,
    group: str,
    scale: str = "",
    prob: float = 0.94,
    interval: Interval = "hdi",
    at: str = "",
) -> Plot:
    """Draw each group's effects, and the estimates of its own data that they are shrunk from.

    Open dots are the estimates of each group's own data, without pooling; a line joins each to the
    posterior mean (filled), which lies nearer to the population's (dashed line) the less the
    group's data say. Black lines are the intervals. Where groups are shrunk towards different
    means, those of their genotypes, say, each has a dashed line of its own.

    Parameters
    ----------
    table
        A row per effect and group: columns ``effect`` (a panel for each), ``level``, ``mean``,
        ``lower``, ``upper`` and ``own``, the estimate without pooling; NaN is none.
    population
        Columns ``effect``, ``mean``, and ``level`` where groups have different ones.
    group
        Name of the factor.
    scale
        On which scale the effects are, for the titles: ``" (log scale)"``.
    prob, interval
        Of the intervals, for the label.
    at
        What the predictors are held at, for the caption.

    Returns
    -------
    plotnine.ggplot
        At most 60 groups; the caption counts the others.

    Raises
    ------
    DataError
        If a table lacks a column, has no row, or values that are not finite.
    """
    rows, order, more = _checked(table, population)
    levels = list(dict.fromkeys(rows["name"]))
    place = {name: -float(i) for i, name in enumerate(levels)}
    rows["y"] = rows["name"].map(place)
    ncol = columns_for(len(order), COLUMNS)
    title_of = {effect: _title(effect, scale, ncol) for effect in order}
    titles = list(title_of.values())
    rows["panel"] = pd.Categorical(rows["effect"].map(title_of), titles)
    centre = population.assign(panel=as_text(population["effect"]).map(title_of))
    centre = centre[centre["panel"].isin(titles)]
    centre["panel"] = pd.Categorical(centre["panel"], titles)
    apart = "level" in centre
    if apart:
        centre = centre.assign(y=as_text(centre["level"]).map(place)).dropna(subset="y")

    parts, far = [], []
    for panel, part in rows.groupby("panel", observed=True):
        mean = centre.loc[centre["panel"] == panel, "mean"]
        axis = Axis.around([*part["lower"], *part["upper"], *mean], part["own"].dropna(), log=False)
        inside, beyond = axis.split(part.assign(x=part["own"]))
        parts.append(inside)
        far.append(beyond)
    inside, beyond = pd.concat(parts), pd.concat(far)
    joins = pd.concat([inside, beyond.assign(x=beyond["edge"])])
    own_label = f"own data of each {group}"
    pooled_label = f"{POOLED}, {percent(prob)} {interval.upper()}"
    absent = rows.loc[rows["own"].isna(), "name"].drop_duplicates()
    caption = _caption(absent, len(beyond), more, _means(group, apart=apart), at)
    plot = (
        Plot()
        + _population_lines(centre, apart=apart)
        + geom_segment(aes("lower", "y", xend="upper", yend="y"), rows, size=0.5, **LINE_END)
        + geom_segment(
            aes("x", "y", xend="mean", yend="y"), joins, size=0.9, color=OBSERVED, alpha=0.6
        )
        + dot_layer("x", "y", inside, own_label, size=1.8, stroke=0.5, color=OBSERVED)
        + dot_layer("mean", "y", rows, pooled_label, size=2.0, stroke=0.4, color="black")
    )
    for left, part in beyond.groupby("left"):
        plot += geom_point(
            aes("edge", "y"), part, shape="<" if left else ">", size=1.8, stroke=0, fill=OBSERVED
        )
    labels = [pooled_label, own_label][: 1 + bool(len(inside))]
    lines = max(title.count("\n") for title in titles)
    panel_height = row_height(len(levels)) * len(levels) + 3 * lines
    rows_of_panels = -(-len(order) // ncol)
    height = 24 + 3 * len(caption.splitlines()) + panel_height
    height += (rows_of_panels - 1) * (panel_height + 14)
    return (
        plot
        + facet_wrap("panel", ncol=ncol, scales="free_x")
        + scale_fill_manual(values={pooled_label: POSTERIOR, own_label: "white"}, breaks=labels)
        + guides(
            fill=guide_legend(
                ncol=1 if sum(map(len, labels)) > 44 else 2,
                override_aes={"color": ["black", OBSERVED][: len(labels)], "size": 2},
            )
        )
        + scale_x_continuous(labels=plain_labels)
        + scale_y_continuous(
            breaks=list(place.values()),
            labels=[wrap(name) for name in levels],
            limits=(-len(levels) + 0.45, 0.55),
            expand=(0, 0),
        )
        + labs(x="", y=group, fill="", caption=caption)
        + theme_rows(height + 4, panels=ncol)
        + theme(
            strip_text=element_text(size=8 if ncol < 3 else 7.5, weight="bold", linespacing=1.2),
            panel_spacing_x=0.03,
            panel_spacing_y=0.04,
        )
    )


def plot_plane(
    table: pd.DataFrame,
    population: pd.DataFrame,
    contours: pd.DataFrame,
    *,
    group: str,
    scale: str = "",
    shares: tuple[float, ...] = (),
    at: str = "",
) -> Plot:
    """Draw two effects of each group against each other, and how far they are shrunk.

    Lines lead from the estimate of a group's own data (open) to the posterior mean (filled), not
    straight towards the population's (cross) but along the correlation that the groups show. Where
    groups are shrunk towards different means, there is a cross for each.

    Parameters
    ----------
    table, population, group, scale, at
        As for `plot_slopes`, of two effects.
    contours
        Columns ``x``, ``y``, ``contour`` and ``centre``: ellipses that hold shares of the groups,
        about each centre; it may have no row.
    shares
        What share each ellipse holds, for the caption.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column, or there are not two effects.
    """
    rows, order, _ = _checked(table, population, most=None)
    if len(order) != 2:
        raise DataError(f"A plane takes two effects; the table has {join_words(order)}.")
    require_columns(contours, "contours", ["x", "y", "contour", "centre"], empty=True)
    wide = rows.pivot_table(index="name", columns="effect", values=["mean", "own"], dropna=False)
    points = pd.DataFrame(
        {
            f"{what}_{axis}": wide[what, effect]
            for what in ("mean", "own")
            for axis, effect in zip("xy", order, strict=True)
        }
    ).reset_index()
    known = points.dropna()
    means = [population.loc[as_text(population["effect"]) == e, "mean"] for e in order]
    middle = pd.DataFrame(dict(zip("xy", (m.to_numpy(float) for m in means), strict=True)))
    middle = middle.drop_duplicates()
    own_label, pooled_label = f"own data of each {group}", POOLED
    drawn = bool(shares) and not contours.empty
    contours = contours.assign(
        line=contours["centre"].astype(str) + contours["contour"].astype(str)
    )
    views = [
        Axis.around([*points[f"mean_{a}"], *contours[a], *middle[a]], known[f"own_{a}"], log=False)
        for a in "xy"
    ]
    inside = known[
        known["own_x"].between(views[0].low, views[0].high)
        & known["own_y"].between(views[1].low, views[1].high)
    ]
    absent = points.loc[~points["name"].isin(known["name"]), "name"]
    caption = caption_of(
        [
            _crosses(group, len(middle))
            + (f"; ellipses: {' and '.join(map(percent, shares))} of groups" if drawn else ""),
            at,
            f"no estimate of its own: {join_words(absent)}" if len(absent) else "",
            f"own estimates beyond the axes: {join_words(set(known['name']) - set(inside['name']))}"
            if len(inside) < len(known)
            else "",
        ]
    )
    labels = [pooled_label, own_label][: 1 + bool(len(inside))]
    x_axis, y_axis = views
    return (
        Plot()
        + geom_path(
            aes("x", "y", group="line"), contours, color="#888888", size=0.4, linetype="dashed"
        )
        + geom_segment(
            aes("own_x", "own_y", xend="mean_x", yend="mean_y"),
            inside,
            color=OBSERVED,
            alpha=0.7,
            size=0.6,
        )
        + dot_layer("own_x", "own_y", inside, own_label, size=1.8, stroke=0.5, color=OBSERVED)
        + dot_layer("mean_x", "mean_y", points, pooled_label, size=2.0, stroke=0.4, color="black")
        + geom_point(aes("x", "y"), middle, shape="x", size=3, stroke=0.9, color="black")
        + scale_fill_manual(values={pooled_label: POSTERIOR, own_label: "white"}, breaks=labels)
        + guides(
            fill=guide_legend(
                ncol=2, override_aes={"color": ["black", OBSERVED][: len(labels)], "size": 2}
            )
        )
        + x_axis.scale()
        + y_axis.scale(vertical=True)
        + labs(x=f"{order[0]}{scale}", y=f"{order[1]}{scale}", fill="", caption=caption)
        + theme_winstan(width=90, height=84 + 3 * len(caption.splitlines()))
    )


def _checked(
    table: pd.DataFrame, population: pd.DataFrame, most: int | None = LEVELS
) -> tuple[pd.DataFrame, list[str], int]:
    """Return the rows to draw, the effects in order, and how many groups are left out."""
    require_columns(table, "table", ["effect", "level", "mean", "lower", "upper", "own"])
    require_columns(population, "population", ["effect", "mean"])
    require_finite("table", table[["mean", "lower", "upper"]], positive=False)
    rows = table.assign(name=as_text(table["level"]), effect=as_text(table["effect"]))
    if rows.duplicated(["effect", "name"]).any():
        raise DataError("table has more than one row of the same effect and level.")
    levels = list(dict.fromkeys(rows["name"]))
    kept = levels if most is None else levels[:most]
    rows = rows[rows["name"].isin(kept)].reset_index(drop=True)
    rows["own"] = rows["own"].astype(float)
    return rows, list(dict.fromkeys(rows["effect"])), len(levels) - len(kept)


def _title(effect: str, scale: str, ncol: int) -> str:
    """Return a panel's title; of a narrow one, with the scale on a line of its own."""
    if ncol < 2:
        return f"{effect}{scale}"
    return "\n".join(strip_title(part.strip(), STRIP) for part in (effect, scale) if part)


def _population_lines(centre: pd.DataFrame, *, apart: bool) -> geom_vline | geom_segment:
    """Draw what groups are shrunk towards: through all of them, or across each one's own row."""
    looks = {"linetype": "dashed", "size": 0.4, "color": "#666666"}
    if not apart:
        return geom_vline(aes(xintercept="mean"), centre, **looks)
    lines = centre.assign(below=centre["y"] - 0.45, above=centre["y"] + 0.45)
    return geom_segment(aes("mean", "below", xend="mean", yend="above"), lines, **looks)


def _means(group: str, *, apart: bool) -> str:
    return f"dashed: population mean{f' at the values of each {group}' if apart else ''}"


def _crosses(group: str, n: int) -> str:
    return (
        f"crosses: population means at the values of each {group}"
        if n > 1
        else ("cross: population mean")
    )


def _caption(absent: pd.Series, beyond: int, more: int, means: str, at: str) -> str:
    return caption_of(
        [
            means,
            at,
            f"no estimate of its own: {join_words(absent)}" if len(absent) else "",
            f"{beyond} own estimate{'s' if beyond > 1 else ''} beyond the axis (triangles)"
            if beyond
            else "",
            f"{more} more groups not drawn: name those to draw, levels=[...]" if more else "",
        ]
    )
