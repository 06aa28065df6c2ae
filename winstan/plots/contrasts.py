"""Contrasts as intervals: many of them, for each level of other factors, alone or all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    facet_wrap,
    geom_point,
    geom_vline,
    labs,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.plots.axis import Axis
from winstan.plots.composing import Plot
from winstan.plots.layers import row_height, theme_rows
from winstan.plots.nested import ends_columns, interval_layers, interval_words
from winstan.plots.panels import as_panels, caption_of, columns_for
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import POSTERIOR
from winstan.plots.turns import move_together
from winstan.plots.words import contrast_text, level_texts, wrap

ROWS = 40
"""Contrasts that a panel holds."""
PANELS = 9
"""Panels that a figure holds."""
OWN = ("contrast", "predictor", "groups", "mean", "sd", "p_direction", "p_rope")
"""Columns of a table of contrasts that are no levels."""


def plot_contrasts(
    table: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    unit: str | None = None,
    ratio: bool = False,
    null: float | None = None,
    caption: str = "",
    circular: bool = False,
) -> Plot:
    """Draw contrasts as intervals, one inside the other, with the line of no effect.

    Parameters
    ----------
    table
        Of `Fit.contrast`: a row for each contrast and level of `by`, drawn from top to bottom, with
        the columns of one interval or of several. Combinations of the levels, and categories, have
        a panel each.
    response
        What the numbers are, for the axis, such as ``difference in Power``.
    treatment
        What is compared, for the other axis.
    unit
        Unit of the numbers.
    ratio
        Whether the axis is logarithmic.
    null
        No effect; by default 0, of ratios 1.
    caption
        What else is to be told.
    circular
        Whether the values are angles.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If the table lacks a column, has no row or values that cannot be drawn, more than 40
        contrasts or 9 panels.
    """
    require_columns(table, "table", ["contrast", "mean"])
    ends = ends_columns(table)
    require_finite("table", table[["mean", *ends]], positive=ratio)
    rows = table.reset_index(drop=True)
    rows = move_together(rows, ends) if circular else rows
    null = (1.0 if ratio else 0.0) if null is None else null
    rows["panel"] = _panels(rows, ends)
    names = list(dict.fromkeys(as_text(rows["contrast"])))
    titles = list(dict.fromkeys(rows["panel"]))
    if len(names) > ROWS or len(titles) > PANELS:
        raise DataError(
            f"table has {len(names)} contrasts in {len(titles)} panels, and a figure holds {ROWS} "
            f"in {PANELS}: take fewer, by pairs=, values= or by=."
        )
    place = {name: -float(k) for k, name in enumerate(names)}
    rows["y"] = as_text(rows["contrast"]).map(place).astype(float)
    several = len(titles) > 1
    panel_title_lines = 1
    if several:
        rows["panel"] = as_panels(rows["panel"], titles)
        panel_title_lines = max(t.count("\n") + 1 for t in rows["panel"].cat.categories)
    axis = Axis.around([null, *rows[["mean", *ends]].to_numpy(float).ravel()], [], log=ratio,
                       turns=circular)  # fmt: skip
    text = caption_of([*interval_words(table), caption])
    plot = (
        Plot()
        + geom_vline(xintercept=null, linetype="dashed", size=0.4, color="#666666")
        + interval_layers(rows, "y", cap=0.16, upright=False)
        + geom_point(
            aes("mean", "y"), rows, shape="o", size=2.0, stroke=0.4, fill=POSTERIOR, color="black"
        )
        + axis.scale()
        + scale_y_continuous(
            breaks=list(place.values()),
            labels=[wrap(contrast_text(name, None)) for name in names],
            limits=(-len(names) + 0.4, 0.6),
            expand=(0, 0),
        )
        + labs(x=axis.title(response, unit), y=treatment, caption=text)
    )
    columns = columns_for(len(titles))
    if several:
        plot += facet_wrap("panel", ncol=columns)
    lines = int(np.ceil(len(titles) / columns))
    pitch = max(row_height(len(names) * lines), 4 * max(wrap(n).count("\n") + 1 for n in names))
    height = 16 + lines * (pitch * len(names) + several * (2 + 4 * panel_title_lines))
    look = theme_rows(height + 3 * len(text.splitlines()), panels=columns)
    # Labels at the ends of two axes side by side keep apart.
    return plot + look + theme(panel_spacing_x=0.06, strip_text=element_text(size=7.5))


def _panels(rows: pd.DataFrame, ends: list[str]) -> pd.Series:
    """Name the panel of each row by the levels of what parts the table; STRIP wraps it."""
    apart = [str(c) for c in rows.columns if c not in (*OWN, *ends)]
    texts = [[f"{name} = {text}" for text in level_texts(rows[name])] for name in apart]
    named = [", ".join(parts) for parts in zip(*texts, strict=True)] if texts else [""] * len(rows)
    return pd.Series(named, index=rows.index, dtype="str")
