"""Several answers to one question: the raw pairs, and each answer's interval on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    geom_path,
    geom_point,
    geom_ribbon,
    geom_segment,
    geom_vline,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.options import check_flags
from winstan.plots.answer_rows import LINE, Placed, place_rows
from winstan.plots.axis import Axis, backward, forward
from winstan.plots.composing import Column, Plot, Row
from winstan.plots.density import density_outlines
from winstan.plots.layers import LINE_END, spread, thin, upright_triangles
from winstan.plots.panels import caption_of
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import FULL, OBSERVED, OKABE_ITO, POSTERIOR, theme_winstan
from winstan.plots.words import contrast_text, join_words, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from plotnine.composition import Compose

    type Floats = NDArray[np.float64]

COLOURS = {"posterior": POSTERIOR, "lme": OKABE_ITO["green"], "anova": OBSERVED}
"""Of each kind of answer, which differ by their marks too."""
MARKS = {"posterior": "o", "lme": "D", "anova": "s"}
PLACES = 12
"""Values of a treatment up to which a group's dots are its means, joined, with the mean of all."""
LEAST = 50.0
"""Least height of the panels, in mm."""
FRAME = 18.0
"""Height of what is around the panel: its axis, a title of two lines and the margins, in mm."""
BESIDE = 150.0
"""Least width of a figure whose halves are side by side, in mm."""
STACKED = 70.0
"""Largest height of the pairs above the answers, in mm."""
NAME = 32
"""Longest line of the title of half a figure, in characters."""


def plot_side_by_side(
    pairs: pd.DataFrame,
    rows: pd.DataFrame,
    draws: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    across: str | None = None,
    group: str | None = None,
    observed: str | None = None,
    unit: str | None = None,
    ratio: bool = False,
    caption: Sequence[str] = (),
    width: float = FULL,
) -> Compose:
    """Draw the raw pairs, and beside them every answer to what the treatment changes.

    Parameters
    ----------
    pairs
        What was observed: columns ``group``, ``treatment``, ``value``, one row for each group and
        value of the treatment; where `group` is None, for each observation.
    rows
        One row per contrast and answer: columns ``contrast``, ``label`` (may have several lines),
        ``kind`` (``"posterior"``, ``"lme"`` or ``"anova"``), ``key`` (of the row), ``estimate``,
        ``lower``, ``upper``. Their order is the order from top to bottom.
    draws
        Of the posteriors: columns ``key``, as in `rows`, and ``value``. May be empty.
    response, treatment, group
        Their names.
    across
        What the values of the treatment in `pairs` are of; by default its name.
    observed
        What the values of `pairs` are, for their axis; by default the response.
    unit
        Unit of the response; a ratio has none.
    ratio
        Whether the answers are ratios: both axes of values are then logarithmic.
    caption
        Sentences below the intervals.
    width
        Of the figure, in mm; below 150 the answers stand below the pairs.

    Returns
    -------
    plotnine.composition.Compose
        Composes further with ``|`` and ``/``.

    Raises
    ------
    DataError
        If a table lacks a column, has no row or values that cannot be drawn.
    """
    check_flags(ratio=ratio)
    require_columns(pairs, "pairs", ["group", "treatment", "value"])
    columns = ["contrast", "label", "kind", "key", "estimate", "lower", "upper"]
    require_columns(rows, "rows", columns)
    require_columns(draws, "draws", ["key", "value"], empty=True)
    require_finite("pairs", pairs["value"], positive=ratio)
    require_finite("rows", rows[["estimate", "lower", "upper"]], positive=ratio)
    require_finite("draws", draws["value"], positive=ratio)
    if unknown := [kind for kind in rows["kind"] if kind not in COLOURS]:
        raise DataError(
            f"rows has the kind {join_words(unknown)}; known are {join_words(COLOURS)}."
        )
    below = caption_of(caption)
    stacked = width < BESIDE
    at = place_rows(rows, above=stacked)
    height = max(LEAST, -at.bottom) + FRAME + LINE * len(below.splitlines())
    answers = _answers(
        at,
        draws,
        response=response,
        treatment=treatment,
        unit=unit,
        ratio=ratio,
    )
    seen = _pairs(
        pairs,
        name=observed or response,
        treatment=across or treatment,
        group=group,
        unit=unit,
        log=ratio,
    )
    half = width if stacked else width / 2
    seen += theme_winstan(width=half, height=min(height, STACKED) if stacked else height)
    answers = answers + labs(caption=below) + theme_winstan(width=half, height=height)
    answers += theme(
        axis_line_y=element_blank(),
        axis_ticks_major_y=element_blank(),
        axis_text_y=element_text(ha="right", multialignment="right", linespacing=1.15),
    )
    return Column([seen, answers]) if stacked else Row([seen, answers])


def _answers(
    placed: Placed,
    draws: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    unit: str | None,
    ratio: bool,
) -> Plot:
    """Draw an interval for each answer, and the densities of posteriors above theirs."""
    by_key = {key: part.to_numpy(dtype=float) for key, part in draws.groupby("key")["value"]}
    rows = placed.rows
    sampled = rows[rows["kind"] == "posterior"]
    if missing := [key for key in sampled["key"] if key not in by_key]:
        raise DataError(f"draws has no rows for {join_words(missing)}, which rows has.")
    values = [by_key[key] for key in sampled["key"]]
    axis = _axis(rows, sampled, values, ratio=ratio)
    plot = Plot() + geom_vline(
        xintercept=1.0 if ratio else 0.0, linetype="dashed", size=0.4, color="#666666"
    )
    plot += placed.labels(axis)
    if len(sampled):
        plot += geom_ribbon(
            aes("x", ymin="y", ymax="top", group="key"),
            density_outlines(sampled, values, axis, height=placed.density),
            fill=POSTERIOR,
            alpha=0.35,
        )
    for kind, part in rows.groupby("kind", sort=False):
        colour = COLOURS[str(kind)]
        plot += geom_segment(
            aes("lower", "y", xend="upper", yend="y"),
            part,
            size=1.1,
            color="black" if kind == "posterior" else colour,
            **LINE_END,
        )
        plot += geom_point(
            aes("estimate", "y"),
            part,
            shape=MARKS[str(kind)],
            size=2.2,
            stroke=0.4,
            color="black",
            fill=colour,
        )
    contrast = str(rows["contrast"].iloc[0])
    shown = contrast_text(treatment if placed.headings else contrast, treatment)
    title = axis.title(
        f"{'Ratio of' if ratio else 'Difference in'} {response} ({shown})", None if ratio else unit
    )
    ticks = placed.ticks()
    return (
        plot
        + axis.scale()
        + scale_y_continuous(
            breaks=[y for y, _ in ticks],
            labels=[text for _, text in ticks],
            limits=(placed.bottom, 0.0),
            expand=(0, 0),
        )
        + labs(x=title.replace(" (", "\n(", 1) if len(title) > NAME else title, y="")
    )


def _axis(rows: pd.DataFrame, sampled: pd.DataFrame, values: list[Floats], *, ratio: bool) -> Axis:
    """View every interval and estimate, no effect, and tails up to half an interval's width."""
    core = [1.0 if ratio else 0.0, *rows["estimate"], *rows["lower"], *rows["upper"]]
    ends = forward(sampled[["lower", "upper"]], ratio)
    for (low, high), value in zip(ends, values, strict=True):
        tails = np.quantile(forward(value, ratio), [0.001, 0.999])
        reach = (high - low) / 2
        core += backward(
            np.array([max(tails[0], low - reach), min(tails[1], high + reach)]), ratio
        ).tolist()
    return Axis.around(core, [], log=ratio)


def _pairs(
    pairs: pd.DataFrame,
    *,
    name: str,
    treatment: str,
    group: str | None,
    unit: str | None,
    log: bool,
) -> Plot:
    """Draw each group's values, joined, and the mean of the groups."""
    known = list(dict.fromkeys(pairs["treatment"]))
    numeric = all(isinstance(v, int | float | np.number) for v in known)
    spaced = numeric and len(known) > 2
    place = {v: float(v) if spaced else float(i) for i, v in enumerate(known)}
    gap = float(np.diff(np.sort(list(place.values()))).min()) if len(known) > 1 else 1.0
    table = pairs.assign(
        x=pairs["value"].astype(float),
        place=pairs["treatment"].map(place).astype(float),
        group=as_text(pairs["group"]),
    )
    few = len(known) <= PLACES
    n_groups = table["group"].nunique() if group else len(table)
    joined = table.groupby("group")["place"].transform("nunique") > 1
    joins = bool(group) and few and bool(joined.any())
    dots = thin(table, ["place"])
    # Means of groups stand one above the other, so that their lines meet them; rows are spread.
    dots["at"] = dots["place"] + (0.0 if joins else 0.35 * gap * spread(dots, ["place"]) * few)
    axis = Axis.around(np.quantile(table["x"], [0.02, 0.98]), table["x"], log=log)
    inside, beyond = axis.split(dots)
    faint = float(np.clip((12 / n_groups) ** 0.5, 0.15, 0.8))
    plot = Plot()
    if joins:
        lines = table[joined & table["group"].isin(dots["group"])].sort_values(["group", "place"])
        plot += geom_path(
            aes("place", "x", group="group"), lines, size=0.45, color="#555555", alpha=faint
        )
    plot += geom_point(
        aes("at", "x"),
        inside,
        shape="o",
        size=1.9 if n_groups <= 30 else 1.3,
        stroke=0.25,
        color="white",
        fill="#333333",
        alpha=max(faint, 0.5),
    )
    plot += upright_triangles(beyond)
    kind = "geometric mean" if log else "mean"
    if few:
        # On a logarithmic axis the centre of the groups is their geometric mean.
        centre = table.assign(f=forward(table["x"], log)).groupby("place")["f"].mean()
        bars = pd.DataFrame(
            {
                "left": centre.index - 0.16 * gap,
                "right": centre.index + 0.16 * gap,
                "x": backward(centre.to_numpy(), log),
            }
        )
        plot += geom_segment(
            aes("left", "x", xend="right", yend="x"), bars, size=1.3, color="black", **LINE_END
        )
    said = [f"dots: each {group}{', joined' if joins else ''}" if group else "dots: rows"]
    said += [f"bar: their {kind}"] if few else []
    said += [f"{len(dots)} of {len(table)} dots drawn"] if len(dots) < len(table) else []
    said += [f"{len(beyond)} beyond the axis (triangles)"] if len(beyond) else []
    if spaced and len(known) > PLACES:
        low, high = min(place.values()), max(place.values())
        across = Axis(low, high, log=False)
        breaks = across.breaks()
        labels = across.labels(breaks)
    else:
        breaks = np.array(list(place.values()))
        labels = [wrap(f"{v:.10g}" if isinstance(v, float) else v) for v in known]
    low, high = min(place.values()), max(place.values())
    margin = 0.5 * gap if few else 0.04 * (high - low or 1.0)
    title = axis.title(name, unit)
    return (
        plot
        + axis.scale(vertical=True)
        + scale_x_continuous(
            breaks=list(breaks), labels=labels, limits=(low - margin, high + margin), expand=(0, 0)
        )
        + labs(
            x=treatment,
            y=title.replace(" of each ", "\nof each ", 1) if len(title) > NAME else title,
            caption=caption_of(["; ".join(said)]),
        )
    )
