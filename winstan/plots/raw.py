"""The data as they are: a response by treatment and group, before any fit."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    facet_wrap,
    geom_path,
    geom_point,
    geom_rect,
    geom_segment,
    labs,
    scale_x_continuous,
    theme,
)

from winstan._angles import mean_direction
from winstan.data.columns import how_many, plain_column, some_rows
from winstan.data.tables import column_names, missing_mask, open_table, take_columns
from winstan.errors import DataError, OptionError, near_matches
from winstan.options import check_flags
from winstan.plots.axis import Axis, bulk, logarithmic
from winstan.plots.composing import Plot
from winstan.plots.layers import opacity, spread, thin, upright_triangles
from winstan.plots.panels import as_panels, caption_of
from winstan.plots.tables import require_finite
from winstan.plots.theme import FULL, POSTERIOR, TREATMENTS, theme_winstan
from winstan.plots.turns import near
from winstan.plots.words import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    import narwhals as nw
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]

BOX_FROM = 5
"""Rows from which a treatment has a box."""
PANELS = 24
"""Panels that a figure holds."""
VALUES = 40
"""Values of a treatment that a figure holds."""
HALF = 0.3
"""Half the width of a treatment's lane, as a share of the distance to the next."""


def plot_data(
    data: Any,
    response: str,
    treatment: str,
    group: str | None = None,
    *,
    facet: str | None = None,
    unit: str | None = None,
    log: bool | None = None,
    circular: bool = False,
) -> Plot:
    """Draw the raw data by treatment, and each group's means, joined by a line.

    Each row is a dot; behind, a box of the quartiles, the median, and a line from the 5th to the
    95th percentile of a treatment's rows. Where a treatment has more than 400 rows, 400 of them
    are drawn, evenly by rank, so that the largest and the smallest are always there; the box is of
    all. Nothing is fitted, and the data are not changed.

    Parameters
    ----------
    data
        A data frame of any library that narwhals reads, or a mapping from names to columns.
    response
        Name of a numeric column.
    treatment
        Name of a column. Up to six values have a colour each and stand side by side, in their
        order; more numeric values (days, doses) stand where they are on the axis.
    group
        Name of a column, such as the animal: the mean of each group at each value of the treatment
        is a circle, and a line joins the circles of a group.
    facet
        Name of a column to draw a panel for each value of; may be the group.
    unit
        Unit of the response, such as ``"Hz"``, for the axis.
    log
        Whether the axis of the response is logarithmic; by default it is when all values are
        positive, their 5th to 95th percentiles span more than a decade, and they are less skewed
        there. The caption then says so.
    circular
        Whether the response is an angle, in radians: means are then mean directions, and the axis
        is cut opposite to the data.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a column is unknown, the response is not numeric, infinite or (with ``log=True``) not
        positive, or no row is complete.
    OptionError
        If an argument is no column's name, or the treatment has more values than a figure holds.

    Examples
    --------
    >>> import winstan as ws
    >>> figure = ws.plot_data(ws.simulate_lfp(seed=1), "Power", "stim", "mouse")
    """
    check_flags(log=log, circular=circular)
    rows, missing = _rows(data, response, treatment, group, facet)
    place, ticks, gap = _places(rows["treatment"], treatment)
    rows["place"] = rows["treatment"].map(place).astype(float)
    colours = _colours(list(place))
    rows["colour"] = rows["treatment"].map(colours).astype(str)
    panels = rows["facet"].cat.categories
    drawn_panels, left_out = panels[:PANELS], panels[PANELS:]
    rows = rows[rows["facet"].isin(drawn_panels)].copy()
    rows["panel"] = as_panels(rows["facet"].astype(str), [str(p) for p in drawn_panels])
    if circular:
        rows, log = _unroll(rows), False
    x = rows["x"]
    log = logarithmic(x) if log is None else log
    require_finite(f"Column {response!r}", x, positive=log)

    cell = ["panel", "place"]
    binary = x.nunique() <= 2
    box = _boxes(rows, cell) if not binary else pd.DataFrame()
    dots = thin(rows, cell)
    middle: Any = _mean_near if circular else "mean"
    means = _means(rows, [*cell, "colour", "group"], middle) if group else rows.iloc[:0]
    # Where each row is a group's only one, its circle is the row.
    rows_are_means = bool(group) and len(means) == len(rows)
    core = np.concatenate([bulk(part) for _, part in rows.groupby(cell, observed=True)["x"]])
    axis = Axis.around(core, np.concatenate([dots["x"], means["x"]]), log=log, turns=circular)

    half = HALF * gap
    dots["at"] = dots["place"] + 1.6 * half * spread(dots, cell)
    many = dots.groupby(cell, observed=True).size().max()
    plot = Plot()
    plot += _box_layers(box, axis, half) if len(box) else []
    beyond = far = pd.DataFrame()
    if not rows_are_means:
        inside, beyond = axis.split(dots)
        style = {"shape": "o", "stroke": 0, "size": 1.3 if many <= 100 else 1.0}
        plot += [
            geom_point(aes("at", "x"), part, fill=colour, alpha=opacity(many), **style)
            for colour, part in inside.groupby("colour", sort=False)
        ]
        plot += upright_triangles(beyond)
    if group:
        plot += _mean_layers(means, axis, half, rows["group"].nunique())
        far = axis.split(means.assign(at=means["place"]))[1]
        plot += upright_triangles(far)

    caption = caption_of(
        [
            _legend_text(group, boxes=bool(len(box)), only_means=rows_are_means),
            "log axis" if log else "",
            f"{how_many(len(dots), 'dot')} of {how_many(len(rows), 'row')}"
            if len(dots) < len(rows)
            else "",
            _beyond_text(len(beyond), len(far)),
            f"left out: {how_many(missing, 'row')} with missing values" if missing else "",
            f"{len(left_out)} more of {facet} not drawn: give a part of the data"
            if len(left_out)
            else "",
        ]
    )
    n = len(drawn_panels)
    ncol = n if n <= 4 else 4 if n <= 8 else 5 if n <= 15 else 6
    if facet:
        plot += facet_wrap("panel", ncol=ncol)
    low, high = min(place.values()), max(place.values())
    return (
        plot
        + axis.scale(vertical=True)
        + scale_x_continuous(
            breaks=[at for at, _ in ticks],
            labels=[wrap(text) for _, text in ticks],
            limits=(low - 0.55 * gap, high + 0.55 * gap),
            expand=(0, 0),
        )
        + labs(x=treatment, y=axis.title(response, unit), caption=caption)
        + _theme(n, ncol, len(place), caption, facet)
    )


def _rows(
    data: Any, response: str, treatment: str, group: str | None, facet: str | None
) -> tuple[pd.DataFrame, int]:
    """Return the complete rows (columns x, treatment, group, facet), and how many others."""
    named = {"response": response, "treatment": treatment, "group": group, "facet": facet}
    for option, name in named.items():
        optional = option in ("group", "facet")
        if not isinstance(name, str) and not (optional and name is None):
            raise OptionError(f"{option}= takes the name of a column, not {name!r}.")
        if option != "response" and name == response:
            raise OptionError(f"{option}={name!r} is the response itself.")
    names = list(dict.fromkeys(name for name in named.values() if name is not None))
    table = _table(data, names)
    bad = np.zeros(len(table), dtype=bool)
    for name in names:
        bad |= missing_mask(table[name])
    if bad.all():
        raise DataError(
            f"The data have no row without missing values in {', '.join(map(repr, names))}."
        )
    kept = np.flatnonzero(~bad)
    table = table[kept]
    columns = {name: plain_column(table[name], name)[0] for name in names}
    x = _response(columns[response], response, kept)
    out = pd.DataFrame({"x": x})
    for option in ("treatment", "group", "facet"):
        name = named[option]
        values = np.zeros(len(x), int) if name is None else columns[name]
        out[option] = values if isinstance(values, pd.Categorical) else pd.Categorical(values)
    return out, int(bad.sum())


def _table(data: Any, names: list[str]) -> nw.DataFrame[Any]:
    """Take columns out of a data frame of any library."""
    opened = open_table(data)
    known = column_names(opened)
    for name in names:
        if name not in known:
            raise DataError(f"The data have no column {name!r}." + near_matches(name, known))
    table = take_columns(opened, names)
    if len(table) == 0:
        raise DataError("The data frame is empty: it has no rows.")
    return table


def _response(values: np.ndarray | pd.Categorical, name: str, kept: np.ndarray) -> Floats:
    """Return the response as numbers, all of them finite."""
    if isinstance(values, pd.Categorical):
        raise DataError(
            f"Column {name!r} is not numeric: it holds {values.categories[0]!r}, for one. Give the "
            "response first, then the treatment. Categories have shares and no place on an axis: "
            f"pd.crosstab(data['treatment'], data[{name!r}]) counts them, and those with an order "
            f"can be drawn by their codes, data[{name!r}].cat.codes."
        )
    x = np.asarray(values, dtype=np.float64)
    if len(rows := kept[~np.isfinite(x)]):
        raise DataError(
            f"Column {name!r} has {how_many(len(rows), 'infinite value')}, in {some_rows(rows)}. "
            "Replace them, or mark them as missing to leave their rows out."
        )
    return x


def _places(
    treatment: pd.Series, name: str
) -> tuple[dict[Any, float], list[tuple[float, str]], float]:
    """Return where each value of the treatment stands, the ticks, and the least distance."""
    values = treatment.cat.categories
    if len(values) > VALUES:
        raise OptionError(
            f"treatment={name!r} has {len(values):,} values: a figure holds {VALUES}. Cut it into "
            f"classes with pd.cut(data[{name!r}], 8), or give another column."
        )
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and len(values) > len(TREATMENTS)
    if not numeric:
        place = {value: float(i) for i, value in enumerate(values)}
        return place, [(at, _text(value)) for value, at in place.items()], 1.0
    place = {value: float(value) for value in values}
    span = Axis(min(place.values()), max(place.values()), log=False)
    breaks = span.breaks()
    ticks = list(zip(breaks.tolist(), span.labels(breaks), strict=True))
    return place, ticks, float(np.diff(sorted(place.values())).min())


def _text(value: Any) -> str:
    """Return a value as a tick's label: 1 for 1.0."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _colours(values: list[Any]) -> dict[Any, str]:
    if len(values) > len(TREATMENTS):
        return dict.fromkeys(values, POSTERIOR)
    return dict(zip(values, cycle(TREATMENTS), strict=False))


def _boxes(rows: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Return quartiles, and 5th and 95th percentile, of the cells that have rows enough."""
    cells = rows.groupby(cell, observed=True)
    quantiles = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
    box = pd.DataFrame({name: cells["x"].quantile(q) for name, q in quantiles.items()})
    box["colour"] = cells["colour"].first()
    return box[cells.size() >= BOX_FROM].reset_index()


def _means(
    rows: pd.DataFrame, keys: list[str], middle: str | Callable[[pd.Series], float]
) -> pd.DataFrame:
    return rows.groupby(keys, observed=True)["x"].agg(middle).reset_index()


def _mean_near(angles: pd.Series) -> float:
    """Return the mean direction of angles that have been moved near to each other."""
    values = angles.to_numpy(float)
    return float(near(mean_direction(values), values.mean()))


def _unroll(rows: pd.DataFrame) -> pd.DataFrame:
    """Move angles by whole turns: near to the direction of their treatment, and these together."""
    center = mean_direction(rows["x"].to_numpy(float))
    cells = rows.groupby(["panel", "place"], observed=True)["x"]
    of_cell = cells.transform(lambda x: near(mean_direction(x.to_numpy(float)), center))
    return rows.assign(x=near(rows["x"], of_cell))


def _box_layers(box: pd.DataFrame, axis: Axis, half: float) -> list[object]:
    """Return boxes that stand upright, cut at the ends of the axis."""
    names = ["q05", "q25", "q50", "q75", "q95"]
    shown = box.assign(left=box["place"] - half, right=box["place"] + half)
    shown[names] = shown[names].clip(axis.low, axis.high)
    layers: list[object] = []
    for colour, part in shown.groupby("colour", sort=False):
        layers += [
            geom_segment(
                aes("place", "q05", xend="place", yend="q95"), part, color=colour, size=0.4
            ),
            geom_rect(
                aes(xmin="left", xmax="right", ymin="q25", ymax="q75"),
                part,
                fill=colour,
                alpha=0.25,
                color="none",
            ),
            geom_segment(
                aes("left", "q50", xend="right", yend="q50"), part, color=colour, size=0.9
            ),
        ]
    return layers


def _mean_layers(means: pd.DataFrame, axis: Axis, half: float, groups: int) -> list[object]:
    """Return the circles of the groups' means, and the lines that join those of a group."""
    joined = means.assign(shown=means["x"].clip(axis.low, axis.high))
    several = joined.groupby(["panel", "group"], observed=True)["place"].transform("size") > 1
    joined["at"] = joined["place"].where(
        several, joined["place"] + 1.2 * half * spread(joined, ["panel", "place"])
    )
    joined["line"] = joined["panel"].astype(str) + "\0" + joined["group"].astype(str)
    faint = float(np.clip((8 / groups) ** 0.5, 0.15, 0.9))
    inside = joined[joined["x"].between(axis.low, axis.high)]
    layers: list[object] = []
    if several.any():
        layers.append(
            geom_path(
                aes("at", "shown", group="line"),
                joined[several].sort_values(["line", "place"]),
                color="#333333",
                size=0.5 if groups <= 8 else 0.35,
                alpha=faint,
            )
        )
    layers += [
        geom_point(
            aes("at", "x"),
            part,
            shape="o",
            size=2.0 if groups <= 8 else 1.4,
            stroke=0.35 if groups <= 8 else 0.2,
            color="#222222",
            fill=colour,
            alpha=max(faint, 0.4),
        )
        for colour, part in inside.groupby("colour", sort=False)
    ]
    return layers


def _legend_text(group: str | None, *, boxes: bool, only_means: bool) -> str:
    """Say what the marks are."""
    parts = []
    if group:
        parts.append(f"circles: {'' if only_means else 'means of '}each {group}")
    if boxes:
        parts.append("boxes: quartiles of the rows, with 5th to 95th percentile")
    return "; ".join(parts)


def _beyond_text(rows: int, means: int) -> str:
    """Say how many marks are not at their place."""
    parts = [how_many(n, what) for n, what in ((rows, "row"), (means, "mean")) if n]
    return f"beyond the axis: {' and '.join(parts)} (triangles)" if parts else ""


def _theme(n: int, ncol: int, values: int, caption: str, facet: str | None) -> theme:
    rows = int(np.ceil(n / ncol))
    width = 90.0 if n <= 2 else 120.0 if n <= 3 and values <= len(TREATMENTS) else FULL
    height = (70.0 if n <= 2 else 16 + 42.0 * rows) + 3 * len(caption.splitlines())
    style = theme_winstan(width=width, height=height)
    if facet:
        style += theme(
            panel_spacing_x=0.02,
            panel_spacing_y=0.03,
            strip_text=element_text(size=7, weight="normal"),
        )
    return style
