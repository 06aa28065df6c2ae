"""The axis of a figure's values: what is in view, its ticks and their text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mizani.breaks import breaks_extended
from plotnine import scale_x_continuous, scale_x_log10, scale_y_continuous, scale_y_log10

from winstan.plots.turns import turn_breaks, turn_label
from winstan.plots.words import minus

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    type Floats = NDArray[np.float64]

GRID = 256
"""Points at which a density is drawn."""
LOG_FROM = 1.0
"""Decades between the 5th and the 95th percentile from which an axis may be logarithmic."""
REACH = 1.5
"""How far single values may stretch the view, in widths of the rest of it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of values, in a column ``x``: what is in view, and how its ticks read.

    That of angles, `turns`, has ticks at shares of a turn, named between -pi and pi.
    """

    low: float
    high: float
    log: bool
    turns: bool = False

    @classmethod
    def around(cls, core: ArrayLike, single: ArrayLike, *, log: bool, turns: bool = False) -> Axis:
        """View all of `core`, and those of the `single` values that do not squash it."""
        c = forward(core, log)
        low, high = c.min(), c.max()
        span = high - low or abs(high) or 1.0
        s = forward(single, log)
        near = s[(s >= low - REACH * span) & (s <= high + REACH * span)]
        low, high = min([low, *near]), max([high, *near])
        pad = 0.04 * ((high - low) or span)
        low, high = backward(np.array([low - pad, high + pad]), log).tolist()
        return cls(low, high, log, turns)

    def split(self, values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows whose x is in view, and the others, with their side and edge."""
        inside = values["x"].between(self.low, self.high)
        beyond = values[~inside & values["x"].notna()].copy()
        left = beyond["x"].to_numpy() < self.low
        low, high = self.ends()
        inset = 0.015 * (high - low)
        edge = backward(np.where(left, low + inset, high - inset), self.log)
        return values[inside], beyond.assign(left=left, edge=edge)

    def ends(self) -> tuple[float, float]:
        """Return the limits on the scale on which the axis is even."""
        low, high = forward([self.low, self.high], self.log).tolist()
        return low, high

    def grid(self) -> Floats:
        """Return the points at which to draw a density, in the data's units."""
        grid = backward(np.linspace(*self.ends(), GRID), self.log)
        return np.clip(grid, self.low, self.high)

    def breaks(self) -> Floats:
        """Return the values of the ticks."""
        if self.turns and (shares := turn_breaks(self.low, self.high)) is not None:
            return shares
        decades = np.log10(self.high / self.low) if self.log else 0.0
        if decades < 0.4:
            found = breaks_extended(n=6)((self.low, self.high))
        else:
            first, last = np.floor(np.log10(self.low)), np.ceil(np.log10(self.high))
            steps = next(
                steps
                for most, steps in (
                    (0.9, [1, 1.5, 2, 3, 5, 7]),
                    # Few enough for labels such as 30000 in a panel of half a figure's width.
                    (1.5, [1, 2, 5]),
                    (2.5, [1, 3]),
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
        if self.log or largest == 0 or 1e-3 <= largest < 1e5:
            return 0
        return 3 * int(np.floor(np.log10(largest) / 3))

    def labels(self, breaks: ArrayLike) -> list[str]:
        """Return the text of ticks at these values, with the fewest decimals that tell them."""
        values = np.asarray(breaks, dtype=float)
        if self.turns and turn_breaks(self.low, self.high) is not None:
            return [turn_label(v) for v in values]
        if self.log:
            plain = self.low >= 1e-4 and self.high < 1e5
            return [f"{v:.10g}" if plain else _power_label(v) for v in values]
        values = values / 10.0 ** self.exponent()
        step = np.diff(values).min() if values.size > 1 else abs(values).max() or 1.0
        decimals = next(
            (d for d in range(12) if np.allclose(values, values.round(d), rtol=0, atol=step / 1e3)),
            12,
        )
        return [minus(f"{v:.{decimals}f}") for v in values + 0.0]

    def title(self, text: str, unit: str | None) -> str:
        """Return the title with its unit and power of ten."""
        power = self.exponent()
        parts = [rf"$\times 10^{{{power}}}$"] if power else []
        parts += [unit] if unit else []
        return f"{text}, {' '.join(parts)}" if parts else text

    def scale(self, *, vertical: bool = False) -> scale_x_continuous | scale_y_continuous:
        """Return plotnine's scale for this axis."""
        if vertical:
            kind = scale_y_log10 if self.log else scale_y_continuous
        else:
            kind = scale_x_log10 if self.log else scale_x_continuous
        breaks = self.breaks()
        return kind(
            breaks=list(breaks),
            labels=self.labels(breaks),
            limits=(self.low, self.high),
            expand=(0, 0),
        )


def bulk(values: ArrayLike, share: float = 0.96) -> Floats:
    """Return the ends of the middle share of values, themselves among the values.

    Without interpolation: a single outlier of few values would pull an end far out.
    """
    tail = (1 - share) / 2
    x = np.asarray(values, dtype=float)
    low = np.quantile(x, tail, method="higher")
    return np.array([low, max(low, np.quantile(x, 1 - tail, method="lower"))])


def plain_labels(breaks: ArrayLike) -> list[str]:
    """Return the text of ticks of an axis that plotnine chose, such as one of several panels'."""
    values = np.asarray(breaks, dtype=float)
    known = values[np.isfinite(values)]
    if not known.size:
        return ["" for _ in values]
    axis = Axis(float(known.min()), float(known.max()), log=False)
    texts = [minus(f"{v:.3g}") for v in known] if axis.exponent() else axis.labels(known)
    shown = iter(texts)
    return [next(shown) if np.isfinite(v) else "" for v in values]


def logarithmic(values: ArrayLike) -> bool:
    """Tell whether data are better seen on a logarithmic axis.

    They are when all are positive, their 5th and 95th percentiles lie more than a decade apart, and
    these lie more evenly about the median on that axis (Bowley's skewness). No single value, be it
    the smallest, decides.
    """
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if x.size == 0 or x.min() <= 0:
        return False
    plain = np.quantile(x, [0.05, 0.5, 0.95])
    if plain[2] <= 10**LOG_FROM * plain[0]:
        return False
    skew, of_logs = (abs(a + c - 2 * b) / (c - a) for a, b, c in (plain, np.log(plain)))
    return bool(of_logs < skew)


def forward(values: ArrayLike, log: bool) -> Floats:
    """Return values as the axis spaces them."""
    values = np.asarray(values, dtype=float)
    return np.log10(values) if log else values


def backward(values: Floats, log: bool) -> Floats:
    """Undo `forward`."""
    return 10.0**values if log else values


def _power_label(value: float) -> str:
    power = int(np.floor(np.log10(value) + 1e-9))
    digits = f"{value / 10.0**power:.4g}"
    return rf"$10^{{{power}}}$" if digits == "1" else rf"${digits}\times10^{{{power}}}$"
