"""Figures of several panels: how many, how large, and what the caption says of the rest."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import element_text, facet_wrap, labs, theme

from winstan.plots.theme import COLUMN, FULL, WIDTH, theme_winstan
from winstan.plots.words import broken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plotnine import ggplot

CAPTION = 56
"""Longest line of a caption, in characters; 85 mm hold it."""
STRIP = 30
"""Longest line of a panel's title, in characters; a panel of 40 mm holds it in small type."""


class facet_rows(facet_wrap):  # noqa: N801 - plotnine's facets are named so
    """Panels one above the other, each with its own horizontal axis and its own height.

    Parameters
    ----------
    facets
        The column of the panels.
    heights
        Relative height of each panel, from top to bottom.
    """

    def __init__(self, facets: str, heights: Sequence[float]) -> None:
        super().__init__(facets, ncol=1, scales="free")
        self.heights = list(heights)

    def _get_panels_gridspec(self) -> object:
        """Lay the panels out; called by plotnine, whose own facets have one height for all."""
        grid = super()._get_panels_gridspec()
        if len(self.heights) == self.nrow:
            grid.set_height_ratios(self.heights)
        return grid


def caption_of(lines: Iterable[str]) -> str:
    """Return a caption, each of its sentences broken into lines that a journal's column holds."""
    return "\n".join(line for text in lines if text for line in textwrap.wrap(text, CAPTION))


def with_note(plot: ggplot, note: str) -> ggplot:
    """Return a figure whose caption has one more sentence, if that is not empty."""
    if not note:
        return plot
    return plot + labs(caption="\n".join(filter(None, (plot.labels.caption, caption_of([note])))))


def as_panels(names: pd.Series, order: Sequence[str], width: int = STRIP) -> pd.Series:
    """Return the panel of each row, with its title on as many lines as it needs."""
    titles = {name: strip_title(name, width) for name in order}
    placed = pd.Categorical(names.map(titles), list(dict.fromkeys(titles.values())))
    return pd.Series(placed, index=names.index)


def strip_title(name: str, width: int = STRIP) -> str:
    """Return a panel's title on lines that fit it; lines that were broken stay so."""
    return "\n".join(broken(name, width))


def columns_for(n: int, most: int = 3) -> int:
    """Return how many panels stand side by side."""
    return min(n, most) if n < 4 or most < 3 else 2 if n == 4 else most


def theme_panels(
    n: int, ncol: int, *, height: float = 38.0, caption: str = "", strip: int = 1, extra: float = 0
) -> theme:
    """Return the theme of a figure of n panels.

    Parameters
    ----------
    n, ncol
        Panels, and how many stand side by side.
    height
        Of a panel, in mm, its axis and title included.
    caption
        The caption, for its height.
    strip
        Lines of a panel's title.
    extra
        Height of what stands above or below all panels, in mm.
    """
    width = COLUMN if ncol == 1 else WIDTH if ncol == 2 else FULL
    rows = int(np.ceil(n / ncol))
    total = 12 + rows * (height + 3 * (strip - 1)) + 3 * len(caption.splitlines()) + extra
    return theme_winstan(width=width, height=total) + theme(
        panel_spacing_x=0.02 if ncol > 2 else 0.03,
        panel_spacing_y=0.03,
        strip_text=element_text(size=7, weight="normal", linespacing=1.2),
    )
