"""What the families of ``stan/reaction_times.stan`` share: a tally, and the normal tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import special

from winstan.families.cellwise import of_rows, tally_by_cell
from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.family import Statistics
    from winstan.families.links import Link
    from winstan.families.sample import Sample

ROOT_HALF = float(np.sqrt(0.5))
_CODES = {"exgaussian": 1, "shifted_lognormal": 2, "skew_normal": 3}


def reaction_statistics(
    family: Literal["exgaussian", "shifted_lognormal", "skew_normal"],
    sample: Sample,
    cell: np.ndarray,
    least: float = 0.0,
) -> dict[str, Any]:
    """Return a tally of the distinct (cell, value) pairs: there are no sufficient statistics."""
    return {
        **tally_by_cell(sample, cell),
        "reaction": _CODES[family],
        "least": least,
        "log_constant": sample.log_jacobian,
    }


def residual_rows(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[np.ndarray, Array, dict[str, Any]]:
    """Cell, residual and parameters beside the mean of each pair of cell and value."""
    cell = stats["cell"] - 1
    own = {name: of_rows(value, cell) for name, value in aux.items()}
    return cell, stats["value"] - link.inverse(eta)[cell], own


def by_cell(stats: Statistics, values: Array, n_cells: int) -> Array:
    """Sum values of the pairs over each cell, by their tally."""
    return sum_by(stats["cell"] - 1, stats["tally"] * values, n_cells)


def rows_by_cell(stats: Statistics, n_cells: int) -> Array:
    """Count the rows of each cell."""
    return sum_by(stats["cell"] - 1, stats["tally"], n_cells)


def inverse_mills(x: Array) -> Array:
    """Return the derivative of log Phi, phi(x) / Phi(x), with all its digits in both tails."""
    low = np.sqrt(2 / np.pi) / special.erfcx(-ROOT_HALF * np.minimum(x, 0.0))
    above = np.maximum(x, 0.0)
    high = np.exp(-0.5 * np.square(above)) / (np.sqrt(2 * np.pi) * special.ndtr(above))
    return np.where(x < 0, low, high)
