"""What the tests of the figures share: tables to draw, and ways to look at what was drawn."""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from plotnine import geom_point, ggplot

NAMES = {"response": "Power", "treatment": "stim", "unit": "Hz", "group": "mouse"}


def drawn(plot) -> bytes:
    """Render a plot or a composition, and return its PNG."""
    out = BytesIO()
    if isinstance(plot, ggplot):
        plot.save(out, format="png", verbose=False)
    else:
        plot.save(out, format="png")
    png = out.getvalue()
    assert png.startswith(b"\x89PNG")
    return png


def data_of(plot, geom, having=()) -> pd.DataFrame:
    """All rows of the layers of a geom that have these columns."""
    parts = [
        layer._data
        for layer in plot.layers
        if type(layer.geom) is geom and set(having) <= set(layer._data.columns)
    ]
    return pd.concat(parts) if parts else pd.DataFrame()


def scale_of(plot, aesthetic: str):
    return next(s for s in plot.scales if aesthetic in s.aesthetics)


def tables(contrasts=("1 - 0",), *, n=8, scale=1.0, by=None, ratio=False, tail=None):
    """Draws, their summary and observed differences."""
    rng = np.random.default_rng(0)
    draws, observed = [], []
    for i, contrast in enumerate(contrasts):
        for level in by or [None]:
            value = rng.normal(30 + 10 * i, 8, 2000) if not tail else 30 + 8 * tail(rng, 2000)
            value = np.exp(value / 100) if ratio else value * scale
            draws.append(pd.DataFrame({"contrast": contrast, "value": value, "by": level}))
        groups = by or [f"m{j}" for j in range(n)]
        difference = rng.normal(30 + 10 * i, 15, len(groups))
        difference = np.exp(difference / 100) if ratio else difference * scale
        observed.append(
            pd.DataFrame({"group": groups, "contrast": contrast, "difference": difference})
        )
    long = pd.concat(draws, ignore_index=True)
    keys = ["contrast", "by"] if by else ["contrast"]
    if not by:
        long = long.drop(columns="by")
    grouped = long.groupby(keys, sort=False)["value"]
    summary = pd.DataFrame(
        {
            "mean": grouped.mean(),
            "median": grouped.median(),
            "lower": grouped.quantile(0.03),
            "upper": grouped.quantile(0.97),
        }
    ).reset_index()
    return long, summary, pd.concat(observed, ignore_index=True)


def recordings(n=4, trials=20, seed=0, scale=1.0, spread=0.4):
    """A table of intercepts and the raw rows."""
    rng = np.random.default_rng(seed)
    level = np.repeat([f"m{i}" for i in range(n)], 2 * trials)
    value = scale * np.exp(rng.normal(4, spread, len(level)))
    data = pd.DataFrame({"level": level, "value": value, "treatment": np.tile([0, 1], n * trials)})
    means = data.groupby("level")["value"].mean()
    table = pd.DataFrame({"mean": means, "lower": means * 0.8, "upper": means * 1.3})
    return table.reset_index(), data


def assert_observed_all_shown(plot, observed):
    """Every difference is a dot at its value, or a triangle whose value the caption tells."""
    dots = data_of(plot, geom_point, having=["x", "group"])
    assert len(dots) == len(observed)
    flagged = dots[dots["edge"].notna()] if "edge" in dots else dots.iloc[:0]
    low, high = scale_of(plot, "x").limits
    assert set(zip(dots["group"], dots["x"], strict=True)) == set(
        zip(observed["group"], observed["difference"], strict=True)
    )
    return flagged, (low, high)


def texts_of(plot) -> tuple[list, tuple[float, float]]:
    """Draw a plot, and return its texts with their boxes in points, and the figure's size in mm.

    Each entry is (text, points of its font, left, bottom, right, top).
    """
    figure = deepcopy(plot).draw()  # drawing twice would add to the figure
    figure.set_dpi(72)  # a pixel is a point
    canvas = FigureCanvasAgg(figure)
    seen: dict[int, Text] = {}
    kept = Text.draw

    def noting(artist, renderer, *args, **kwargs):
        if artist.get_visible() and artist.get_text().strip() and artist.get_alpha() != 0:
            seen[id(artist)] = artist
        return kept(artist, renderer, *args, **kwargs)

    canvas.draw()  # the layout is settled
    with pytest.MonkeyPatch.context() as patch:  # ticks out of view have texts that are never drawn
        patch.setattr(Text, "draw", noting)
        canvas.draw()
    found = [
        (t.get_text(), t.get_fontsize(), *t.get_window_extent(canvas.get_renderer()).extents)
        for t in seen.values()
    ]
    size = tuple(figure.get_size_inches() * 25.4)
    plt.close(figure)
    return found, size


def assert_legible(plot) -> None:
    """Every text is inside the figure, meets no other, and can be read at a journal's width.

    Figures up to 120 mm are printed in a column of 90 mm, where five points can be read; wider ones
    across two columns, 180 mm; three in a row are 240 mm, of which the print is three quarters.
    """
    found, (width, height) = texts_of(plot)
    assert found
    assert width <= 245
    printed = 90 if width <= 121 else 180
    right_edge, top_edge = width / 25.4 * 72, height / 25.4 * 72
    for text, points, left, bottom, right, top in found:
        assert points * min(1, printed / width) >= 5, text
        assert left >= -1, (text, left)
        assert bottom >= -1, (text, bottom)
        assert right <= right_edge + 1, (text, right - right_edge)
        assert top <= top_edge + 1, (text, top - top_edge)
    for i, (text, _, left, bottom, right, top) in enumerate(found):
        for other, _, left2, bottom2, right2, top2 in found[:i]:
            across = min(right, right2) - max(left, left2)
            down = min(top, top2) - max(bottom, bottom2)
            assert across <= 1 or down <= 1.5, (text, other, across, down)


def panels_of(plot) -> list[str]:
    """Titles of the panels, in order: levels of the facet's column."""
    for layer in plot.layers:
        data = layer._data
        if data is not None and "panel" in data and hasattr(data["panel"], "cat"):
            return list(data["panel"].cat.categories)
    return [""]


def n_panels(plot) -> int:
    """Panels that are drawn."""
    figure = deepcopy(plot).draw()
    n = len(figure.axes)
    plt.close(figure)
    return n
