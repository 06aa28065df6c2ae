"""Residuals of rows that follow each other and resemble each other.

The order is that of a column of whole numbers that counts the rows of each unit (trials, visits),
or that of the rows. Against chance the same residuals stand, shuffled within units: a unit's own
mean, a skew or an outlier are in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.cells import distinct
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.model import Model

# Correlation of neighbours from which one would mind: the interval of what lasts for many rows is a
# sixth too narrow.
LEAST = 0.15
# Standard errors of shuffled rows beyond which it is no chance.
BEYOND = 2.1
SHUFFLES = 100
# Rows looked at, of whole units.
ROWS = 20_000
# Rows of a unit, in the median, and pairs of neighbours that can tell.
FEWEST_ROWS, FEWEST_PAIRS = 4, 20
# Rows of a unit and condition, on average, from which rows are shuffled within conditions.
FEWEST_ALIKE = 3
# A column that counts the rows leaves out at most so many numbers for each that it has.
GAPS = 3


def serial_correlation(
    model: Model, names: Sequence[str], read: Callable[[str], Any]
) -> str | None:
    """Say how neighbours' residuals are correlated, and which term the formula lacks.

    Parameters
    ----------
    model
        Those without one noise for all rows, or with residual correlation, have no finding.
    names, read
        The user's columns, and what reads the rows in use of one.
    """
    if not model.family.noise or model.design.residual is not None or not model.design.groups:
        return None  # of one series, or of units that no term names, other guards speak
    if model.design.weights is not None or model.design.response.limits is not None:
        return None
    unit, factor = _units(model)
    rows = _whole_units(unit)
    unit = unit[rows]
    if unit.size < FEWEST_PAIRS or np.median(np.bincount(unit)) < FEWEST_ROWS:
        return None
    residual = _residuals(model)[rows]
    counter, place = _counter(model, names, read, rows, unit)
    if counter and _lacks_slope(model, counter, factor):
        return None  # straight lines that differ: the guard of random slopes says so
    alike = _alike(unit, model.design.row[rows])
    found, expected, error = _neighbours(residual, unit, alike, place)
    if not error > 0 or found - expected < max(LEAST, BEYOND * error):
        return None
    time = quote_name(counter) if counter else "trial"
    order = f"in the order of '{counter}'" if counter else "in the data's order"
    make = "" if counter else _code_of_counter(factor)
    term = ":".join(map(quote_name, factor.split(":")))
    return (
        f"Residuals of rows of one '{factor}' that follow each other, {order}, are correlated: "
        f"{found:.2f}, and {expected:.2f} in any other order. Neighbours then say less than as "
        "many independent rows, and intervals of what lasts for several rows are too narrow. Add "
        f"ar({time}, {term}) to the formula, or car(time, {term}) for times that are "
        f"uneven{make}."
    )


def _lacks_slope(model: Model, counter: str, factor: str) -> bool:
    """Whether the column is a predictor whose slope is the same in all units."""
    formula = model.formula
    atoms = [*formula.effects.atoms.values(), *(spec.covariate for spec in formula.smooths)]
    common = {c for atom in atoms for c in atom.columns}
    own = {
        c
        for group in formula.groups
        if group.factor == factor
        for atom in group.design.atoms.values()
        for c in atom.columns
    }
    return counter in common - own


def _code_of_counter(factor: str) -> str:
    columns = factor.split(":")
    by = repr(columns[0]) if len(columns) == 1 else repr(columns)
    return f", with data['trial'] = data.groupby({by}).cumcount()"


def _units(model: Model) -> tuple[np.ndarray, str]:
    """Return the unit of each row, by the group factor with most levels."""
    largest = max(model.design.groups, key=lambda group: group.n_levels)
    return largest.level[model.design.row], largest.factor


def _whole_units(unit: np.ndarray) -> np.ndarray:
    """Return all rows, or of many those of some units."""
    if unit.size <= ROWS:
        return np.arange(unit.size)
    size = np.bincount(unit)
    order = np.random.default_rng(0).permutation(size.size)
    enough = int(np.searchsorted(np.cumsum(size[order]), ROWS)) + 1
    return np.flatnonzero(np.isin(unit, order[:enough]))[: 5 * ROWS]


def _residuals(model: Model) -> Array:
    """Residuals by the approximate fit; in sds of each row where these have a formula."""
    cells, coordinates = model.cells, model.coordinates
    y = np.log(cells.sample.y) if model.family.log_response else cells.sample.y
    out = y - model.link.inverse(coordinates.eta[: cells.n])[cells.of_row]
    if model.family.noise in model.likelihood.predicted:
        b = model.likelihood.predicted.index(str(model.family.noise)) + 1
        eta = model.likelihood.block(coordinates.eta, b)
        out = out / model.likelihood.links[b].inverse(eta)[cells.of_row]
    return np.asarray(out)


def _counter(
    model: Model,
    names: Sequence[str],
    read: Callable[[str], Any],
    rows: np.ndarray,
    unit: np.ndarray,
) -> tuple[str, np.ndarray]:
    """Find the column that counts the rows of each unit; none gives the rows' order."""
    response = model.formula.response_columns
    for name in names:
        if name in response:
            continue
        values = np.asarray(read(name))
        if values.dtype.kind not in "iuf" or values.shape != (model.cells.of_row.size,):
            continue
        values = values[rows].astype(float)
        if not np.all(values == np.round(values)):
            continue
        order = np.lexsort((values, unit))
        gap, same = np.diff(values[order]), np.diff(unit[order]) == 0
        if same.any() and np.all(gap[same] > 0) and gap[same].mean() <= GAPS * gap[same].min():
            return name, values
    return "", np.arange(rows.size).astype(float)


def _alike(unit: np.ndarray, design_row: np.ndarray) -> np.ndarray:
    """Give rows that may be exchanged one number: of a unit, and a condition if it has several.

    Rows are often in the order of conditions, whose effects may differ between units.
    """
    code, first = distinct([unit, design_row], unit.size)
    return code if unit.size >= FEWEST_ALIKE * first.size else unit


def _neighbours(
    residual: Array, unit: np.ndarray, alike: np.ndarray, place: np.ndarray
) -> tuple[float, float, float]:
    """Correlation of neighbours: as they are, and of rows shuffled among those alike.

    Without an error where they cannot tell, or are not to be minded.
    """
    order = np.lexsort((place, unit))
    e, of, alike = residual[order], unit[order], alike[order]
    same = of[1:] == of[:-1]
    # An outlier makes no correlation, nor hides one.
    e = np.clip(e, *(np.median(e) + np.array([-4, 4]) * 1.4826 * np.median(np.abs(e))))
    size = float(np.square(e).mean()) * int(same.sum())
    if same.sum() < FEWEST_PAIRS or not size > 0:
        return 0.0, 0.0, 0.0
    found = float((e[1:] * e[:-1])[same].sum() / size)
    if found < LEAST:
        return found, 0.0, 0.0  # whatever chance makes of it
    rng = np.random.default_rng(0)
    shuffled, some = [], np.empty_like(e)
    places = np.argsort(alike, kind="stable")
    for _ in range(SHUFFLES):
        some[places] = e[np.lexsort((rng.random(e.size), alike))]
        shuffled.append((some[1:] * some[:-1])[same].sum() / size)
    return found, float(np.mean(shuffled)), float(np.std(shuffled))
