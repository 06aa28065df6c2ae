"""Angles on an axis: cut where nothing is, and with ticks at shares of a turn."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from winstan._angles import TURN, mean_direction, wrap_angles
from winstan.plots.words import minus

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    type Floats = NDArray[np.float64]

STEPS = (1 / 2, 1 / 4, 1 / 8)
"""Distances of ticks, in half turns, from the largest."""
FINE = 512
"""Bins of a turn that a density is smoothed on."""


def near(values: ArrayLike, center: ArrayLike) -> Floats:
    """Return angles by whole turns as near to a centre as they can be."""
    center = np.asarray(center, dtype=float)
    return np.asarray(center + wrap_angles(np.asarray(values, dtype=float) - center))


def move_ends(
    rows: pd.DataFrame, to: ArrayLike, ends: Sequence[str] = ("lower", "upper")
) -> pd.DataFrame:
    """Move means by whole turns to where they are to be, and the intervals' ends with them."""
    shift = np.asarray(to, dtype=float) - rows["mean"].to_numpy(dtype=float)
    moved = {name: rows[name].to_numpy(dtype=float) + shift for name in (*ends, "mean")}
    return rows.assign(**moved)


def move_together(rows: pd.DataFrame, ends: Sequence[str] = ("lower", "upper")) -> pd.DataFrame:
    """Move means, and the intervals' ends with them, near to the direction of all means."""
    to = near(rows["mean"], mean_direction(rows["mean"].to_numpy(dtype=float)))
    return move_ends(rows, to, ends)


def follow(angles: ArrayLike, start: float) -> Floats:
    """Return angles in their order, each near the one before it, the first near `start`."""
    steps = np.unwrap(np.asarray(angles, dtype=float))
    return np.asarray(steps + (near(steps[0], start) - steps[0]))


def turn_breaks(low: float, high: float) -> Floats | None:
    """Return shares of a turn for ticks; None where the axis is too short for any."""
    for step in STEPS:
        first, last = np.ceil(low / np.pi / step), np.floor(high / np.pi / step)
        if last - first >= 2:
            return np.asarray(np.arange(first, last + 1) * step * np.pi)
    return None


def turn_label(angle: float) -> str:
    """Write a share of a turn, between -pi and pi: ``3π/4``."""
    share = Fraction(float(wrap_angles(angle)) / np.pi).limit_denominator(16)
    if share == 0:
        return "0"
    if abs(share) == 1:
        return "±π"
    top = "π" if abs(share.numerator) == 1 else f"{abs(share.numerator)}π"
    return (
        minus("-" * (share < 0)) + top + (f"/{share.denominator}" if share.denominator > 1 else "")
    )


def turn_density(values: Floats, grid: Floats) -> Floats:
    """Return a kernel density of angles at a grid, as smooth at the cut as anywhere."""
    counts, edges = np.histogram(wrap_angles(values), FINE, (-np.pi, np.pi))
    shares = np.fft.rfft(counts / values.size)
    length = min(abs(np.mean(np.exp(1j * values))), 1 - 1e-12)
    # The normal reference's width, by the circular sd; that of all directions is no wider than
    # where it flattens a density.
    width = 1.06 * min(np.sqrt(-2 * np.log(max(length, 1e-6))), 1.0) * values.size**-0.2
    kernel = np.exp(-0.5 * (width * np.arange(shares.size)) ** 2)
    smooth = np.fft.irfft(shares * kernel, FINE) * FINE / TURN
    middle = edges[:-1] + np.pi / FINE
    return np.asarray(np.interp(grid, middle, smooth, period=TURN))
