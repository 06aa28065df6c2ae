"""The posterior of a difference over the differences observed in each group."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_point,
    geom_ribbon,
    geom_segment,
    geom_vline,
    labs,
    scale_fill_manual,
    scale_y_continuous,
)

from winstan.errors import DataError
from winstan.plots.axis import Axis, backward, forward
from winstan.plots.composing import Plot
from winstan.plots.density import density_outlines
from winstan.plots.layers import (
    LINE_END,
    box_layers,
    legend,
    row_height,
    spread,
    theme_rows,
    triangle_layers,
)
from winstan.plots.tables import as_text, in_order, require_columns, require_finite
from winstan.plots.theme import OBSERVED, POSTERIOR
from winstan.plots.turns import move_together, near
from winstan.plots.words import contrast_text, join_words, level_texts, number, percent, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]

BOX_FROM = 5
"""Observed differences from which a box is drawn behind their dots."""
NAMED = 4
"""Values beyond the axis that the caption names one by one."""
LEVEL = "level_of_by"
"""The column of levels in the figure's own tables."""
TITLE = 36
"""Longest line of the axis' title, in characters."""
CAPTION = 56
"""Longest line of a caption, in characters; 85 mm hold it."""


def plot_difference(
    draws: pd.DataFrame,
    summary: pd.DataFrame,
    observed: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    unit: str | None = None,
    ratio: bool = False,
    prob: float = 0.94,
    group: str | None = None,
    by: str | None = None,
    caption: str = "",
    circular: bool = False,
) -> Plot:
    """Draw the posterior of a difference above the differences observed in each group.

    For each contrast: the posterior density (shaded), its mean (dot) and HDI (black line), and,
    under it on the same axis, the observed difference of every group, computed without any
    fitting, with a box of their quartiles when there are five or more. The line at no effect is
    always in view. Long tails do not set the limits of the axis: observed values far beyond the
    posterior are drawn as triangles at the edge, and the caption gives their values.

    Parameters
    ----------
    draws
        Posterior draws in a column ``value``. A column ``contrast`` names the contrast of each row
        when there are several; the column named by `by`, the level.
    summary
        One row per contrast (and level): columns ``contrast`` (such as ``"1 - 0"``), ``mean``,
        ``lower``, ``upper``, the ends of the HDI. Its order is the order from top to bottom.
    observed
        One row per group and contrast: columns ``group``, ``contrast``, ``difference`` (with
        `ratio`, the observed ratio). A missing ``group`` stands for all groups together. With a
        column named as `by`, one row per group, contrast and level. May be empty.
    response
        Name of the response, for the axis.
    treatment
        Name of the treatment, for the axis.
    unit
        Unit of the response, such as ``"Hz"``; a ratio has none.
    ratio
        Whether the values are ratios: the axis is then logarithmic, and no effect is 1.
    prob
        Probability of the HDI in `summary`, for the label.
    group
        Name of the grouping factor, for the label, such as ``"mouse"``.
    by
        Name of the column of `draws` and `summary` that holds a level per row, to draw a row per
        level; by default ``"by"`` if `draws` has such a column. Observed differences without such
        a column belong to the levels by their ``group``.
    caption
        What else is to be told, such as what the contrast is averaged over.
    circular
        Whether the values are angles: the axis is then cut opposite to them.

    Returns
    -------
    plotnine.ggplot
        120 mm wide, of a height that fits its rows; ``+ theme(figure_size=...)``, in inches,
        changes that.

    Raises
    ------
    DataError
        If a table lacks a column, has no row or values that cannot be drawn, or if the tables do
        not name the same contrasts and levels.
    """
    by = "by" if by is None and "by" in draws.columns else by
    levels = [by] if by else []
    require_columns(draws, "draws", ["value", *levels])
    require_columns(summary, "summary", ["contrast", "mean", "lower", "upper", *levels])
    require_columns(observed, "observed", ["group", "contrast", "difference"], empty=True)
    name, by = by, LEVEL if by else None
    # A copy, since the column may have a name that the figure's tables use, such as x.
    draws, summary, observed = (
        table.assign(**{LEVEL: table[name]}) if name in table.columns else table
        for table in (draws, summary, observed)
    )
    if "contrast" not in draws.columns:
        draws = draws.assign(contrast=summary["contrast"].iloc[0])
    rows = _rows(summary, by)
    require_finite("summary", rows[["mean", "lower", "upper"]], positive=ratio)
    require_finite("draws", draws["value"], positive=ratio)
    values = _values_of_rows(draws, rows, by)
    seen = _observed_of_rows(observed, rows, by)

    rows, values, seen = _unroll(rows, values, seen) if circular else (rows, values, seen)
    axis = _difference_axis(rows, values, seen["x"], ratio=ratio, turns=circular)
    several, pitch = by is not None or len(rows) > 1, 0.95 if by else 1.25
    lane = (0.16 if by else 0.36) if len(seen) else 0.0
    rows["y"] = -pitch * rows["row"]
    seen["middle"] = -pitch * seen["row"] - lane
    seen["y"] = seen["middle"] + (0.12 if by else 0.18) * spread(seen, ["row", "panel"])
    drawn, beyond = axis.split(seen)
    many = seen.groupby(["row", "panel"])["x"].transform("size") >= BOX_FROM

    posterior_label = f"posterior, {percent(prob)} HDI"
    whose = _whose(seen["group"], group)
    observed_label = f"observed, {whose}" if whose else "observed (no fitting)"
    one = len(rows["contrast"].unique()) == 1
    shown = contrast_text(rows["contrast"].iloc[0], treatment) if one else treatment
    title = f"{'Ratio' if ratio else 'Difference'} {'of' if ratio else 'in'} {response} ({shown})"

    absent = seen[seen["x"].isna()]
    caption = "\n".join([*_lines(caption), *_beyond_lines(beyond, absent)])
    plot = (
        Plot()
        + geom_vline(xintercept=1.0 if ratio else 0.0, linetype="dashed", size=0.4, color="#666666")
        + geom_ribbon(
            aes("x", ymin="y", ymax="top", group="key"),
            density_outlines(rows, values, axis, height=0.72),
            fill=POSTERIOR,
            alpha=0.35,
        )
    )
    plot = (
        plot
        + box_layers(
            seen[many].assign(colour=OBSERVED), ["row", "contrast"], axis, 0.13, whiskers=False
        )
        + geom_segment(aes("lower", "y", xend="upper", yend="y"), rows, size=1.1, **LINE_END)
        + geom_point(
            aes("x", "y", fill="what"),
            drawn.assign(what=observed_label),
            shape="o",
            size=1.5,
            stroke=0.2,
            color="white",
            show_legend=several,
        )
        + geom_point(
            aes("mean", "y", fill="what"),
            rows.assign(what=posterior_label),
            shape="o",
            size=2.2,
            stroke=0.4,
            color="black",
            show_legend=several,
        )
        + triangle_layers(beyond, OBSERVED)
        + scale_fill_manual(
            values={posterior_label: POSTERIOR, observed_label: OBSERVED},
            breaks=[posterior_label, observed_label],
        )
        + legend([posterior_label, observed_label])
        + axis.scale()
        + labs(
            x=_title(axis.title(title, None if ratio else unit)),
            y=name if name and name != "by" else (group or "") if name else "",
            fill="",
            caption=caption,
        )
    )
    per_panel = int(rows["row"].max()) + 1
    panels = rows["panel"].unique()
    slack = (0.3 if by else 0.28) if len(seen) else 0.2
    bottom = -pitch * (per_panel - 1) - lane - slack
    if several:
        ticks = rows.drop_duplicates("row")
        names = ticks["shown"] if by else [contrast_text(c, None) for c in ticks["contrast"]]
        breaks, labels = list(ticks["y"]), [wrap(n) for n in names]
    else:
        breaks = [0.1, -lane] if len(seen) else [0.0]
        labels = [
            f"posterior mean,\n{percent(prob)} HDI",
            f"observed,\n{whose}\n(no fitting)" if whose else "observed\n(no fitting)",
        ][: len(breaks)]
    if by and not one:
        plot += facet_wrap("contrast", nrow=1, labeller=lambda c: contrast_text(c, None))
    pitch_mm = row_height(per_panel) if by else 15 if several else 26 if len(seen) else 20
    height = 18 + pitch_mm * per_panel + 8 * several + 6 * (len(panels) > 1)
    height += 3 * len(caption.splitlines())
    return (
        plot
        + scale_y_continuous(breaks=breaks, labels=labels, limits=(bottom, 0.8), expand=(0, 0))
        + theme_rows(height, panels=len(panels))
    )


def _rows(summary: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Return the summary with the row and the panel of the figure that each line goes to."""
    keys = ["contrast", by] if by else ["contrast"]
    if summary.duplicated(keys).any():
        raise DataError(f"summary has more than one row for the same {' and '.join(keys)}.")
    rows = summary.reset_index(drop=True)
    rows["contrast"] = in_order(rows["contrast"])
    if by:
        rows["shown"] = level_texts(rows[by])
        rows[by] = in_order(rows[by])
    rows["row"] = rows[by or "contrast"].cat.codes.astype(int)
    rows["panel"] = rows["contrast"].cat.codes.astype(int) if by else 0
    return rows.assign(key=np.arange(len(rows)))


def _values_of_rows(draws: pd.DataFrame, rows: pd.DataFrame, by: str | None) -> list[Floats]:
    keys = ["contrast", by] if by else ["contrast"]
    wanted = list(zip(*(as_text(rows[k]) for k in keys), strict=True))
    parts = {
        key: part.to_numpy(dtype=float)
        for key, part in draws["value"].groupby([as_text(draws[k]) for k in keys], sort=False)
    }
    if missing := [" ".join(key) for key in wanted if key not in parts]:
        raise DataError(f"draws has no rows for {join_words(missing)}, which summary has.")
    return [parts[key] for key in wanted]


def _observed_of_rows(observed: pd.DataFrame, rows: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Return the observed differences of the rows drawn, each with the row it belongs to."""
    keys = ["contrast", by] if by else ["contrast"]
    seen = observed.assign(
        contrast=as_text(observed["contrast"]), x=observed["difference"].astype(float)
    )
    if by:
        seen[by] = as_text(observed[by if by in observed.columns else "group"])
    known = rows[[*keys, "row", "panel"]].astype(dict.fromkeys(keys, "str"))
    seen = seen[["group", "x", *keys]].merge(known, on=keys, how="inner")
    if len(observed) and seen.empty:
        raise DataError(
            f"observed has none of summary's {' and '.join(keys)}: it has "
            f"{join_words(observed['group' if by else 'contrast'])}."
        )
    seen["contrast"] = pd.Categorical(seen["contrast"], rows["contrast"].cat.categories)
    seen["name"] = as_text(seen["group"].where(seen["group"].notna(), "all"))
    if by and (seen["name"] != seen[by]).any():
        shown = dict(zip(rows[by].astype(str), rows["shown"], strict=True))
        seen["name"] = seen[by].map(shown) + " " + seen["name"]
    if len(rows["contrast"].cat.categories) > 1 and len(seen):
        seen["name"] += [f", {contrast_text(c, None)}" for c in seen["contrast"]]
    return seen


def _whose(groups: pd.Series, group: str | None) -> str:
    """Say of what the observed differences are."""
    if groups.notna().any() or groups.empty:
        return f"each {group or 'group'}"
    return f"{group} means" if group else ""


def _difference_axis(
    rows: pd.DataFrame,
    values: list[Floats],
    differences: pd.Series,
    *,
    ratio: bool,
    turns: bool,
) -> Axis:
    """View every HDI and mean, the line of no effect, and tails up to half the HDI's width.

    Observed differences that are outliers among themselves stretch the view by half at most.
    """
    core = [1.0 if ratio else 0.0, *rows["mean"]]
    ends = forward(rows[["lower", "upper"]], ratio)
    for (low, high), value in zip(ends, values, strict=True):
        width = high - low
        tails = np.quantile(forward(value, ratio), [0.001, 0.999])
        limits = np.array(
            [max(tails[0], low - width / 2), min(tails[1], high + width / 2), low, high]
        )
        core += backward(limits, ratio).tolist()
    finite = differences[np.isfinite(differences) & ((differences > 0) | (not ratio))]
    x, inside = forward(finite, ratio), forward(core, ratio)
    close = np.abs(x - (inside.min() + inside.max()) / 2) <= np.ptp(inside)
    return Axis.around(core, finite[close | _usual(x)], log=ratio, turns=turns)


def _unroll(
    rows: pd.DataFrame, values: list[Floats], seen: pd.DataFrame
) -> tuple[pd.DataFrame, list[Floats], pd.DataFrame]:
    """Move angles by whole turns: means near to each other, all else near to its row's mean."""
    rows = move_together(rows)
    values = [near(value, mean) for value, mean in zip(values, rows["mean"], strict=True)]
    places = rows.set_index(["row", "panel"])["mean"]
    means = places.reindex(pd.MultiIndex.from_frame(seen[["row", "panel"]])).to_numpy(float)
    return rows, values, seen.assign(x=near(seen["x"], means))


def _usual(values: Floats) -> NDArray[np.bool_]:
    """Tell which values are within 1.5 interquartile ranges of the quartiles (Tukey's fences)."""
    if values.size == 0:
        return np.ones(0, bool)
    low, high = np.quantile(values, [0.25, 0.75])
    return np.abs(values - (low + high) / 2) <= 2 * (high - low)


def _title(text: str) -> str:
    """Break a long title before its contrast, so that it fits half of a composed figure."""
    return text.replace(" (", "\n(", 1) if len(text.partition("$")[0]) > TITLE else text


def _beyond_lines(beyond: pd.DataFrame, absent: pd.DataFrame) -> list[str]:
    """Say which observed differences are not at their place on the axis, and their values."""
    values = [f"{name} ({number(x)})" for name, x in zip(beyond["name"], beyond["x"], strict=True)]
    parts = {"beyond the axis": values, "no observed difference": list(absent["name"])}
    sentences = [
        f"{what}: {', '.join(names[:NAMED])}"
        + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        for what, names in parts.items()
        if names
    ]
    return [line for text in sentences for line in _lines(text)]


def _lines(text: str) -> list[str]:
    """Break the lines of a caption into shorter ones, none of them before a parenthesis."""
    tied = text.replace(" (", "\N{NO-BREAK SPACE}(").splitlines()
    lines = [line for given in tied for line in textwrap.wrap(given, CAPTION)]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
