"""The mean response along a predictor, over the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    geom_line,
    geom_point,
    geom_ribbon,
    geom_segment,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_x_continuous,
)

from winstan._angles import mean_direction
from winstan.data.columns import how_many
from winstan.errors import DataError
from winstan.options import Interval, check_flags
from winstan.plots.axis import Axis, bulk, logarithmic
from winstan.plots.composing import Plot
from winstan.plots.layers import LINE_END, legend, opacity, spread, thin, upright_triangles
from winstan.plots.panels import caption_of
from winstan.plots.tables import as_text, require_columns, require_finite
from winstan.plots.theme import POSTERIOR, TREATMENTS, theme_winstan
from winstan.plots.turns import follow, move_ends, near
from winstan.plots.words import level_of, percent, wrap

FEW = 40
"""Values of a predictor up to which dots at one value are spread sideways."""
CURVES = len(TREATMENTS)
"""Curves that a figure has colours for."""


def plot_conditional(
    table: pd.DataFrame,
    data: pd.DataFrame | None = None,
    lines: pd.DataFrame | None = None,
    *,
    predictor: str,
    response: str,
    by: str | None = None,
    group: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    log: bool | None = None,
    caption: str = "",
    circular: bool = False,
) -> Plot:
    """Draw the posterior of the mean response along a predictor, over the raw data.

    Parameters
    ----------
    table
        Columns ``x`` (numbers, or labels in order), ``mean``, ``lower``, ``upper`` and, with `by`,
        ``by``: a curve for each of its values, six at most.
    data
        The raw rows: columns ``x``, ``value``, with `by` also ``by``. Of more than 400 rows (of a
        curve), 400 are drawn, evenly by rank.
    lines
        Curves of the groups, drawn thin: columns ``x``, ``mean``, ``group``.
    predictor, response, by, group
        Names, for the axes and the legend.
    prob, interval
        Of the band, for the label.
    unit
        Unit of the response.
    log
        Whether the axis of the response is logarithmic; by default it is when everything drawn is
        positive and the data span more than 1.5 decades.
    caption
        What else is to be told.
    circular
        Whether the response is an angle: curves are then followed across the cut between -pi and
        pi, and rows drawn near them.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column, has no row, or values that cannot be drawn.
    """
    check_flags(log=log)
    curves, raw, n_rows = _checked(table, data, by)
    if circular:
        curves, raw, lines = _unroll(curves, raw, lines)
        log = False
    names = list(dict.fromkeys(curves["by"]))
    values = raw["x"]
    if log is None:
        low = min(curves["lower"].min(), values.min()) if len(raw) else 0.0
        log = bool(low > 0 and logarithmic(values))
    require_finite("table", curves[["mean", "lower", "upper"]], positive=log)
    require_finite("data", values, positive=log)
    # Of two values, such as a treatment's 0 and 1, nothing lies between.
    numeric = pd.api.types.is_numeric_dtype(curves["at"].dtype) and curves["at"].nunique() > 2
    label = {name: level_of(by, _short(name)) if by else _label(prob, interval) for name in names}
    place = {} if numeric else _place_labels(curves, raw, names)
    for part in (curves, raw):
        part["what"] = part["by"].map(label)
    raw = raw.dropna(subset="at")  # values that are not in the table
    dots = _spread_dots(raw.astype({"at": float}), numeric, 0.7 / len(names))
    core = curves[["mean", "lower", "upper"]].to_numpy(float).ravel()
    if len(raw):
        core = np.concatenate([core, bulk(values)])
    axis = Axis.around(core, dots["x"], log=log, turns=circular)
    inside, beyond = axis.split(dots)
    with_lines = lines is not None and len(lines) > 0
    caption = caption_of(
        [
            ("band" if numeric else "line") + f": {percent(prob)} {interval.upper()} of the mean"
            if by
            else "",
            f"thin lines: mean of each {group}" if with_lines else "",
            f"{len(dots):,} of {n_rows:,} rows drawn" if len(dots) < n_rows else "",
            f"beyond the axis: {how_many(len(beyond), 'row')} (triangles)" if len(beyond) else "",
            caption,
        ]
    )
    colours = list(TREATMENTS) if by else [POSTERIOR]
    by_label = {label[name]: colour for name, colour in zip(names, colours, strict=False)}
    many = int(dots.groupby("what").size().max()) if len(dots) else 0
    return (
        Plot()
        + geom_point(
            aes("at", "x", fill="what"),
            inside if by else inside.assign(what="data"),
            shape="o",
            size=1.1,
            stroke=0,
            alpha=opacity(many),
            show_legend=False,
        )
        + (_line_layers(lines, axis) if lines is not None and with_lines else [])
        + _curve_layers(curves, numeric=numeric)
        + upright_triangles(beyond)
        + (
            Axis.around(curves["at"], dots["at"], log=False).scale()
            if numeric
            else scale_x_continuous(
                breaks=list(place.values()),
                labels=[wrap(name) for name in place],
                limits=(-0.55, len(place) - 0.45),
                expand=(0, 0),
            )
        )
        + scale_fill_manual(values=by_label | {"data": "#666666"}, breaks=list(by_label))
        + scale_color_manual(values=by_label, breaks=list(by_label))
        + legend(list(by_label))
        + axis.scale(vertical=True)
        + labs(x=predictor, y=axis.title(response, unit), fill="", color="", caption=caption)
        + theme_winstan(width=90, height=72 + 3 * len(caption.splitlines()))
    )


def _checked(
    table: pd.DataFrame, data: pd.DataFrame | None, by: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return curves (columns at, mean, lower, upper, by), rows (at, x, by), and the rows given."""
    keys = ["by"] if by else []
    require_columns(table, "table", ["x", "mean", "lower", "upper", *keys])
    raw = pd.DataFrame(columns=["x", "value", *keys]) if data is None else data
    require_columns(raw, "data", ["x", "value", *keys], empty=True)
    curves = table.rename(columns={"x": "at"}).reset_index(drop=True)
    raw = raw.rename(columns={"x": "at", "value": "x"}).dropna(subset=["at", "x"])
    raw = raw.reset_index(drop=True).astype({"x": float})
    n_rows = len(raw)
    if not by:
        return curves.assign(by="all"), raw.assign(by="all"), n_rows
    curves["by"], raw["by"] = _labels(curves["by"]), _labels(raw["by"])
    n = curves["by"].nunique()
    if n > CURVES:
        raise DataError(f"table has {n} curves; a figure has colours for {CURVES}.")
    # Rows of levels that have no curve are left out; the caption counts them.
    return curves, raw[raw["by"].isin(set(curves["by"]))].reset_index(drop=True), n_rows


def _unroll(
    curves: pd.DataFrame, raw: pd.DataFrame, lines: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Move angles by whole turns: curves from the middle of all, rows and lines near to them."""
    center = float(mean_direction(curves["mean"].to_numpy(dtype=float)))
    numeric = pd.api.types.is_numeric_dtype(curves["at"].dtype)
    parts, rows = [], raw.copy()
    for name, given in curves.groupby("by", sort=False):
        curve = given
        if numeric and len(given) > 2:
            curve = given.sort_values("at", kind="stable")
            to = follow(curve["mean"], center)
        else:
            to = near(curve["mean"], center)
        parts.append(move_ends(curve, to))
        own = (raw["by"] == name).to_numpy()
        rows.loc[own, "x"] = near(raw.loc[own, "x"], _along(parts[-1], raw.loc[own, "at"]))
    whole = pd.concat(parts).loc[curves.index]
    if lines is not None and len(lines):
        lines = pd.concat(
            part.assign(mean=follow(part["mean"], float(_along(parts[0], part["x"])[0])))
            for _, part in lines.sort_values("x").groupby("group", sort=False)
        )
    return whole, rows, lines


def _along(curve: pd.DataFrame, at: pd.Series) -> np.ndarray:
    """Return a curve's mean at some places, or that of all of it."""
    middle = float(curve["mean"].mean())
    if pd.api.types.is_numeric_dtype(curve["at"].dtype):
        places = curve["at"].to_numpy(float), curve["mean"].to_numpy(float)
        return np.interp(pd.to_numeric(at, errors="coerce").to_numpy(float), *places)
    known = dict(zip(_labels(curve["at"]), curve["mean"], strict=True))
    return np.array([known.get(label, middle) for label in _labels(at)], dtype=float)


def _place_labels(curves: pd.DataFrame, raw: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Put labels on the axis, the curves' lanes side by side; return where each label is."""
    labels = _labels(curves["at"])
    place = {name: float(i) for i, name in enumerate(dict.fromkeys(labels))}
    width = 0.7 / len(names)
    lane = {name: width * (i - (len(names) - 1) / 2) for i, name in enumerate(names)}
    for part in (curves, raw):
        shift = part["by"].map(lane).astype(float)
        part["at"] = _labels(part["at"]).map(place).astype(float) + shift
    return place


def _spread_dots(raw: pd.DataFrame, numeric: bool, width: float) -> pd.DataFrame:
    """Return the rows to draw; where the predictor has few values, side by side at each."""
    dots = thin(raw, ["what"] if numeric else ["what", "at"])
    places = np.unique(dots["at"])
    if 1 < len(places) <= FEW:
        gap = float(np.diff(places).min()) if numeric else width
        dots["at"] += (0.25 if numeric else 0.8) * gap * spread(dots, ["at"])
    return dots


def _line_layers(lines: pd.DataFrame, axis: Axis) -> list[object]:
    """Return a thin line for each group, cut at the ends of the axis."""
    require_columns(lines, "lines", ["x", "mean", "group"])
    thin = lines.assign(mean=lines["mean"].clip(axis.low, axis.high))
    faint = float(np.clip((12 / thin["group"].nunique()) ** 0.5, 0.15, 0.6))
    return [
        geom_line(aes("x", "mean", group="group"), thin, size=0.35, color="#444444", alpha=faint)
    ]


def _curve_layers(curves: pd.DataFrame, *, numeric: bool) -> list[object]:
    """Return bands and lines, or intervals and dots where there is nothing between the values."""
    if numeric:
        return [
            geom_ribbon(aes("at", ymin="lower", ymax="upper", fill="what"), curves, alpha=0.35),
            geom_line(aes("at", "mean", color="what"), curves, size=0.9),
        ]
    return [
        geom_segment(aes("at", "lower", xend="at", yend="upper"), curves, size=1.1, **LINE_END),
        geom_point(
            aes("at", "mean", fill="what"), curves, shape="o", size=1.9, stroke=0.4, color="black"
        ),
    ]


def _labels(values: pd.Series) -> pd.Series:
    """Return values as text, whole numbers without decimals."""
    if pd.api.types.is_float_dtype(values.dtype):
        return pd.Series([f"{v:.10g}" for v in values], index=values.index, dtype="str")
    return as_text(values)


def _short(name: str) -> str:
    """Return a label; of a long number four digits."""
    try:
        return f"{float(name):.4g}" if len(name) > 6 else name
    except ValueError:
        return name


def _label(prob: float, interval: Interval) -> str:
    return f"posterior mean, {percent(prob)} {interval.upper()}"
