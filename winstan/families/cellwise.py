"""What the families' sums over cells have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.sample import Sample


def log_factorial(values: Array) -> Array:
    """Return log(y!), shape of `values`."""
    out = values + 1.0
    special.gammaln(out, out=out)  # in place: rows may be many millions
    return out


def of_rows(parameter: Any, cell: np.ndarray) -> Any:
    """Return a parameter at rows of these cells: a number stays one."""
    return parameter[cell] if getattr(parameter, "ndim", 0) else parameter


def tally_by_cell(sample: Sample, cell: np.ndarray) -> dict[str, Any]:
    """Count the distinct (cell, value) pairs, where no sums are sufficient.

    Returns
    -------
    dict
        ``V``, how many there are; ``cell``, from one as Stan counts, ``value`` and ``tally``, how
        many rows have each, shape (V,).
    """
    order = np.lexsort((sample.y, cell))
    by_cell, by_value = cell[order], sample.y[order]
    new = np.ones(order.size, bool)
    new[1:] = (np.diff(by_cell) != 0) | (np.diff(by_value) != 0)
    weight = None if sample.weight is None else sample.weight[order]
    return {
        "V": int(np.count_nonzero(new)),
        "cell": by_cell[new] + 1,
        "value": by_value[new],
        "tally": sum_by(np.cumsum(new) - 1, weight, 0),
    }


def by_cell(stats: Mapping[str, Any], values: Array, n_cells: int) -> Array:
    """Sum values of the pairs of `tally_by_cell` over each cell."""
    return sum_by(stats["cell"] - 1, stats["tally"] * values, n_cells)


def rows_by_cell(stats: Mapping[str, Any], n_cells: int) -> Array:
    """Count the rows of each cell."""
    return sum_by(stats["cell"] - 1, stats["tally"], n_cells)


def quasi_score(n: Array, excess: Array, slope: Array, variance: Any) -> tuple[Array, Array]:
    """Return score and expected information by eta of an exponential family, shape (C,) each.

    Parameters
    ----------
    n, excess : ndarray, shape (C,)
        Rows of each cell, and the sum of their responses less their means.
    slope : ndarray, shape (C,)
        d mu / d eta.
    variance
        Of a row.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, section 2.5: (sum y - n mu) mu' / V and
    n mu'^2 / V.
    """
    return excess * slope / variance, n * np.square(slope) / variance
