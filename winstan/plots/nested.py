"""Intervals of several probabilities, one inside the other, and simultaneous ones around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from plotnine import aes, geom_segment

from winstan.errors import DataError
from winstan.plots.layers import LINE_END
from winstan.plots.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

THIN, THICK = 0.5, 1.7
"""Width of the line of the widest interval, and of the narrowest of several."""
ALONE = 1.1
"""Width of the line of a single interval."""
SIMULTANEOUS = "sim"
"""What the names of the ends of simultaneous intervals begin with."""
OUTER = "#888888"
"""Colour of simultaneous intervals."""

_END = re.compile(r"(hdi|eti|sim)_([\d.]+(?:e-?\d+)?)%")


@dataclass(frozen=True, slots=True)
class Ends:
    """The two columns of an interval in a table.

    Attributes
    ----------
    kind : str
        ``hdi``, ``eti``, or ``sim`` of simultaneous ones.
    prob : float
    lower, upper : str
    """

    kind: str
    prob: float
    lower: str
    upper: str


def intervals_of(table: pd.DataFrame) -> tuple[list[Ends], list[Ends]]:
    """Return a table's intervals, and its simultaneous ones, the widest first.

    Raises
    ------
    DataError
        If it has none.
    """
    known = {str(c): match for c in table.columns if (match := _END.fullmatch(str(c)))}
    found: dict[str, list[str]] = {}
    for name, match in known.items():
        found.setdefault(match[1], []).append(name)
    out = []
    for kind, names in found.items():
        for lower, upper in zip(names[::2], names[1::2], strict=True):
            prob = (float(known[upper][2]) - float(known[lower][2])) / 100
            out.append(Ends(kind, round(prob, 12), lower, upper))
    out.sort(key=lambda ends: -ends.prob)
    own = [ends for ends in out if ends.kind != SIMULTANEOUS]
    if not own:
        raise DataError("table has no interval, such as the columns hdi_3% and hdi_97%.")
    return own, [ends for ends in out if ends.kind == SIMULTANEOUS]


def ends_columns(table: pd.DataFrame) -> list[str]:
    """Return the names of all ends of intervals."""
    own, outer = intervals_of(table)
    return [name for ends in (*own, *outer) for name in (ends.lower, ends.upper)]


def interval_words(table: pd.DataFrame) -> list[str]:
    """Say what the lines of a figure are: ``lines: 94% and 50% HDI``."""
    own, outer = intervals_of(table)
    *some, last = [percent(ends.prob) for ends in own]
    probs = f"{', '.join(some)} and {last}" if some else last
    out = [f"dot: mean; line{'s' if len(own) > 1 else ''}: {probs} {own[0].kind.upper()}"]
    if outer:
        out.append(f"grey ends: {percent(outer[0].prob)} intervals that hold all at once")
    return out


def interval_layers(
    rows: pd.DataFrame, at: str, *, cap: float, upright: bool, colour: str | None = None
) -> list[object]:
    """Return the layers of nested intervals: the widest line is thin, the narrowest thick.

    Parameters
    ----------
    rows
        A row for each estimate, with the columns of its intervals.
    at
        The column of each row's place on the other axis.
    cap
        Half the length of the ends of simultaneous intervals, on that axis.
    upright
        Whether intervals stand upright.
    colour
        A column that colours them; else they are black.
    """
    own, outer = intervals_of(rows)
    layers: list[object] = []
    for ends in outer[:1]:
        layers.append(_segment(rows, at, ends.lower, ends.upper, upright, 0.35, OUTER))
        for end in (ends.lower, ends.upper):
            edges = rows.assign(cap_from=rows[at] - cap, cap_to=rows[at] + cap)
            along = (
                ("cap_from", end, "cap_to", end) if upright else (end, "cap_from", end, "cap_to")
            )
            x, y, xend, yend = along
            layers.append(
                geom_segment(aes(x, y, xend=xend, yend=yend), edges, size=0.6, color=OUTER)
            )
    widths = _widths(len(own))
    for ends, width in zip(own, widths, strict=True):
        layers.append(_segment(rows, at, ends.lower, ends.upper, upright, width, None, colour))
    return layers


def _widths(n: int) -> Sequence[float]:
    return [ALONE] if n == 1 else np.linspace(THIN, THICK, n).tolist()


def _segment(
    rows: pd.DataFrame,
    at: str,
    lower: str,
    upper: str,
    upright: bool,
    width: float,
    fixed: str | None = None,
    colour: str | None = None,
) -> geom_segment:
    places = dict(zip(("x", "y", "xend", "yend"), (at, lower, at, upper), strict=True))
    if not upright:
        places = {"x": lower, "y": at, "xend": upper, "yend": at}
    look: dict[str, Any] = {"size": width, **LINE_END, "show_legend": False}
    if fixed is not None:
        look["color"] = fixed
    elif colour is not None:
        places["color"] = colour
    return geom_segment(aes(**places), rows, **look)
