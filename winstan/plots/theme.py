"""How winstan's figures look: colours that colour-blind readers can tell apart, and one theme."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from plotnine import element_blank, element_line, element_rect, element_text, theme, theme_classic

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MM", "OKABE_ITO", "WIDTH", "theme_winstan"]

OKABE_ITO: Mapping[str, str] = MappingProxyType(
    {
        "black": "#000000",
        "orange": "#E69F00",
        "sky": "#56B4E9",
        "green": "#009E73",
        "yellow": "#F0E442",
        "blue": "#0072B2",
        "vermillion": "#D55E00",
        "purple": "#CC79A7",
    }
)
"""The palette of Okabe and Ito (2008)."""

POSTERIOR = OKABE_ITO["blue"]
OBSERVED = OKABE_ITO["vermillion"]
TREATMENTS = tuple(
    OKABE_ITO[name] for name in ("sky", "orange", "green", "purple", "yellow", "vermillion")
)

MM = 1 / 25.4
"""One millimetre, in inches, the unit of plotnine's figure sizes."""

FULL = 180.0
"""Width of a figure across both columns of a journal, in mm."""
COLUMN = 90.0
"""Width of a figure in one of them, in mm."""
WIDTH = 120.0
"""Default width of a figure, in mm; readable down to a journal's column of 85 mm."""


def theme_winstan(
    base_size: float = 8, *, width: float = WIDTH, height: float | None = None
) -> theme:
    """Return the theme of winstan's figures, for any plotnine plot.

    Parameters
    ----------
    base_size
        Size of the text in points; tick labels and legends are 1 point smaller.
    width
        Width of the figure in mm.
    height
        Height of the figure in mm; by default two thirds of the width.

    Returns
    -------
    plotnine.theme
        A complete theme: axes without a box, no grid, the legend above the panel.

    Examples
    --------
    >>> import plotnine as p9
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(seed=1)
    >>> figure = p9.ggplot(trials, p9.aes("mouse", "Power")) + p9.geom_point() + ws.theme_winstan()
    """
    height = width * 2 / 3 if height is None else height
    small = element_text(size=base_size - 1, color="black")
    return theme_classic(base_size=base_size) + theme(
        figure_size=(width * MM, height * MM),
        dpi=200,
        plot_margin=0.015,
        text=element_text(size=base_size, color="black"),
        axis_text=small,
        axis_title=element_text(size=base_size, color="black"),
        axis_line=element_line(size=0.5, color="black"),
        axis_ticks_major=element_line(size=0.5, color="black"),
        axis_ticks_minor=element_blank(),
        legend_position="top",
        legend_title=element_blank(),
        legend_text=small,
        legend_key=element_blank(),
        legend_key_size=9,
        legend_background=element_blank(),
        legend_box_margin=0,
        legend_margin=0,
        legend_box_spacing=0.01,
        legend_key_spacing_y=0,
        plot_title=element_text(size=base_size, weight="bold", ha="left"),
        plot_subtitle=element_text(size=base_size - 1, ha="left"),
        plot_caption=element_text(size=base_size - 1, ha="left", color="#444444"),
        plot_caption_position="plot",
        plot_background=element_rect(fill="white", color="white"),
        strip_background=element_blank(),
        strip_text=element_text(size=base_size, weight="bold"),
    )
