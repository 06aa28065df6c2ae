"""Means at each level of a factor, for each level of others: side by side, and in panels."""

from __future__ import annotations

import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_line,
    geom_point,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_x_continuous,
)

from winstan.errors import DataError
from winstan.plots.axis import Axis
from winstan.plots.composing import Plot
from winstan.plots.layers import legend
from winstan.plots.nested import ends_columns, interval_layers, interval_words
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import POSTERIOR, TREATMENTS
from winstan.plots.turns import move_together
from winstan.plots.words import level_of, level_texts, wrap

PANELS = 9
"""Panels that a figure holds."""


def plot_means(
    table: pd.DataFrame,
    *,
    predictor: str,
    response: str,
    by: tuple[str, ...] = (),
    unit: str | None = None,
    log: bool = False,
    caption: str = "",
    circular: bool = False,
) -> Plot:
    """Draw the mean response at each level of a predictor, with its intervals.

    Parameters
    ----------
    table
        Of `Fit.means`: a row for each level of the predictor and of `by`, with the columns of one
        interval or of several.
    predictor, response
        Names, for the axes.
    by
        Columns of the table: the levels of the first, six at most, have a colour each, and the
        combinations of the others a panel.
    unit
        Unit of the response.
    log
        Whether its axis is logarithmic.
    caption
        What else is to be told.
    circular
        Whether the response is an angle.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column, has no row or values that cannot be drawn, or more levels than
        there are colours or panels.
    """
    require_columns(table, "table", [predictor, "mean", *by])
    ends = ends_columns(table)
    require_finite("table", table[["mean", *ends]], positive=log)
    rows = table.reset_index(drop=True)
    rows = move_together(rows, ends) if circular else rows
    rows["level_text"] = level_texts(rows[predictor])
    rows["colour"] = level_texts(rows[by[0]]) if by else "all"
    rows["panel"] = _panel_titles(rows, by[1:])
    names, colours, titles = (
        list(dict.fromkeys(rows[column])) for column in ("level_text", "colour", "panel")
    )
    if len(colours) > len(TREATMENTS) or len(titles) > PANELS:
        raise DataError(
            f"table has {len(colours)} levels of {by[0]!r} in {len(titles)} panels, and a figure "
            f"holds {len(TREATMENTS)} in {PANELS}: choose some, by={{column: [...]}}."
        )
    label = {name: level_of(by[0], name) if by else "all" for name in colours}
    width = min(0.7 / len(colours), 0.25)
    lane = {name: width * (k - (len(colours) - 1) / 2) for k, name in enumerate(colours)}
    place = {name: float(k) for k, name in enumerate(names)}
    rows["at"] = rows["level_text"].map(place).astype(float) + rows["colour"].map(lane)
    rows["what"] = rows["colour"].map(label)
    several = len(titles) > 1
    strip = 1
    if several:
        rows["panel"] = as_panels(rows["panel"], titles)
        strip = max(t.count("\n") + 1 for t in rows["panel"].cat.categories)
    axis = Axis.around(rows[["mean", *ends]].to_numpy(float).ravel(), [], log=log, turns=circular)
    text = caption_of([*interval_words(table), caption])
    palette = dict(zip(label.values(), TREATMENTS if by else [POSTERIOR], strict=False))
    plot = (
        Plot()
        + (
            [geom_line(aes("at", "mean", color="what", group="what"), rows, size=0.5, alpha=0.6)]
            if by
            else []
        )
        + interval_layers(rows, "at", cap=0.3 * width, upright=True)
        + geom_point(
            aes("at", "mean", fill="what"),
            rows,
            shape="o",
            size=2.2,
            stroke=0.4,
            color="black",
            show_legend=bool(by),
        )
        + scale_fill_manual(values=palette, breaks=list(palette))
        + scale_color_manual(values=palette, breaks=list(palette), guide=None)
        + (legend(list(palette)) if by else [])
        + scale_x_continuous(
            breaks=list(place.values()),
            labels=[wrap(name) for name in names],
            limits=(-0.55, len(names) - 0.45),
            expand=(0, 0),
        )
        + axis.scale(vertical=True)
        + labs(x=predictor, y=axis.title(response, unit), fill="", caption=text)
    )
    columns = columns_for(len(titles))
    if several:
        plot += facet_wrap("panel", ncol=columns)
    height = 62.0 if not several else 48.0
    return plot + theme_panels(len(titles), columns, height=height, caption=text, strip=strip,
                               extra=5.0 * bool(by))  # fmt: skip


def _panel_titles(rows: pd.DataFrame, by: tuple[str, ...]) -> pd.Series:
    """Name each row's panel by the levels of the columns that part it."""
    texts = [[f"{name} = {text}" for text in level_texts(rows[name])] for name in by]
    named = [", ".join(parts) for parts in zip(*texts, strict=True)] if by else [""] * len(rows)
    return pd.Series(named, index=rows.index, dtype="str")
