"""What the figures are made of: boxes, triangles at the edge, legends, rows of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from plotnine import (
    aes,
    element_blank,
    element_text,
    geom_point,
    geom_rect,
    geom_segment,
    guide_legend,
    guides,
    theme,
)

from winstan.plots.theme import WIDTH, theme_winstan

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from winstan.plots.axis import Axis

    type Floats = NDArray[np.float64]

LEGEND = 34
"""Longest row of a legend, in characters; half of plotnine's composed width holds it."""
KEY = 4
"""Width of a legend's dot and the space around it, in characters."""
DOTS = 400
"""Rows of one cell up to which each is drawn as a dot; of more, so many are."""
LINE_END = {"lineend": "butt"}


def spread(points: pd.DataFrame, keys: list[str]) -> Floats:
    """Return an even, fixed scatter in (-0.5, 0.5) for the points of each cell.

    Multiples of the golden ratio fill the lane evenly however many points there are, and need no
    random numbers: the same table gives the same figure.
    """
    rank = points.groupby(keys).cumcount().to_numpy(dtype=float)
    return (0.5 + rank * (5**0.5 - 1) / 2) % 1 - 0.5


def dot_layer(x: str, y: str, rows: pd.DataFrame, label: str, **look: Any) -> geom_point:
    """Return round dots at two columns of some rows, which the legend calls by the label."""
    return geom_point(aes(x, y, fill="what"), rows.assign(what=label), shape="o", **look)


def box_layers(
    points: pd.DataFrame, keys: list[str], axis: Axis, half: float, *, whiskers: bool
) -> list[object]:
    """Return the layers of a box (quartiles and median) for each cell of points.

    Parameters
    ----------
    points
        Columns ``x``, ``middle`` (the box's height on the page), ``colour`` and the `keys`.
    keys
        Columns that tell the cells apart.
    axis
        The axis, beyond which no box is drawn.
    half
        Half the thickness of a box.
    whiskers
        Whether a line spans the 5th to the 95th percentile.
    """
    if points.empty:
        return []
    cells = points.groupby(keys, observed=True)
    quantiles = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
    box = cells[["middle", "colour"]].first()
    for name, q in quantiles.items():
        box[name] = cells["x"].quantile(q).clip(axis.low, axis.high)
    box = box.reset_index().assign(
        below=lambda t: t["middle"] - half, above=lambda t: t["middle"] + half
    )
    layers: list[object] = []
    for colour, part in box.groupby("colour", sort=False):
        if whiskers:
            ends = aes("q05", "middle", xend="q95", yend="middle")
            layers.append(geom_segment(ends, part, color=colour, size=0.4))
        layers += [
            geom_rect(
                aes(xmin="q25", xmax="q75", ymin="below", ymax="above"),
                part,
                fill=colour,
                alpha=0.3 if not whiskers else 0.5,
                color="none",
            ),
            geom_segment(
                aes("q50", "below", xend="q50", yend="above"), part, color=colour, size=0.9
            ),
        ]
    return layers


def triangle_layers(beyond: pd.DataFrame, colour: str) -> list[object]:
    """Return a layer for each edge of the axis that has values beyond it."""
    return [
        geom_point(
            aes("edge", "y"),
            part,
            shape="<" if left else ">",
            size=1.8,
            stroke=0,
            fill=colour,
            color=colour,
        )
        for left, part in beyond.groupby("left")
    ]


def thin(rows: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Return the rows to draw: in crowded cells evenly by rank, both ends included."""
    ordered = rows.sort_values("x", kind="stable")
    cells = ordered.groupby(cell, observed=True)
    rank, n = cells.cumcount(), cells["x"].transform("size")
    # In whole numbers, so that the last rank is the last step.
    step = (rank * (DOTS - 1)) // (n - 1).clip(lower=1)
    before = ((rank - 1) * (DOTS - 1)) // (n - 1).clip(lower=1)
    return ordered[(n <= DOTS) | (step != before)].sort_index()


def opacity(many: int) -> float:
    """Return fainter dots for more of them."""
    return float(np.clip(0.6 * (60 / max(many, 1)) ** 0.5, 0.25, 0.6))


def upright_triangles(beyond: pd.DataFrame) -> list[object]:
    """Return a layer for each end of the axis that has values beyond it."""
    return [
        geom_point(
            aes("at", "edge"),
            part,
            shape="v" if low else "^",
            size=1.8,
            stroke=0,
            fill="#777777",
            color="#777777",
        )
        for low, part in beyond.groupby("left")
    ]


def legend(labels: list[str]) -> guides:
    """Return a legend of solid dots, in as many columns as half a figure's width holds.

    Half, because plots are composed beside each other, and plotnine cuts what does not fit.
    """
    ncol = next(
        (
            n
            for n in range(len(labels), 1, -1)
            if sum(KEY + max(map(len, labels[i::n])) for i in range(n)) <= LEGEND
        ),
        1,
    )
    return guides(fill=guide_legend(ncol=ncol, byrow=True, override_aes={"alpha": 1, "size": 2}))


def row_height(n: int) -> float:
    """Return the height of a row in mm: more for a few, and such that forty fit a page."""
    return 10.0 if n < 4 else max(4.5, min(7.0, 200 / n))


def theme_rows(height: float, panels: int = 1) -> theme:
    """Return the theme of a figure whose vertical axis is a list of names."""
    return theme_winstan(height=height, width=WIDTH if panels < 3 else 1.5 * WIDTH) + theme(
        axis_line_y=element_blank(),
        axis_ticks_major_y=element_blank(),
        axis_text_y=element_text(ha="right", multialignment="right", linespacing=1.1),
    )
