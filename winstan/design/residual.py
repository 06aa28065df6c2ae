"""How the residuals of a unit's rows are correlated: units, and the places of rows within them.

Positions are whole numbers, apart by the greatest common step of the column's values: ages 8, 10,
12 and 14 are 0 to 3, and so are visits 1 to 4. A visit that is missing leaves its place empty.
Levels of a factor are in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels, some_rows
from winstan.design.grouping import find_levels
from winstan.design_warnings import warn_design
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.data import Frame
    from winstan.design.grouping import Factor
    from winstan.design.random_terms import RandomTerm
    from winstan.formula.terms import ResidualSpec

# Correlations of so many visits are a question to more data than there are.
VISITS_UP_TO = 20
LAGS_UP_TO = 40
# What no unit's rows are beyond, when positions are counted.
POSITIONS_UP_TO = 2**31
# Rows of a unit, in the median, below which an intercept of each unit hardly differs from them.
FEW_ROWS = 15


@dataclass(frozen=True, slots=True, eq=False)
class ResidualTerm:
    """The term of residual correlation, and the rows' places.

    Attributes
    ----------
    spec : ResidualSpec
    factor : Factor
        Of the units.
    unit : ndarray of int, shape (N,)
    place : ndarray, shape (N,)
        Of ``ar`` and ``toep`` positions, of ``car`` times, of ``cs`` and ``unstr`` numbers of
        visits: all from zero.
    origin, step : float
        Positions are ``(value - origin) / step``.
    visits : tuple
        The column's distinct values, in order, where places are their numbers.
    rows : ndarray of int, shape (N,)
        The rows, unit by unit, in the order of their places.
    longest, largest : int
        The longest lag within a unit, and the rows of the largest: of all data, where these are
        some of their rows, so that correlations of some have the prior that they have of all.
    """

    spec: ResidualSpec
    factor: Factor
    unit: np.ndarray
    place: np.ndarray
    origin: float
    step: float
    visits: tuple[Any, ...]
    rows: np.ndarray
    longest: int = 0
    largest: int = 0

    @property
    def kind(self) -> str:
        """``ar``, ``car``, ``cs``, ``toep`` or ``unstr``."""
        return self.spec.kind

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each unit."""
        return np.bincount(self.unit, minlength=len(self.factor.levels))

    @property
    def same_unit(self) -> np.ndarray:
        """Whether each of `rows` but the first is of the unit of the one before: (N - 1,)."""
        ordered = self.unit[self.rows]
        return np.asarray(ordered[1:] == ordered[:-1])

    @property
    def gaps(self) -> np.ndarray:
        """From row to next row of a unit, in the order of `rows`."""
        return np.diff(self.place[self.rows])[self.same_unit]

    @property
    def n_lags(self) -> int:
        """The longest lag within a unit: of ``toep`` the number of correlations."""
        first = np.r_[True, ~self.same_unit]
        last = np.r_[first[1:], True]
        ordered = self.place[self.rows]
        return max(self.longest, int(np.max(ordered[last] - ordered[first])))

    @property
    def most_rows(self) -> int:
        """Rows of the largest unit, which bound the correlation of ``cs``."""
        return max(self.largest, int(self.sizes.max()))

    def places_of(self, values: pd.Series, rows: np.ndarray | None = None) -> np.ndarray:
        """Give the values of new rows their places.

        Raises
        ------
        DataError
            For visits that the model has not seen.
        """
        rows = np.arange(len(values)) if rows is None else rows
        if self.visits:
            found = pd.Index(list(self.visits)).get_indexer(pd.Index(np.asarray(values)))
            if (bad := np.flatnonzero(found < 0)).size:
                raise DataError(
                    f"Column '{self.spec.time}' has the visit {values.iloc[bad[0]]!r}, in "
                    f"{some_rows(rows[bad])}, whose correlation with the others is not known. "
                    f"Known: {', '.join(map(repr, self.visits[:10]))}."
                )
            return found.astype(float)
        numbers = _numbers(values, self.spec, rows)
        places = (numbers - self.origin) / self.step
        if self.kind == "car":
            return places
        if (bad := np.flatnonzero(abs(places - np.round(places)) > 1e-6)).size:
            raise DataError(
                f"Column '{self.spec.time}' has {how_many(bad.size, 'value')} between the "
                f"positions of {self.spec.text}, which are {self.step:g} apart, in "
                f"{some_rows(rows[bad])}. car({self.spec.time}, {self.spec.factor}) takes any time."
            )
        return np.round(places)


def residual_term(spec: ResidualSpec, frame: Frame) -> ResidualTerm:
    """Find units and places.

    Parameters
    ----------
    spec
    frame
        N rows.

    Raises
    ------
    DataError
        For times that are no numbers, that a unit has twice, or visits that are too many; labels
        whose order nobody declared, where positions are counted.

    Warns
    -----
    DesignWarning
        Of units of one row, ``single_rows``.
    """
    data, kept = frame.data, frame.kept
    factor = find_levels(spec, data)
    unit, values = factor.find(data), data[spec.time]
    visits: tuple[Any, ...] = ()
    origin, step = 0.0, 1.0
    if isinstance(values.dtype, pd.CategoricalDtype):
        _check_order(spec, values, frame)
        visits, place = tuple(values.cat.categories), values.cat.codes.to_numpy().astype(float)
    elif spec.kind in ("cs", "unstr"):
        found, codes = np.unique(values.to_numpy(), return_inverse=True)
        visits, place = tuple(found.tolist()), codes.astype(float)
    else:
        numbers = _numbers(values, spec, kept)
        origin = float(numbers.min())
        step = 1.0 if spec.kind == "car" else _step(numbers, spec, kept)
        place = (numbers - origin) / step
    rows = np.lexsort((place, unit))
    term = ResidualTerm(spec, factor, unit, place, origin, step, visits, rows)
    _check_duplicates(term, values, kept)
    _check_single(term, kept)
    _check_size(term)
    return term


def _numbers(values: pd.Series, spec: ResidualSpec, kept: np.ndarray) -> np.ndarray:
    """Return times as numbers."""
    array = np.asarray(values)
    if array.dtype.kind == "b" or array.dtype.kind not in "iuf":
        raise DataError(
            f"Column '{spec.time}' of {spec.text} is no number, in {some_rows(kept)}: "
            f"{array[0]!r}, say. Times are numbers, such as the hours since the first; visits with "
            f"names have unstr({spec.time}, {spec.factor}), or an order of their own "
            "(pd.Categorical(..., ordered=True))."
        )
    return array.astype(float)


def _check_order(spec: ResidualSpec, values: pd.Series, frame: Frame) -> None:
    """Refuse labels that have no distances, or positions in the order of the alphabet."""
    labels = values.cat.categories.tolist()
    if spec.kind == "car":
        raise DataError(
            f"Column '{spec.time}' of {spec.text} has labels, such as {labels[0]!r}, in "
            f"{some_rows(frame.kept)}, and no times. Make them numbers; "
            f"ar({spec.time}, {spec.factor}) counts positions."
        )
    if spec.kind in ("ar", "toep") and len(labels) > 2 and spec.time not in frame.ordered:
        raise DataError(
            f"{spec.text} counts positions, and the {len(labels)} levels of column "
            f"'{spec.time}' ({some_levels(labels)}) have no order that was declared, in "
            f"{how_many(len(values), 'row')}. Put them in theirs: "
            f"pd.Categorical({frame.column.format(spec.time)}, [...], ordered=True) with every "
            "level, in order."
        )


def _step(numbers: np.ndarray, spec: ResidualSpec, kept: np.ndarray) -> float:
    """Return the greatest step by which all positions can be counted."""
    uneven = np.flatnonzero(numbers != np.round(numbers))
    if uneven.size:
        raise DataError(
            f"Column '{spec.time}' of {spec.text} has {how_many(uneven.size, 'value')} with a "
            f"fraction, in {some_rows(kept[uneven])}, and positions are counted. Write "
            f"car({spec.time}, {spec.factor}) for times, or make a column of the rows' positions: "
            f"data.groupby({spec.factor_columns[0]!r}).cumcount()."
        )
    whole = np.unique(numbers - numbers.min())
    if whole[-1] >= POSITIONS_UP_TO:
        raise DataError(
            f"Column '{spec.time}' of {spec.text} runs over {whole[-1]:.3g} positions. Write "
            f"car({spec.time}, {spec.factor}) for times."
        )
    return float(max(np.gcd.reduce(whole.astype(np.int64)), 1))


def _check_duplicates(term: ResidualTerm, values: pd.Series, kept: np.ndarray) -> None:
    """Refuse a time that a unit has twice."""
    spec, rows = term.spec, term.rows
    again = np.flatnonzero(term.same_unit & (np.diff(term.place[rows]) == 0))
    if not again.size:
        return
    first, second = rows[again[0]], rows[again[0] + 1]
    bad = np.unique(kept[np.r_[rows[again], rows[again + 1]]])
    raise DataError(
        f"{spec.text}: '{spec.factor}' {term.factor.levels[term.unit[first]]!r} has "
        f"{spec.time} = {values.iloc[first]} twice, in {some_rows(kept[[first, second]])}; "
        f"{how_many(bad.size, 'row')} in all repeat a time of their unit. Number the rows of each "
        f"unit, take the mean of those of one time, or name the units more closely: "
        f"{spec.kind}({spec.time}, {spec.factor}:session), say."
    )


def _check_single(term: ResidualTerm, kept: np.ndarray) -> None:
    single = np.flatnonzero(term.sizes == 1)
    if not single.size:
        return
    rows = np.flatnonzero(np.isin(term.unit, single))
    spec = term.spec
    if single.size == len(term.factor.levels):
        raise DataError(
            f"{spec.text}: all {how_many(single.size, 'unit')} of '{spec.factor}' have one row, so "
            f"that nothing says how rows of a unit resemble each other. Is '{spec.factor}' the "
            "column of the units?"
        )
    warn_design(
        f"{spec.text}: {how_many(single.size, 'unit')} of '{spec.factor}' "
        f"{'has' if single.size == 1 else 'have'} one row, in {some_rows(kept[rows])}: "
        "they say nothing of the correlation.",
        "single_rows",
    )


def _check_size(term: ResidualTerm) -> None:
    spec = term.spec
    what, n, most = "visits", len(term.visits), VISITS_UP_TO
    if spec.kind == "toep":
        what, n, most = "lags", term.n_lags, LAGS_UP_TO
    elif spec.kind != "unstr":
        return
    if n > most:
        count = n if spec.kind == "toep" else n * (n - 1) // 2
        raise DataError(
            f"{spec.text} has {n} {what}, and a correlation of its own for each"
            f"{'' if spec.kind == 'toep' else ' pair'}: {count}; at most {most} {what} are taken. "
            f"Write ar({spec.time}, {spec.factor}) or car({spec.time}, {spec.factor}), which have "
            "one."
        )


def warn_of_intercepts(term: ResidualTerm, groups: Sequence[RandomTerm]) -> None:
    """Warn of intercepts of the very units: they say what the correlation says.

    Warns
    -----
    DesignWarning
        ``unidentified``.
    """
    same = [group for group in groups if group.factor == term.spec.factor and group.has_intercept]
    if not same or (term.kind in ("ar", "car") and np.median(term.sizes) > FEW_ROWS):
        return
    share = {
        "cs": "say the same: a correlation of all rows of a unit",
        "unstr": "say the same: any covariance of visits has that of an intercept in it",
        "toep": "say the same: correlations at all lags have that of an intercept in them",
    }.get(
        term.kind,
        f"are hardly told apart by units of {how_many(int(np.median(term.sizes)), 'row')}",
    )
    name = f"(1 | {term.spec.factor})"
    warn_design(f"{name} and {term.spec.text} {share}. Leave one of them out.", "unidentified")
