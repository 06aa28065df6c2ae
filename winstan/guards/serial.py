"""Residuals of rows that follow each other and resemble each other.

The order is that of a column of whole numbers that counts the rows of each unit (trials, visits),
or that of the rows, where those of a unit stand together or along a column of times. Units may
respond to a condition differently, which is no serial correlation: of conditions that come in
blocks only what happens within them counts, and of numbers that rise with the rows, what is off
each unit's own line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.codes import codes_of, combine, is_constant
from winstan.formula.tree import quote_name
from winstan.guards.succession import Succession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from winstan._typing import Array
    from winstan.model import Model

# Correlation of neighbours, above that of independent rows, from which one would mind: the interval
# of what lasts for many rows is a fifth too narrow.
LEAST = 0.2
# Share of other orders that look as much like it: of a unit's rows, and where conditions come in
# blocks, of those rows and of rows of one condition. Calibrated by benchmarks.guard_rates on short
# units.
CHANCE, CHANCE_BLOCKS, CHANCE_ALIKE = 0.01, 0.04, 0.027
# Neighbours' correlation from which a predictor goes along with the order.
ORDERED = 0.1
# Rows looked at, of whole units.
ROWS = 20_000
# Rows of a unit, in the median, beside those that its own lines take up, and pairs of neighbours.
FEWEST_ROWS, FEWEST_PAIRS = 4, 20
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
    for unit, factor in _units(model):
        rows = _whole_units(unit)
        if rows.size < FEWEST_PAIRS or np.median(np.bincount(unit[rows])) < FEWEST_ROWS:
            continue
        counter, place, even = _counter(model, names, read, rows, unit[rows])
        if not counter and not _stand_together(unit):
            continue  # nobody knows which rows follow each other
        if counter and _lacks_curve(model, counter, factor):
            return None  # curves that differ: the guard of random slopes says so
        order = rows[np.lexsort((place, unit[rows]))]
        if (found := _found(model, order, unit[order], counter)) is None:
            return None
        return _message(*found, factor, counter, even=even)
    return None


def _message(found: float, expected: float, factor: str, counter: str, *, even: bool) -> str:
    order = f"in the order of '{counter}'" if counter else "in the data's order"
    term = ":".join(map(quote_name, factor.split(":")))
    time = quote_name(counter) if counter else "trial"
    add = f"ar({time}, {term}) to the formula, or car({time}, {term}) for times that are uneven"
    if counter and not even:
        add = f"car({time}, {term}) to the formula"
    make = "" if counter else _code_of_counter(factor)
    return (
        f"Residuals of rows of one '{factor}' that follow each other, {order}, are correlated: "
        f"{found:.2f}, where independent rows would have {expected:.2f}. Neighbours then say less "
        "than as many rows, and intervals of what lasts for several rows are too narrow. Add "
        f"{add}{make}."
    )


def _code_of_counter(factor: str) -> str:
    columns = factor.split(":")
    by = repr(columns[0]) if len(columns) == 1 else repr(columns)
    return f", with data['trial'] = data.groupby({by}).cumcount()"


def _found(
    model: Model, order: np.ndarray, unit: np.ndarray, counter: str
) -> tuple[float, float] | None:
    """Return the correlation of neighbours, and that of independent rows, if not by chance.

    Parameters
    ----------
    model
    order, unit : ndarray of int
        Rows, unit by unit and each in its order; their units.
    counter
        The column that gives the order, or none.
    """
    conditions, lines = _ordered(model, order, unit, counter)
    rows = np.median(np.bincount(unit)[np.unique(unit)])
    if rows < FEWEST_ROWS + len(lines):
        return None
    series = Succession.of(unit, lines)
    e = _residuals(model)[order]
    # An outlier makes no correlation, nor hides one.
    e = np.clip(e, *(np.median(e) + np.array([-4, 4]) * 1.4826 * np.median(np.abs(e))))
    e = series.within(e)
    if series.pairs < FEWEST_PAIRS:
        return None
    found, expected = series.correlation(e)
    if found - expected < LEAST:
        return None
    # Rows alike first: where responses differ between units they are most often by chance.
    asked = [(series.unit, CHANCE_BLOCKS if conditions else CHANCE)]
    if conditions:
        asked.insert(0, (combine(codes_of(series.unit), *conditions), CHANCE_ALIKE))
    if any(series.chance(e, alike, bound) > bound for alike, bound in asked):
        return None
    return found, expected


def _ordered(
    model: Model, order: np.ndarray, unit: np.ndarray, counter: str
) -> tuple[list[np.ndarray], list[Array]]:
    """Return the conditions that come in blocks, as codes, and the numbers that go with the order.

    Responses to them that differ between units make neighbours alike. A condition that is the
    place in the order says nothing else.
    """
    conditions, lines = [], []
    series = Succession.of(unit)
    for X, columns in _predictors(model, order):
        if all(is_constant(unit, x) for x in X.T):
            continue
        if not np.isin(X, (-1, 0, 1)).all():
            lines += [x for x in X.T if _goes_along(series, x)]
        elif not counter or _others(model, order, unit, columns) != {counter}:
            code = combine(*map(codes_of, X.T))
            if _in_turn(unit, code) or any(_goes_along(series, x) for x in X.T):
                conditions.append(code)
    for group in model.design.groups:
        level = group.level[model.design.row[order]]
        columns = frozenset(group.factor.split(":"))
        if is_constant(unit, level) or columns == {counter}:
            continue
        if _in_turn(unit, level):
            conditions.append(codes_of(level))
    return conditions, lines


def _predictors(model: Model, order: np.ndarray) -> Iterator[tuple[Array, frozenset[str]]]:
    """Yield the columns of each term of the mean, and those of the data that it is made of."""
    design = model.design
    atoms = {":".join(a.name for a in term): term for term in model.formula.effects.terms}
    for term in design.terms:
        if term.name in atoms:
            X = design.X[np.ix_(design.row[order], term.columns)]
            yield X, frozenset(c for atom in atoms[term.name] for c in atom.columns)


def _others(model: Model, order: np.ndarray, unit: np.ndarray, columns: frozenset[str]) -> set[str]:
    """Leave out columns that are constant within units."""
    predictors, row = model.design.predictors, model.design.row[order]
    return {
        c
        for c in columns
        if c not in predictors or not is_constant(unit, predictors[c].to_numpy()[row])
    }


def _goes_along(series: Succession, x: Array) -> bool:
    found, expected = series.correlation(series.within(x))
    return found - expected >= ORDERED


def _in_turn(unit: np.ndarray, code: np.ndarray) -> bool:
    """Whether every unit goes through the levels in one sequence: of codes, or as they come."""
    same = unit[1:] == unit[:-1]
    return any(
        bool(np.all(np.diff(of)[same] >= 0)) for of in (code, pd.factorize(code)[0].astype(int))
    )


def _lacks_curve(model: Model, counter: str, factor: str) -> bool:
    """Whether there is a curve along the column that is the same in all units."""
    formula = model.formula
    common = {c for spec in formula.smooths for c in spec.covariate.columns}
    own = {
        c
        for group in formula.groups
        if group.factor == factor
        for atom in group.design.atoms.values()
        for c in atom.columns
    }
    return counter in common - own


def _units(model: Model) -> Iterator[tuple[np.ndarray, str]]:
    """Yield the unit of each row by the group factors, that with most levels first."""
    groups = {group.factor: group for group in model.design.groups}
    for group in sorted(groups.values(), key=lambda one: -one.n_levels):
        yield group.level[model.design.row], group.factor


def _stand_together(unit: np.ndarray) -> bool:
    """Whether most rows of a unit that follow each other are neighbours in the data."""
    pairs = unit.size - np.unique(unit).size
    return 2 * int(np.count_nonzero(unit[1:] == unit[:-1])) > pairs


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
) -> tuple[str, np.ndarray, bool]:
    """Find the column that counts the rows of each unit, or else the times along which they stand.

    Returns
    -------
    name : str
        Without one it is the rows' order.
    place : ndarray, shape (n,)
    even : bool
        Whether it counts.
    """
    times = ""
    of_rows = np.arange(rows.size).astype(float)
    along = np.argsort(unit, kind="stable")
    same = np.diff(unit[along]) == 0
    for name in names:
        if name in model.formula.response_columns:
            continue
        values = np.asarray(read(name))
        if values.dtype.kind not in "iuf" or values.shape != (model.cells.of_row.size,):
            continue
        values = values[rows].astype(float)
        if not times and np.all(np.diff(values[along])[same] > 0):
            times = name
        if not np.all(values == np.round(values)):
            continue
        gap = np.diff(values[np.lexsort((values, unit))])[same]
        if np.all(gap > 0) and gap.mean() <= GAPS * gap.min():
            return name, values, True
    return times, of_rows, False
