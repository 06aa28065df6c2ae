"""Where each answer of `plot_side_by_side` stands: its words, its interval and its density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from plotnine import aes, geom_label

from winstan.plots.tables import as_text, in_order
from winstan.plots.words import contrast_text

if TYPE_CHECKING:
    from winstan.plots.axis import Axis

LINE = 3.3
"""Height of a line of a label, in mm."""
GAP = 3.5
"""Height between two labels, in mm."""
DENSITY = 8.0
"""Height of a density below its words, in mm."""
INTERVAL = 1.5
"""Height of an interval below its words, in mm."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Answers, placed downwards in mm from 0.

    Attributes
    ----------
    rows
        With the columns ``words`` (height of the label: its middle, or its top where the labels
        stand above), and ``y`` (of the interval).
    density
        Height of the densities.
    bottom
        Where the last row ends.
    headings
        Where there are several contrasts: the height and text of each one's heading.
    above
        Whether labels stand above their intervals, or at the left of them.
    """

    rows: pd.DataFrame
    density: float
    bottom: float
    headings: list[tuple[float, str]]
    above: bool

    def ticks(self) -> list[tuple[float, str]]:
        """Return height and text of what stands at the left of the axis."""
        if self.above:
            return []
        return [*zip(self.rows["words"], as_text(self.rows["label"]), strict=True), *self.headings]

    def labels(self, axis: Axis) -> list[geom_label]:
        """Return the layers of what stands above the intervals."""
        if not self.above:
            return []
        texts = {
            "normal": self.rows.rename(columns={"words": "at"})[["at", "label"]],
            "bold": pd.DataFrame(self.headings, columns=["at", "label"]),
        }
        return [
            geom_label(
                aes("x", "at", label="label"),
                table.assign(x=axis.low),
                size=7,
                ha="left",
                va="top",
                fontweight=weight,
                lineheight=1.15,
                label_size=0,
                label_padding=0.05,
                fill="white",
            )
            for weight, table in texts.items()
            if len(table)
        ]


def place_rows(rows: pd.DataFrame, *, above: bool) -> Placed:
    """Place each row; where there are several contrasts, under a heading."""
    rows = rows.reset_index(drop=True)
    rows["contrast"] = in_order(rows["contrast"])
    sampled = rows["kind"] == "posterior"
    text = LINE * (as_text(rows["label"]).str.count("\n") + 1)
    height = text + GAP
    if above:
        height += sampled.map({True: DENSITY, False: INTERVAL})
    several = len(rows["contrast"].cat.categories) > 1
    at, tops, headings = 0.0, {}, []
    for contrast, part in rows.groupby("contrast", observed=True):
        if several:
            offset = 0.5 if above else LINE / 2 + 0.5
            headings.append((at - offset, f"{contrast_text(str(contrast), None)}:"))
            at -= LINE + 1
        for i in part.index:
            tops[i] = at
            at -= height[i]
        at -= 2.0 * several
    top = pd.Series(tops)
    if above:
        words = top - 0.1 * GAP
        y = top - height + 0.8 * GAP
        density = DENSITY
    else:
        words = top - height / 2
        # Densities have the upper two thirds of their row: the line of the interval is below.
        y = words - sampled * height * 0.28
        density = 0.72 * float(height[sampled].min()) if sampled.any() else 0.0
    return Placed(rows.assign(words=words, y=y), density, at, headings, above)
