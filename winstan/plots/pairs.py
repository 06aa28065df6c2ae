"""Parameters against each other, the divergent draws marked."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    element_text,
    facet_grid,
    geom_point,
    geom_ribbon,
    geom_text,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)
from scipy import stats

from winstan.errors import OptionError
from winstan.plots.axis import GRID, plain_labels
from winstan.plots.composing import Plot
from winstan.plots.density import kernel_density
from winstan.plots.panels import caption_of, strip_title
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import OKABE_ITO, POSTERIOR, theme_winstan
from winstan.plots.words import minus

TITLE = 16
"""Longest line of a panel's title, in characters."""
DOTS = 1000
"""Draws shown; divergent ones are always."""
TICKS = 4
"""Ticks of an axis, about: panels are small."""


def plot_pairs(draws: pd.DataFrame, *, caption: str = "") -> Plot:
    """Draw every two parameters against each other, and each one's density on the diagonal.

    Divergent draws are large and vermillion: where they gather, the sampler could not follow the
    posterior. Above the diagonal, Spearman's correlation of all draws.

    Parameters
    ----------
    draws
        A column for each parameter, at least two, in order; a column ``diverging`` of booleans.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a column is missing or has values that are not finite.
    OptionError
        If there are fewer than two parameters.
    """
    require_columns(draws, "draws", ["diverging"])
    names = [str(column) for column in draws.columns if column != "diverging"]
    if len(names) < 2:
        raise OptionError(f"A pair takes two parameters or more; this is {len(names)}.")
    require_finite("draws", draws[names], positive=False)
    titles = {name: strip_title(name, TITLE) for name in names}
    bad = draws["diverging"].to_numpy(bool)
    good = np.flatnonzero(~bad)
    shown = good[np.unique(np.linspace(0, len(good) - 1, min(DOTS, len(good))).astype(int))]
    below, above, densities = [], [], []
    for left, lower in combinations(names, 2):
        at = {"column": titles[left], "row": titles[lower]}
        below.append(pd.DataFrame({"x": draws[left], "y": draws[lower], "bad": bad}).assign(**at))
        r = stats.spearmanr(draws[left], draws[lower]).statistic
        above.append(
            {
                "x": (draws[lower].min() + draws[lower].max()) / 2,
                "y": (draws[left].min() + draws[left].max()) / 2,
                "text": minus(f"{r:.2f}"),
                "column": titles[lower],
                "row": titles[left],
            }
        )
    for name in names:
        values = draws[name].to_numpy(float)
        grid = np.linspace(values.min(), values.max() or 1.0, GRID)
        density = kernel_density(values, grid) if np.ptp(values) else np.zeros(GRID)
        top = values.min() + 0.95 * np.ptp(values) * density / (density.max() or 1.0)
        densities.append(
            pd.DataFrame({"x": grid, "floor": values.min(), "top": top}).assign(
                column=titles[name], row=titles[name]
            )
        )
    cloud = pd.concat([part.iloc[shown] for part in below])
    marked = pd.concat([part[part["bad"]] for part in below])
    order = list(titles.values())
    layers = [cloud, marked, pd.DataFrame(above), pd.concat(densities)]
    for part in layers:
        for side in ("column", "row"):
            part[side] = pd.Categorical(part[side], order)
    cloud, marked, numbers, outline = layers
    n_bad = int(bad.sum())
    caption = caption_of(
        [
            f"vermillion: {n_bad} divergent draw{'s' if n_bad > 1 else ''}"
            if n_bad
            else "no divergent draws",
            f"{len(shown):,} of {len(good):,} other draws" if len(shown) < len(good) else "",
            "above the diagonal: Spearman's correlation",
            caption,
        ]
    )
    plot = (
        Plot()
        + geom_ribbon(aes("x", ymin="floor", ymax="top"), outline, fill=POSTERIOR, alpha=0.35)
        + geom_point(aes("x", "y"), cloud, size=0.5, stroke=0, fill=POSTERIOR, alpha=0.3, shape="o")
        + geom_text(aes("x", "y", label="text"), numbers, size=8, color="#444444")
    )
    if n_bad:
        plot += geom_point(
            aes("x", "y"),
            marked,
            size=1.1,
            stroke=0,
            shape="o",
            fill=OKABE_ITO["vermillion"],
            alpha=0.9,
        )
    size = {2: 38.0, 3: 34.0, 4: 32.0}.get(len(names), 30.0)
    width = 18 + size * len(names)
    return (
        plot
        + scale_x_continuous(breaks=breaks_extended(TICKS), labels=plain_labels)
        + scale_y_continuous(breaks=breaks_extended(TICKS), labels=plain_labels)
        + facet_grid("row", "column", scales="free")
        + labs(x="", y="", caption=caption)
        + theme_winstan(width=width, height=width * 0.85 + 3 * len(caption.splitlines()))
        + theme(
            strip_text=element_text(size=7, weight="normal", linespacing=1.1),
            panel_spacing=0.02,
        )
    )
