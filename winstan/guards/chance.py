"""What chance can do: coincidences of values, constant units, units that differ."""

from __future__ import annotations

import numpy as np
from scipy import sparse, stats
from scipy.sparse import csgraph

from winstan.data.codes import codes_of, number_of, owner_of, pieces

# A finding must be less likely than this under independence.
LIKELIHOOD = 1e-6
# Of values that never meet by chance, fewer than this share occur in two cells.
_SHARED = 0.01
# On a grid of this many points for each of N values, normal ones meet in half a percent of rows:
# the share of equal pairs is step / (2 sqrt(pi) sd), and the range below 6.7 sd.
_SPARSE = 200
_DECIMALS = 9
_SIGNIFICANT = 4
_PIECE = 2**19
# In which means of cells and of units are fitted in turn; too few find less than there is.
_SWEEPS = 30


def constant_by_chance(cell: np.ndarray, pair: np.ndarray, unit: np.ndarray) -> bool:
    """Whether units of one value each would be a surprise if rows were independent.

    Parameters
    ----------
    cell, pair, unit : ndarray of int, shape (N,)
        Codes of the cells, of cell and value together, and of the units, which lie in one cell
        each.

    Returns
    -------
    bool
        Whether the probability, with the values' frequencies in each cell, is below 1e-6.
    """
    pair_cell = owner_of(pair, cell)
    of_cell = np.bincount(cell)
    share = np.bincount(pair) / of_cell[pair_cell]
    size = np.bincount(unit)
    repeated = size > 1
    if 2 * np.count_nonzero(~repeated) > len(size):
        return False  # most units have a single row
    # A unit of n rows is constant with probability sum(share ** n) <= max(share) ** (n - 1).
    largest = np.zeros(len(of_cell))
    np.maximum.at(largest, pair_cell, share)
    log_p = (size[repeated] - 1) * np.log(largest[owner_of(unit, cell)[repeated]])
    return bool(log_p.sum() < np.log(LIKELIHOOD))


def are_coincidences(y: np.ndarray, cell: np.ndarray, pair: np.ndarray, n: int) -> bool:
    """Whether equal values may have met by chance, since there are few to choose from.

    Parameters
    ----------
    y : ndarray of float, shape (N,)
    cell, pair : ndarray of int, shape (N,)
        Codes of the conditions, and of condition and value together.
    n
        Rows of the data, of which these have some of the values.
    """
    n_pairs = number_of(pair)
    if n_pairs == len(y):
        return False
    values, cells = owner_of(pair, y), owner_of(pair, cell)
    n_values = number_of(codes_of(values))
    if n_values < 10 or n_pairs - n_values > _SHARED * n_pairs:
        return True
    if np.bincount(pair)[~met_elsewhere(values)].max(initial=0) < 2:
        return True  # all are of values that any condition may have: zero, the end of a scale
    low, high = np.quantile(values, [0.25, 0.75])
    if _significant(values, low, high) < _SPARSE * n:
        return True
    step = _step(values, cells)
    if step is None:
        return False
    return bool(min(np.ptp(values), 5 * (high - low)) < _SPARSE * step * n)


def met_elsewhere(values: np.ndarray) -> np.ndarray:
    """Say of each distinct pair of cell and value whether other cells have the value too.

    Parameters
    ----------
    values : ndarray of float, shape (P,)
        Of the pairs.
    """
    value = codes_of(values)
    return np.bincount(value)[value] > 1


def _significant(values: np.ndarray, low: float, high: float) -> float:
    """Return how many numbers of as many significant digits there are in the range of the values.

    The range is no more than five times that between the quartiles, `low` and `high`, here of
    logarithms: as measurements over decades have it. Infinite where digits are many.
    """
    if not low > 0 or values.min() <= 0:
        return np.inf
    for digits in range(1, _SIGNIFICANT + 1):
        unit = 10.0 ** (np.floor(np.log10(values) + 1e-12) - digits + 1)
        if np.allclose(values, np.round(values / unit) * unit, rtol=1e-12, atol=0):
            decades = min(np.log10(values.max() / values.min()), 5 * np.log10(high / low))
            return 9.0 * 10.0 ** (digits - 1) * decades
    return np.inf


def _step(values: np.ndarray, cells: np.ndarray) -> float | None:
    """Return the step of the grid that distinct values lie on, in each cell; None if on none."""
    for digits in range(-3, _DECIMALS):
        if np.allclose(values, np.round(values, digits), rtol=1e-12, atol=0):
            return 10.0**-digits
    order = np.lexsort((values, cells))
    differences = np.diff(values[order])
    inside = np.diff(cells[order]) == 0
    differences, owner = differences[inside], codes_of(cells[order][1:][inside])
    if not len(differences):
        return None
    smallest = np.full(number_of(owner), np.inf)
    np.minimum.at(smallest, owner, differences)
    # Sixtieths, since the smallest difference may be of several steps.
    ratio = 60 * differences / smallest[owner]
    more = differences > smallest[owner]
    if not more.any():
        return None
    on_grid = np.abs(ratio - np.round(ratio)) < 1e-6 * ratio
    return float(np.median(smallest)) if on_grid[more].mean() > 0.95 else None


def difference_of_units(y: np.ndarray, cell: np.ndarray, unit: np.ndarray) -> bool:
    """Whether units of one cell differ, by an F test at 1e-6.

    Parameters
    ----------
    y : ndarray of float, shape (N,)
    cell, unit : ndarray of int, shape (N,)
        Codes; each unit lies in one cell.
    """
    n, n_units, n_cells = len(y), number_of(unit), number_of(cell)
    if n <= n_units or n_units <= n_cells:
        return False
    # From sums alone, and in pieces, since rows may be many; about the mean, since digits are few.
    size, total, squares, centre = np.zeros(n_units), np.zeros(n_units), 0.0, y.mean()
    for rows in pieces(n, _PIECE):
        centred = y[rows] - centre
        size += np.bincount(unit[rows], minlength=n_units)
        total += np.bincount(unit[rows], centred, minlength=n_units)
        squares += float(centred @ centred)
    of_cell = owner_of(unit, cell)
    cell_mean = np.bincount(of_cell, total) / np.bincount(of_cell, size)
    mean = total / size
    between = float(size @ (mean - cell_mean[of_cell]) ** 2) / (n_units - n_cells)
    within = (squares - float(total @ mean)) / (n - n_units)
    if within * (n - n_units) <= 1e-12 * squares:  # rounding
        return between > 0
    return bool(stats.f.sf(between / within, n_units - n_cells, n - n_units) < LIKELIHOOD)


def difference_across_cells(y: np.ndarray, cell: np.ndarray, unit: np.ndarray) -> bool:
    """Whether units that several cells share differ, by an F test at 1e-6.

    The means of cells and of units are fitted together, as effects that add up.

    Parameters
    ----------
    y : ndarray of float, shape (N,)
    cell, unit : ndarray of int, shape (N,)
        Codes.
    """
    n, n_units, n_cells = len(y), number_of(unit), number_of(cell)
    size = n_cells + n_units
    edges = sparse.coo_array((np.ones(n), (cell, n_cells + unit)), shape=(size, size))
    parts, _ = csgraph.connected_components(edges, directed=False)
    of_units, of_rest = n_units - parts, n - n_cells - n_units + parts
    if of_units < 1 or of_rest < 1:
        return False
    left = _less_means(y, cell)
    rest = left
    for _ in range(_SWEEPS):  # of a balanced design one is enough
        rest = _less_means(_less_means(rest, unit), cell)
    within, total = float(rest @ rest), float(left @ left)
    if within <= 1e-12 * total:  # rounding
        return total > within
    f = (total - within) / of_units / (within / of_rest)
    return bool(stats.f.sf(f, of_units, of_rest) < LIKELIHOOD)


def _less_means(y: np.ndarray, code: np.ndarray) -> np.ndarray:
    return y - (np.bincount(code, y) / np.bincount(code))[code]


def stand_together(unit: np.ndarray) -> bool:
    """Whether the rows of each unit stand in one run."""
    return int(np.count_nonzero(np.diff(unit))) + 1 == number_of(unit)
