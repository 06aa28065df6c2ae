"""The figures. They take tidy tables only, and return plotnine plots.

Nothing here samples, fits or looks into a model: each function is given the numbers to draw. The
results compose like any plotnine plots: ``a | b`` beside, ``a / b`` above, ``a + theme(...)``.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_point,
    geom_rect,
    geom_ribbon,
    geom_segment,
    geom_vline,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_fill_manual,
    scale_x_continuous,
    scale_x_log10,
    scale_y_continuous,
    theme,
)

from winstan.errors import DataError
from winstan.theme import OKABE_ITO, WIDTH, theme_winstan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    type Floats = NDArray[np.float64]

__all__ = ["OKABE_ITO", "plot_difference", "plot_intercepts", "theme_winstan"]

GRID = 256
"""Points at which a density is drawn."""
BOX_FROM = 5
"""Observed differences from which a box is drawn behind their dots."""
DOTS_UP_TO = 100
"""Rows of data of one group (and treatment) up to which each is drawn as a dot."""
LOG_FROM = 1.5
"""Decades that positive data must span for the axis to be logarithmic by default."""
REACH = 1.5
"""How far beyond the posterior the view may grow for single values, in widths of the posterior."""
NAMED = 4
"""Values beyond the axis that the caption names one by one."""
WRAP = 24
"""Longest line of a level's name, in characters."""
CAPTION = 56
"""Longest line of a caption, in characters; 85 mm hold it."""

POSTERIOR = OKABE_ITO["blue"]
OBSERVED = OKABE_ITO["vermillion"]
TREATMENTS = tuple(
    OKABE_ITO[name] for name in ("sky", "orange", "green", "purple", "yellow", "vermillion")
)
LINE_END = {"lineend": "butt"}


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
) -> ggplot:
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
        `ratio`, the observed ratio). May be empty.
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
        level; by default ``"by"`` if `draws` has such a column. The observed differences belong
        to the levels by their ``group``.

    Returns
    -------
    plotnine.ggplot
        120 mm wide, of a height that fits its rows; ``+ theme(figure_size=...)``, in inches,
        changes that, and is needed when plots are composed with ``|`` or ``/``.

    Raises
    ------
    DataError
        If a table lacks a column, has no row or values that cannot be drawn, or if the tables do
        not name the same contrasts and levels.
    """
    by = "by" if by is None and "by" in draws.columns else by
    levels = [by] if by else []
    _require(draws, "draws", ["value", *levels])
    _require(summary, "summary", ["contrast", "mean", "lower", "upper", *levels])
    _require(observed, "observed", ["group", "contrast", "difference"], empty=True)
    if "contrast" not in draws.columns:
        draws = draws.assign(contrast=summary["contrast"].iloc[0])
    rows = _rows(summary, by)
    _finite("summary", rows[["mean", "lower", "upper"]], positive=ratio)
    _finite("draws", draws["value"], positive=ratio)
    values = _values_of_rows(draws, rows, by)
    seen = _observed_of_rows(observed, rows, by)

    axis = _difference_axis(rows, values, seen["x"], ratio=ratio)
    several = by is not None or len(rows) > 1
    pitch = 0.95 if by else 1.25
    lane = 0.16 if by else 0.36
    rows["y"] = -pitch * rows["row"]
    seen["middle"] = -pitch * seen["row"] - lane
    seen["y"] = seen["middle"] + (0.0 if by else 0.18) * _spread(seen, ["row"])
    drawn, beyond = axis.split(seen)
    many = seen.groupby(["row", "panel"])["x"].transform("size") >= BOX_FROM

    posterior_label = f"posterior mean, {_percent(prob)} HDI"
    observed_label = f"observed, each {group or 'group'} (no fitting)"
    one = len(rows["contrast"].unique()) == 1
    shown = _contrast_text(rows["contrast"].iloc[0], treatment) if one else treatment
    title = f"{'Ratio' if ratio else 'Difference'} {'of' if ratio else 'in'} {response} ({shown})"

    plot = (
        ggplot()
        + geom_vline(xintercept=1.0 if ratio else 0.0, linetype="dashed", size=0.4, color="#666666")
        + geom_ribbon(
            aes("x", ymin="y", ymax="top", group="key"),
            _densities(rows, values, axis, height=0.72),
            fill=POSTERIOR,
            alpha=0.35,
        )
    )
    plot = (
        plot
        + _boxes(
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
        + _triangles(beyond, OBSERVED)
        + scale_fill_manual(
            values={posterior_label: POSTERIOR, observed_label: OBSERVED},
            breaks=[posterior_label, observed_label],
        )
        + _legend([posterior_label, observed_label])
        + axis.scale()
        + labs(
            x=axis.title(title, None if ratio else unit),
            y=by if by and by != "by" else (group or "") if by else "",
            fill="",
            caption=_beyond_caption(beyond, seen[seen["x"].isna()]),
        )
    )
    per_panel = int(rows["row"].max()) + 1
    panels = rows["panel"].unique()
    bottom = -pitch * (per_panel - 1) - lane - (0.3 if by else 0.28)
    if several:
        ticks = rows.drop_duplicates("row")
        names = ticks[by] if by else [_contrast_text(c, None) for c in ticks["contrast"]]
        breaks, labels = list(ticks["y"]), [_wrapped(n) for n in names]
    else:
        breaks = [0.1, -lane] if len(seen) else [0.0]
        labels = [
            f"posterior\n(mean, {_percent(prob)} HDI)",
            f"observed,\neach {group or 'group'}\n(no fitting)",
        ][: len(breaks)]
    if by and not one:
        plot += facet_wrap("contrast", nrow=1, labeller=lambda c: _contrast_text(c, None))
    row_height = _row_height(per_panel) if by else 15 if several else 26
    height = 18 + row_height * per_panel + 8 * several + 6 * (len(panels) > 1)
    return (
        plot
        + scale_y_continuous(breaks=breaks, labels=labels, limits=(bottom, 0.8), expand=(0, 0))
        + _theme_rows(height, panels=len(panels))
    )


def plot_intercepts(
    table: pd.DataFrame,
    data: pd.DataFrame,
    *,
    response: str,
    group: str,
    treatment: str | None = None,
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
) -> ggplot:
    """Draw the posterior of each group's intercept over the raw data.

    Behind, each row of the data is a light dot, or, where a group has more than a hundred, they
    are a box (quartiles and median) with a line from the 5th to the 95th percentile. In front,
    the posterior mean (dot) and the HDI (black line).

    Parameters
    ----------
    table
        One row per group, drawn from top to bottom: columns ``level``, ``mean``, ``lower``,
        ``upper``, on the scale of the response.
    data
        The raw rows: columns ``level``, ``value`` and, with `treatment`, ``treatment``. Rows of
        levels that are not in `table`, and missing values, are left out.
    response
        Name of the response, for the axis.
    group
        Name of the grouping factor, for the axis.
    treatment
        Name of the treatment; its values then have a lane and a colour each.
    prob
        Probability of the HDI in `table`, for the label.
    unit
        Unit of the response, such as ``"Hz"``.
    log
        Whether the axis is logarithmic; by default it is when everything drawn is positive and the
        data span more than 1.5 decades.

    Returns
    -------
    plotnine.ggplot
        120 mm wide, of a height that fits its groups; ``+ theme(figure_size=...)``, in inches,
        changes that, and is needed when plots are composed with ``|`` or ``/``.

    Raises
    ------
    DataError
        If a table lacks a column, has no row, or values that cannot be drawn.
    """
    _require(table, "table", ["level", "mean", "lower", "upper"])
    _require(data, "data", ["level", "value", *(["treatment"] if treatment else [])])
    rows = table.assign(level=_text(table["level"]), row=np.arange(len(table))).reset_index(
        drop=True
    )
    if rows["level"].duplicated().any():
        raise DataError("table has more than one row of the same level.")
    raw = data.assign(level=_text(data["level"]))
    raw = raw[raw["level"].isin(rows["level"])].rename(columns={"value": "x"}).dropna(subset="x")
    if raw.empty:
        raise DataError("data has no row of any level in table.")
    log = _is_wide(raw["x"], rows["lower"]) if log is None else log
    _finite("table", rows[["mean", "lower", "upper"]], positive=log)
    _finite("data", raw["x"], positive=log)

    shown = rows[["mean", "lower", "upper"]].to_numpy(float).ravel()
    rows["y"] = -1.0 * rows["row"]
    raw["what"] = "data"
    colours = {"data": "#999999"}
    if treatment:
        values = pd.Categorical(raw["treatment"]).remove_unused_categories().categories
        names = {value: f"{treatment} {value}" for value in values}
        raw["what"] = raw["treatment"].map(names).astype("str")
        colours = dict(zip(names.values(), cycle(TREATMENTS), strict=False))
    lane = 0.6 / len(colours)
    lanes = {name: lane * ((len(colours) - 1) / 2 - i) for i, name in enumerate(colours)}
    raw["row"] = raw["level"].map(rows.set_index("level")["row"])
    raw["middle"] = raw["what"].map(lanes) - raw["row"]
    raw["y"] = raw["middle"] + 0.8 * lane * _spread(raw, ["row", "what"])
    raw["colour"] = raw["what"].map(colours)

    crowded = raw.groupby(["row", "what"])["x"].transform("size") > DOTS_UP_TO
    boxed = raw[crowded]
    medians = boxed.groupby(["row", "what"], as_index=False)[["x", "middle"]].median()
    tails = boxed.groupby(["row", "what"])["x"].quantile(np.array([0.05, 0.95]))
    bulk = np.quantile(raw["x"], [0.02, 0.98])
    dots = pd.concat([raw[~crowded], medians.rename(columns={"middle": "y"})])
    axis = _Axis.around(np.concatenate([shown, bulk, tails]), dots["x"], log=log)
    drawn, beyond = axis.split(dots)
    posterior_label = f"posterior mean, {_percent(prob)} HDI"
    rest = "row is" if len(beyond) == 1 else "rows are"
    hidden = f"{len(beyond)} {rest} beyond the axis (triangles)" if len(beyond) else ""
    plot = (
        ggplot()
        + _boxes(boxed, ["row", "what"], axis, 0.3 * lane, whiskers=True)
        + geom_point(aes("x", "y", fill="what"), drawn, shape="o", size=1.1, stroke=0, alpha=0.55)
        + geom_segment(aes("lower", "y", xend="upper", yend="y"), rows, size=1.1, **LINE_END)
        + geom_point(
            aes("mean", "y", fill="what"),
            rows.assign(what=posterior_label),
            shape="o",
            size=2.2,
            stroke=0.4,
            color="black",
        )
        + _triangles(beyond, "#777777")
        + scale_fill_manual(
            values={posterior_label: POSTERIOR} | colours, breaks=[posterior_label, *colours]
        )
        + _legend([posterior_label, *colours])
        + axis.scale()
        + scale_y_continuous(
            breaks=list(rows["y"]),
            labels=[_wrapped(level) for level in rows["level"]],
            limits=(-len(rows) + 0.45, 0.55),
            expand=(0, 0),
        )
        + labs(x=axis.title(response, unit), y=group, fill="", caption=hidden)
    )
    return plot + _theme_rows(24 + _row_height(len(rows)) * len(rows))


@dataclass(frozen=True, slots=True)
class _Axis:
    """The horizontal axis: what is in view, and how its ticks read."""

    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, core: ArrayLike, single: ArrayLike, *, log: bool) -> _Axis:
        """View all of `core`, and those of the `single` values that do not squash it."""
        c = _forward(core, log)
        low, high = c.min(), c.max()
        span = high - low or abs(high) or 1.0
        s = _forward(single, log)
        near = s[(s >= low - REACH * span) & (s <= high + REACH * span)]
        low, high = min([low, *near]), max([high, *near])
        pad = 0.04 * ((high - low) or span)
        low, high = _backward(np.array([low - pad, high + pad]), log).tolist()
        return cls(low, high, log)

    def split(self, values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows whose x is in view, and the others, with their side and edge."""
        inside = values["x"].between(self.low, self.high)
        beyond = values[~inside & values["x"].notna()].copy()
        left = beyond["x"].to_numpy() < self.low
        low, high = self.ends()
        inset = 0.015 * (high - low)
        edge = _backward(np.where(left, low + inset, high - inset), self.log)
        return values[inside], beyond.assign(left=left, edge=edge)

    def ends(self) -> tuple[float, float]:
        """Return the limits on the scale on which the axis is even."""
        low, high = _forward([self.low, self.high], self.log).tolist()
        return low, high

    def grid(self) -> Floats:
        """Return the points at which to draw a density, in the data's units."""
        grid = _backward(np.linspace(*self.ends(), GRID), self.log)
        return np.clip(grid, self.low, self.high)

    def breaks(self) -> Floats:
        """Return the values of the ticks."""
        decades = np.log10(self.high / self.low) if self.log else 0.0
        if decades < 0.4:
            found = breaks_extended(n=6)((self.low, self.high))
        else:
            first, last = np.floor(np.log10(self.low)), np.ceil(np.log10(self.high))
            steps = next(
                steps
                for most, steps in (
                    (0.9, [1, 1.5, 2, 3, 5, 7]),
                    (2, [1, 2, 5]),
                    (3.5, [1, 3]),
                    (np.inf, [1]),
                )
                if decades < most
            )
            every = max(1, round(decades / 6))
            found = np.outer(10.0 ** np.arange(first, last + 1, every), steps).ravel()
        return np.array([b for b in found if self.low <= b <= self.high])

    def exponent(self) -> int:
        """Return the power of ten taken out of the tick labels and put into the title."""
        largest = max(abs(self.low), abs(self.high))
        if self.log or 1e-3 <= largest < 1e5:
            return 0
        return 3 * int(np.floor(np.log10(largest) / 3))

    def labels(self, breaks: ArrayLike) -> list[str]:
        """Return the text of ticks at these values, with the fewest decimals that tell them."""
        values = np.asarray(breaks, dtype=float)
        if self.log:
            plain = self.low >= 1e-4 and self.high < 1e5
            return [f"{v:.10g}" if plain else _power_label(v) for v in values]
        values = values / 10.0 ** self.exponent()
        step = np.diff(values).min() if values.size > 1 else abs(values).max() or 1.0
        decimals = next(
            (d for d in range(12) if np.allclose(values, values.round(d), rtol=0, atol=step / 1e3)),
            12,
        )
        return [_minus(f"{v:.{decimals}f}") for v in values + 0.0]

    def title(self, text: str, unit: str | None) -> str:
        """Return the title with its unit and power of ten."""
        power = self.exponent()
        parts = [rf"$\times 10^{{{power}}}$"] if power else []
        parts += [unit] if unit else []
        return f"{text}, {' '.join(parts)}" if parts else text

    def scale(self) -> scale_x_continuous:
        """Return plotnine's scale for this axis."""
        kind = scale_x_log10 if self.log else scale_x_continuous
        breaks = self.breaks()
        return kind(
            breaks=list(breaks),
            labels=self.labels(breaks),
            limits=(self.low, self.high),
            expand=(0, 0),
        )


def _forward(values: ArrayLike, log: bool) -> Floats:
    values = np.asarray(values, dtype=float)
    return np.log10(values) if log else values


def _backward(values: Floats, log: bool) -> Floats:
    return 10.0**values if log else values


def _minus(text: str) -> str:
    """Return a number's text with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def _power_label(value: float) -> str:
    power = int(np.floor(np.log10(value) + 1e-9))
    digits = f"{value / 10.0**power:.4g}"
    return rf"$10^{{{power}}}$" if digits == "1" else rf"${digits}\times10^{{{power}}}$"


def _percent(prob: float) -> str:
    if not 0 < prob < 1:
        raise DataError(f"prob={prob!r} must lie between 0 and 1.")
    return f"{100 * prob:.6g}%"


def _number(value: float) -> str:
    if not 1e-3 <= abs(value) < 1e5:
        return _minus(f"{value:.3g}")
    places = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return _minus(f"{value:.{places}f}")


def _contrast_text(contrast: object, treatment: str | None) -> str:
    """Return a contrast such as ``1 - 0`` as text, after the treatment's name if given."""
    text = str(contrast).replace(" - ", " \N{MINUS SIGN} ")
    return text if not treatment or text.startswith(treatment) else f"{treatment} {text}"


def _wrapped(name: object) -> str:
    lines = textwrap.wrap(str(name), WRAP) or [""]
    return "\n".join(lines if len(lines) <= 2 else [lines[0], f"{lines[1][: WRAP - 1]}…"])


def _listed(values: Iterable[object]) -> str:
    names = [repr(v) for v in dict.fromkeys(values)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _require(
    table: pd.DataFrame, name: str, columns: Sequence[str], *, empty: bool = False
) -> None:
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise DataError(
            f"{name} has no column {_listed(missing)}; it has {_listed(table.columns)}."
        )
    if not empty and table.empty:
        raise DataError(f"{name} has no rows.")


def _finite(name: str, values: pd.DataFrame | pd.Series, *, positive: bool) -> None:
    x = values.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        raise DataError(
            f"{name} has {np.count_nonzero(~np.isfinite(x))} values that are not finite."
        )
    if positive and (x <= 0).any():
        raise DataError(
            f"{name} has {np.count_nonzero(x <= 0)} values that are not positive, "
            "which a logarithmic axis cannot show."
        )


def _rows(summary: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Return the summary with the row and the panel of the figure that each line goes to."""
    keys = ["contrast", by] if by else ["contrast"]
    if summary.duplicated(keys).any():
        raise DataError(f"summary has more than one row for the same {' and '.join(keys)}.")
    rows = summary.reset_index(drop=True)
    rows["contrast"] = _ordered(rows["contrast"])
    if by:
        rows[by] = _ordered(rows[by])
    rows["row"] = rows[by or "contrast"].cat.codes.astype(int)
    rows["panel"] = rows["contrast"].cat.codes.astype(int) if by else 0
    return rows.assign(key=np.arange(len(rows)))


def _text(labels: pd.Series) -> pd.Series:
    """Return labels of any type as text."""
    return pd.Series([str(label) for label in labels], index=labels.index, dtype="str")


def _ordered(labels: pd.Series) -> pd.Series:
    """Return labels as text, categorical in the order in which they first appear."""
    text = _text(labels)
    return pd.Series(pd.Categorical(text, list(dict.fromkeys(text))), index=labels.index)


def _values_of_rows(draws: pd.DataFrame, rows: pd.DataFrame, by: str | None) -> list[Floats]:
    keys = ["contrast", by] if by else ["contrast"]
    wanted = list(zip(*(_text(rows[k]) for k in keys), strict=True))
    parts = {
        key: part.to_numpy(dtype=float)
        for key, part in draws["value"].groupby([_text(draws[k]) for k in keys], sort=False)
    }
    if missing := [" ".join(key) for key in wanted if key not in parts]:
        raise DataError(f"draws has no rows for {_listed(missing)}, which summary has.")
    return [parts[key] for key in wanted]


def _observed_of_rows(observed: pd.DataFrame, rows: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Return the observed differences of the rows drawn, each with the row it belongs to."""
    keys = ["contrast", by] if by else ["contrast"]
    seen = observed.assign(
        contrast=_text(observed["contrast"]), x=observed["difference"].astype(float)
    )
    if by:
        seen[by] = _text(observed["group"])
    known = rows[[*keys, "row", "panel"]].astype(dict.fromkeys(keys, "str"))
    seen = seen[["group", "x", *keys]].merge(known, on=keys, how="inner")
    if len(observed) and seen.empty:
        raise DataError(
            f"observed has none of summary's {' and '.join(keys)}: it has "
            f"{_listed(observed['group' if by else 'contrast'])}."
        )
    seen["contrast"] = pd.Categorical(seen["contrast"], rows["contrast"].cat.categories)
    seen["name"] = _text(seen["group"])
    if len(rows["contrast"].cat.categories) > 1:
        seen["name"] += [f", {_contrast_text(c, None)}" for c in seen["contrast"]]
    return seen


def _difference_axis(
    rows: pd.DataFrame, values: list[Floats], differences: pd.Series, *, ratio: bool
) -> _Axis:
    """View every HDI and mean, the line of no effect, and tails up to half the HDI's width."""
    core = [1.0 if ratio else 0.0, *rows["mean"]]
    ends = _forward(rows[["lower", "upper"]], ratio)
    for (low, high), value in zip(ends, values, strict=True):
        width = high - low
        tails = np.quantile(_forward(value, ratio), [0.001, 0.999])
        limits = np.array(
            [max(tails[0], low - width / 2), min(tails[1], high + width / 2), low, high]
        )
        core += _backward(limits, ratio).tolist()
    finite = differences[np.isfinite(differences) & ((differences > 0) | (not ratio))]
    return _Axis.around(core, finite, log=ratio)


def _densities(
    rows: pd.DataFrame, values: list[Floats], axis: _Axis, height: float
) -> pd.DataFrame:
    """Return the outline of every density in view, each scaled to the same height."""
    x = axis.grid()
    parts = []
    for (_, row), value in zip(rows.iterrows(), values, strict=True):
        density = _density(_forward(value, axis.log), _forward(x, axis.log))
        parts.append(
            pd.DataFrame(
                {
                    "x": x,
                    "y": row["y"],
                    "top": row["y"] + height * density / (density.max() or 1.0),
                    "key": row["key"],
                    "contrast": row["contrast"],
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table["contrast"] = pd.Categorical(table["contrast"], rows["contrast"].cat.categories)
    return table


def _density(values: Floats, grid: Floats) -> Floats:
    """Return a Gaussian kernel density at an even grid, up to a constant.

    The bandwidth is the normal reference's, from the smaller of two measures of spread, so that a
    long tail does not flatten the middle. The values are binned on a finer grid, then smoothed.
    """
    spread = min(
        s for s in (values.std(), np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.349) if s >= 0
    )
    step = (grid[1] - grid[0]) / 4
    width = max(1.06 * (spread or values.std()) * values.size**-0.2, 2 * step)
    margin = int(np.ceil(4 * width / step))
    edges = grid[0] + step * (np.arange(-margin, 4 * (grid.size - 1) + margin + 2) - 0.5)
    counts, _ = np.histogram(values, edges)
    kernel = np.exp(-0.5 * (step * np.arange(-margin, margin + 1) / width) ** 2)
    return np.convolve(counts, kernel, mode="valid")[::4]


def _spread(points: pd.DataFrame, keys: list[str]) -> Floats:
    """Return an even, fixed scatter in (-0.5, 0.5) for the points of each cell.

    Multiples of the golden ratio fill the lane evenly however many points there are, and need no
    random numbers: the same table gives the same figure.
    """
    rank = points.groupby(keys).cumcount().to_numpy(dtype=float)
    return (0.5 + rank * (5**0.5 - 1) / 2) % 1 - 0.5


def _boxes(
    points: pd.DataFrame, keys: list[str], axis: _Axis, half: float, *, whiskers: bool
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


def _triangles(beyond: pd.DataFrame, colour: str) -> list[object]:
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


def _beyond_caption(beyond: pd.DataFrame, absent: pd.DataFrame) -> str:
    """Say which observed differences are not at their place on the axis, and their values."""
    values = [f"{name} ({_number(x)})" for name, x in zip(beyond["name"], beyond["x"], strict=True)]
    parts = {"beyond the axis": values, "no observed difference": list(absent["name"])}
    sentences = [
        f"{what}: {', '.join(names[:NAMED])}"
        + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        for what, names in parts.items()
        if names
    ]
    return "\n".join("\n".join(textwrap.wrap(text, CAPTION)) for text in sentences)


def _legend(labels: list[str]) -> guides:
    """Return a legend of solid dots, in one column unless its labels fit beside each other."""
    ncol = 1 if sum(map(len, labels)) > 45 else None
    return guides(fill=guide_legend(ncol=ncol, override_aes={"alpha": 1, "size": 2}))


def _row_height(n: int) -> float:
    """Return the height of a row in mm, such that forty rows fit a page."""
    return max(4.5, min(7.0, 200 / n))


def _theme_rows(height: float, panels: int = 1) -> theme:
    """Return the theme of a figure whose vertical axis is a list of names."""
    return theme_winstan(height=height, width=WIDTH if panels < 3 else 1.5 * WIDTH) + theme(
        axis_line_y=element_blank(),
        axis_ticks_major_y=element_blank(),
        axis_text_y=element_text(ha="right", multialignment="right", linespacing=1.1),
    )


def _is_wide(values: pd.Series, lower: pd.Series) -> bool:
    """Whether positive data span enough decades for a logarithmic axis."""
    low, high = values.min(), values.max()
    return bool(low > 0 and lower.min() > 0 and np.log10(high / low) > LOG_FROM)
