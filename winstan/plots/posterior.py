"""A posterior with its interval, a region of practical equivalence and a reference value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_point,
    geom_rect,
    geom_ribbon,
    geom_segment,
    geom_text,
    labs,
    scale_y_continuous,
    theme,
)

from winstan.errors import OptionError
from winstan.options import check_flags
from winstan.plots.axis import Axis
from winstan.plots.composing import Plot
from winstan.plots.density import kernel_density
from winstan.plots.layers import LINE_END
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import OKABE_ITO, POSTERIOR
from winstan.plots.words import minus, number, percent


class _Row(NamedTuple):
    """What one posterior's row of the summary says."""

    key: str
    panel: str
    mean: float
    lower: float
    upper: float


ROPE = OKABE_ITO["orange"]


def plot_posterior(
    draws: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    title: str,
    prob: float = 0.94,
    rope: tuple[float, float] | None = None,
    ref: float | None = None,
    unit: str | None = None,
    log: bool = False,
    caption: str = "",
) -> Plot:
    """Draw posterior densities as BEST does, with what they say in numbers.

    Under the density, the HDI (black line, its ends written) and the mean (dot, written above).
    The share of draws on each side of `ref`, and within `rope`, is written above the density
    (Kruschke 2013, Journal of Experimental Psychology: General 142, 573-603).

    Parameters
    ----------
    draws
        Columns ``name`` (a panel for each, in its order) and ``value``.
    summary
        A row per name: columns ``name``, ``mean``, ``lower``, ``upper``.
    title
        What the values are, for the axis.
    prob
        Probability of the HDI, for the label.
    rope
        Ends of the region of practical equivalence.
    ref
        A value to compare with, such as that of no effect; None draws none.
    unit
        Unit of the values, such as ``"Hz"``.
    log
        Whether the axis is logarithmic, as for a ratio.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column, a row or values that can be drawn.
    OptionError
        If `rope` is not two increasing numbers, or `ref` no number.
    """
    check_flags(log=log)
    require_columns(draws, "draws", ["name", "value"])
    require_columns(summary, "summary", ["name", "mean", "lower", "upper"])
    require_finite("draws", draws["value"], positive=log)
    _check(rope, ref, log)
    names = [str(name) for name in summary["name"]]
    values = {str(name): part.to_numpy(float) for name, part in draws.groupby("name")["value"]}
    axis = _axis(values, summary, rope, ref, log=log)
    low, high = axis.ends()
    rows = summary.assign(key=names, panel=as_panels(pd.Series(names, summary.index), names))
    grid = axis.grid()
    at = np.linspace(low, high, len(grid))
    outlines = []
    for row in _records(rows):
        x = values[row.key]
        density = kernel_density(np.log10(x) if log else x, at)
        outlines.append(
            pd.DataFrame({"x": grid, "y": 0.0, "top": density / (density.max() or 1.0)}).assign(
                panel=row.panel
            )
        )
    outline = pd.concat(outlines, ignore_index=True)
    outline["panel"] = pd.Categorical(outline["panel"], rows["panel"].cat.categories)
    texts, steps = _texts(rows, values, axis, rope, ref)
    top = 1.06 + 0.15 * steps
    marks = [] if ref is None else [ref]
    plot = Plot()
    if rope is not None:
        band = pd.DataFrame({"left": [max(rope[0], axis.low)], "right": [min(rope[1], axis.high)]})
        band = band.assign(bottom=-0.04, top=1.06)
        plot += geom_rect(
            aes(xmin="left", xmax="right", ymin="bottom", ymax="top"), band, fill=ROPE, alpha=0.25
        )
    plot += geom_ribbon(aes("x", ymin="y", ymax="top"), outline, fill=POSTERIOR, alpha=0.35)
    if marks:
        line = pd.DataFrame({"x": [float(marks[0])], "bottom": [-0.04], "top": [1.06]})
        plot += geom_segment(
            aes("x", "bottom", xend="x", yend="top"),
            line,
            linetype="dashed",
            size=0.4,
            color="#666666",
        )
    plot += geom_segment(aes("lower", 0, xend="upper", yend=0), rows, size=1.1, **LINE_END)
    plot += geom_point(
        aes("mean", 0), rows, shape="o", size=2.2, stroke=0.4, fill=POSTERIOR, color="black"
    )
    for (ha, va, color), part in texts.groupby(["ha", "va", "color"], sort=False):
        plot += geom_text(aes("x", "y", label="text"), part, ha=ha, va=va, size=7, color=color)
    n = len(names)
    ncol = columns_for(n)
    if n > 1 or "\n" in names[0]:
        plot += facet_wrap("panel", ncol=ncol)
    caption = caption_of(
        [
            f"dot: mean; line: {percent(prob)} HDI",
            f"orange: region of practical equivalence, {_plain(rope[0])} to {_plain(rope[1])}"
            if rope is not None
            else "",
            caption,
        ]
    )
    return (
        plot
        + axis.scale()
        + scale_y_continuous(limits=(-0.36, top), expand=(0, 0))
        + labs(x=axis.title(title, unit), y="", caption=caption)
        + theme_panels(n, ncol, height=52.0 if n == 1 else 46.0, caption=caption)
        + theme(
            axis_line_y=element_blank(),
            axis_ticks_major_y=element_blank(),
            axis_text_y=element_blank(),
            axis_title_y=element_blank(),
            strip_text=element_text(size=8, weight="bold"),
        )
    )


def _check(rope: object, ref: object, log: bool) -> None:
    if rope is not None:
        try:
            low, high = (float(end) for end in rope)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            raise OptionError(
                f"rope= takes two numbers, such as (-0.1, 0.1), not {rope!r}."
            ) from None
        if not low < high or not np.isfinite([low, high]).all():
            raise OptionError(f"rope={rope!r}: the first end must be below the second.")
        if log and low <= 0:
            raise OptionError(f"rope={rope!r}: a ratio is positive, such as (0.9, 1.1).")
    if ref is not None and not (
        isinstance(ref, int | float | np.number) and np.isfinite(ref) and (ref > 0 or not log)
    ):
        raise OptionError(f"ref= takes a {'positive ' if log else ''}number, not {ref!r}.")


def _axis(
    values: dict[str, np.ndarray],
    summary: pd.DataFrame,
    rope: tuple[float, float] | None,
    ref: float | None,
    *,
    log: bool,
) -> Axis:
    """View all of the HDIs, tails up to half their width, the reference and the region."""
    core = [*(rope or ()), *([] if ref is None else [ref])]
    for row in _records(summary.assign(key=as_text(summary["name"]))):
        x = values[row.key]
        f = np.log10 if log else np.asarray
        low, high = f(row.lower), f(row.upper)
        tails = np.quantile(f(x), [0.001, 0.999])
        ends = [max(tails[0], low - (high - low) / 2), min(tails[1], high + (high - low) / 2)]
        core += [row.lower, row.upper, *(10 ** np.array(ends) if log else ends)]
    return Axis.around(core, core, log=log)


def _records(rows: pd.DataFrame) -> list[_Row]:
    columns = ("key", "panel", "mean", "lower", "upper")
    known = rows if "panel" in rows else rows.assign(panel="")
    return [_Row(*values) for values in zip(*(known[c] for c in columns), strict=True)]


def _texts(
    rows: pd.DataFrame,
    values: dict[str, np.ndarray],
    axis: Axis,
    rope: tuple[float, float] | None,
    ref: float | None,
) -> tuple[pd.DataFrame, int]:
    """Return what is written, where; and how many lines stand above the density."""
    low, high = axis.ends()
    middle = (low + high) / 2
    middle = 10.0**middle if axis.log else middle
    lines = (ref is not None) + (rope is not None)
    texts = []

    def put(panel: str, x: float, y: float, text: str, ha: str, va: str, color: str) -> None:
        texts.append(
            {"panel": panel, "x": x, "y": y, "text": text, "ha": ha, "va": va, "color": color}
        )

    for row in _records(rows):
        x = values[row.key]
        width = high - low
        share = (np.log10(row.upper / row.lower) if axis.log else row.upper - row.lower) / width
        # Ends that are near are written outwards, so that they do not meet.
        sides = ("center", "center") if share > 0.3 else ("right", "left")
        put(row.panel, row.lower, -0.07, number(row.lower), sides[0], "top", "black")
        put(row.panel, row.upper, -0.07, number(row.upper), sides[1], "top", "black")
        put(row.panel, row.mean, -0.21, f"mean {number(row.mean)}", "center", "top", "black")
        y = 1.1
        if rope is not None:
            inside = float(np.mean((x >= rope[0]) & (x <= rope[1])))
            put(row.panel, middle, y, f"{_share(inside)} in ROPE", "center", "bottom", "#8A5A00")
            y += 0.15
        if ref is not None:
            below, above = float(np.mean(x < ref)), float(np.mean(x > ref))
            text = f"{_share(below)} < {_plain(ref)} < {_share(above)}"
            put(row.panel, middle, y, text, "center", "bottom", "#444444")
    table = pd.DataFrame(texts)
    table["panel"] = pd.Categorical(table["panel"], rows["panel"].cat.categories)
    return table, lines


def _plain(value: float) -> str:
    """Return a number that a user gave, without digits of winstan's own."""
    return minus(f"{value:.4g}")


def _share(p: float) -> str:
    """Return a share of draws as a percentage, never a rounded 0 or 100 that is not one."""
    if 0 < p < 0.001:
        return "<0.1%"
    if 0.999 < p < 1:
        return ">99.9%"
    return f"{100 * p:.1f}%"
