"""Densities of draws, and their outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.plots.axis import forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from winstan.plots.axis import Axis

    type Floats = NDArray[np.float64]


def density_outlines(
    rows: pd.DataFrame, values: list[Floats], axis: Axis, height: float
) -> pd.DataFrame:
    """Return the outline of every density in view, each scaled to the same height."""
    x = axis.grid()
    parts = []
    for (_, row), value in zip(rows.iterrows(), values, strict=True):
        density = kernel_density(forward(value, axis.log), forward(x, axis.log))
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


def kernel_density(values: Floats, grid: Floats) -> Floats:
    """Return a Gaussian kernel density at an even grid.

    The bandwidth is the normal reference's, from the smaller of two measures of spread, so that a
    long tail does not flatten the middle. The values are binned on a finer grid, then smoothed.
    """
    spread = min(
        s for s in (values.std(), np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.349) if s >= 0
    )
    step = (grid[1] - grid[0]) / 4
    width = max(1.06 * (spread or values.std()) * values.size**-0.2, 2 * step)
    # Wider than this, the density is flat as far as can be seen; and the kernel would be endless.
    width = min(width, (grid[-1] - grid[0]) / 4)
    margin = int(np.ceil(4 * width / step))
    edges = grid[0] + step * (np.arange(-margin, 4 * (grid.size - 1) + margin + 2) - 0.5)
    counts, _ = np.histogram(values, edges)
    kernel = np.exp(-0.5 * (step * np.arange(-margin, margin + 1) / width) ** 2)
    kernel /= kernel.sum() * values.size * step
    return np.convolve(counts, kernel, mode="valid")[::4]
