"""Grouping: the distinct rows of some columns, their counts, and the response's moments in each.

A mean is corrected by the mean of what is left when it is taken away, and squares are those of
what is left, in a second pass over the rows: raw moments, and many an engine's own variance, lose
all digits where the mean is large beside the spread.

The first pass also tells all that must be known of the rows: a missing value of a key is a group
of its own, others are tallied in each group, and a value that no model takes shows in the group's
mean, least or largest value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from winstan.data.columns import LARGEST
from winstan.data.grouped import Moments
from winstan.data.tables import missing_mask
from winstan.engines import duckdb_sql, passes
from winstan.engines.counting import Counts
from winstan.engines.expressions import function_of, key_of, left_side, number
from winstan.engines.failures import told_by
from winstan.engines.opening import with_declared_order
from winstan.engines.passes import GROUP, ROWS, WEIGHT, Request
from winstan.engines.repeats import too_many_groups
from winstan.errors import DataError
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array
    from winstan.engines.counting import Question
    from winstan.engines.opening import Source
    from winstan.engines.passes import Aggregate, Passes
    from winstan.formula.binning import Grid

    type Tell = Callable[[int, float], None]

_MOVED = 1e-7  # of a mean and the root of its squares, by which rounding does not move it

ALL = "(all)"
_USED, _ZERO, _PART, _LOST = "(used)", "(weightless)", "(fractional)", "(lost)"
_LEAST, _MOST, _LIGHTEST = "(least)", "(most)", "(lightest)"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Distinct rows without missing values, N of them.

    Attributes
    ----------
    keys : narwhals.DataFrame
        Sorted.
    count, weight : ndarray, shape (N,)
        Rows in each, and the sum of their frequency weights.
    moments : mapping of str to Moments
        By function of the response.
    counts : Counts
        Of all rows.
    """

    keys: nw.DataFrame[Any]
    count: Array
    weight: Array
    moments: Mapping[str, Moments]
    counts: Counts


def group_rows(
    source: Source, question: Question, grids: Mapping[str, Grid], most: int, tell: Tell
) -> Groups | None:
    """Group rows by an engine.

    Parameters
    ----------
    source, question
    grids
        The values of `Question.bins`.
    most
        Distinct rows that are fetched.
    tell
        Called with the number of the pass, and the percentage of it that is done.

    Returns
    -------
    Groups, or None
        None if some values are NaN, or of no model: infinite, beyond the family's support.

    Raises
    ------
    DataError
        If there are more than `most`, or none, or the engine fails.
    """
    rows, request = _rows(source, question, grids), _request(source, question, most)
    engine: Passes = duckdb_sql if source.is_duckdb else passes
    with told_by(source.engine):
        table = engine.first_pass(rows, request, lambda done: tell(1, done)).sort(
            *request.keys, nulls_last=True
        )
        table = with_declared_order(rows, table)
    if len(table) > most:
        raise too_many_groups(source, question, f"more than {most:,}", most)
    if not len(table):
        raise DataError("The data frame is empty: it has no rows.")
    found = _tallied(table, question)
    if not found.sound:
        return None
    kept = found.used > 0
    table, count = table[np.flatnonzero(kept)], found.used[kept]
    weight = count if question.weights is None else _array(table[WEIGHT])
    moments: dict[str, Moments] = {}
    if question.functions and len(table):
        means = table.select(*request.keys, *(f"(mean {f})" for f in request.functions))
        number_of = nw.new_series(
            GROUP, np.arange(len(table)), nw.Int64, backend=table.implementation
        )
        with told_by(source.engine):
            means = means.with_columns(number_of)
            rest = engine.second_pass(rows, means, request, lambda done: tell(2, done))
        if len(rest) != len(table):
            raise DataError(
                f"{source.engine} gave other rows when it was asked again: {len(rest):,} of "
                f"{len(table):,} groups were there. Write what it reads to a file, and give that."
            )
        moments = _moments(table, rest, request.functions, weight)
        if question.weights is None:  # the first pass has means without weights
            _check_same_rows(source, table, moments)
        if not all(np.isfinite(one.squares).all() for one in moments.values()):
            return None
    return Groups(table.select(*request.keys), count, weight, moments, found.counts)


def _request(source: Source, question: Question, most: int) -> Request:
    tallies: dict[str, tuple[Aggregate, str]] = {
        _present(name): ("count", _own(name)) for name in _beside(question)
    }
    if question.functions:
        tallies[_USED] = ("count", f"({question.functions[0]})")
    if question.weights is not None:
        tallies |= {_USED: ("count", _USED), _ZERO: ("count", _ZERO), _PART: ("count", _PART)}
        tallies[_LIGHTEST] = ("min", WEIGHT)
    if _is_expression(question):
        tallies[_LOST] = ("count", _LOST)
    if question.support is not None:
        identity = f"({question.functions[0]})"
        tallies |= {_LEAST: ("min", identity)} if np.isfinite(question.support.lower) else {}
        tallies |= {_MOST: ("max", identity)} if np.isfinite(question.support.upper) else {}
    return Request(
        keys=question.keys or (ALL,),
        functions=question.functions,
        weighted=question.weights is not None,
        most=most,
        tallies=tallies,
    )


def _rows(source: Source, question: Question, grids: Mapping[str, Grid]) -> nw.LazyFrame[Any]:
    """Return the keys, weights and functions of the response, and what the tallies are of."""
    table, schema = source.table, source.table.collect_schema()
    columns = [key_of(n, schema[n], grids) for n in question.keys] or [nw.lit(0).alias(ALL)]
    beside = _beside(question)
    columns += [nw.col(name).alias(_own(name)) for name in beside]
    is_there = [~nw.col(name).is_null() for name in beside]
    if question.response is not None:
        y = left_side(question.response)
        columns += [function_of(y, name).alias(f"({name})") for name in question.functions]
    if _is_expression(question):
        columns.append(_where(reduce(and_, is_there) & _undefined(question, schema), _LOST))
    if question.weights is not None:
        w, complete = number(question.weights), reduce(and_, is_there)
        columns.append(nw.when(complete).then(w).alias(WEIGHT))
        columns.append(_where(complete & (w > 0), _USED))
        columns.append(_where(complete & (w == 0), _ZERO))
        # What is infinite is refused later: beneath Ibis, round(w) would be of 64 bits, and fail.
        columns.append(_where(complete & (w % 1.0 != 0), _PART))
    return table.select(*columns)


def _undefined(question: Question, schema: Mapping[str, nw.dtypes.DType]) -> nw.Expr:
    """Return where an expression of the response hides what its columns are, or has no value."""
    assert question.response is not None
    lost = left_side(question.response).is_null()
    for name in question.columns:
        if schema[name].is_float():
            lost = lost | (number(name).abs() == np.inf)
    return lost


def _where(rows: nw.Expr, name: str) -> nw.Expr:
    """Return a column of ones, and of nulls elsewhere, to be counted."""
    return nw.when(rows).then(nw.lit(1)).alias(name)


def _beside(question: Question) -> tuple[str, ...]:
    """Return the columns beside the keys that must not be missing, the weights among them."""
    weights = question.weights
    return tuple(n for n in question.required if n not in question.keys or n == weights)


def _is_expression(question: Question) -> bool:
    return question.response is not None and not isinstance(question.response, Name)


def _own(name: str) -> str:
    return f"(own {name})"


def _present(name: str) -> str:
    return f"(present {name})"


@dataclass(frozen=True, slots=True, eq=False)
class _Tallies:
    """What the first pass says of the rows.

    Attributes
    ----------
    used : ndarray, shape (groups,)
        Rows of each group that are not left out.
    counts : Counts
    sound : bool
        Whether no value is NaN, infinite, or beyond what the model takes.
    """

    used: Array
    counts: Counts
    sound: bool


def _tallied(table: nw.DataFrame[Any], question: Question) -> _Tallies:
    """Read the tallies of all groups, those with missing keys among them."""
    tally = {name: _array(table[name]) for name in table.columns if name not in question.keys}
    rows = tally[ROWS]
    complete = np.ones(len(rows), dtype=bool)
    missing = {name: int((rows - tally[_present(name)]).sum()) for name in _beside(question)}
    for name in question.keys:
        if name in question.required:
            gone = missing_mask(table[name])
            missing[name] = int(rows[gone].sum())
            complete &= ~gone
    used = np.where(complete, tally.get(_USED, rows), 0.0)
    weightless = np.where(complete, tally.get(_ZERO, 0.0), 0.0)
    fractional = tally.get(_PART, np.zeros(1)) if question.weights else np.zeros(1)
    counts = Counts(
        rows=int(rows.sum()),
        complete=int(used.sum() + weightless.sum()),
        missing={name: missing[name] for name in question.required if missing[name]},
        weightless=int(weightless.sum()),
        fractional=int(np.where(complete, fractional, 0.0).sum()),
    )
    in_use = used + weightless > 0
    sound = _are_sound(
        {name: values[in_use] for name, values in tally.items()}, question
    ) and not _any_huge(table, question, in_use)
    return _Tallies(used, counts, sound)


def _are_sound(tally: Mapping[str, Array], question: Question) -> bool:
    """Whether tallies of complete groups tell of no value that no model takes."""
    sized = [tally[f"(mean {f})"] for f in question.functions]
    sized += [tally[WEIGHT]] if question.weights is not None else []
    good = [np.abs(values) <= LARGEST for values in sized]  # NaN is not
    good += [tally[_LOST] == 0] if _LOST in tally else []
    good += [tally[_LIGHTEST] >= 0] if _LIGHTEST in tally else []
    if question.support is not None:
        good += [tally[_LEAST] > question.support.lower] if _LEAST in tally else []
        good += [tally[_MOST] < question.support.upper] if _MOST in tally else []
    return all(one.all() for one in good)


def _any_huge(table: nw.DataFrame[Any], question: Question, in_use: np.ndarray) -> bool:
    """Whether a key of doubles is infinite, or too large for a model."""
    floats = [name for name in question.keys if table[name].dtype.is_float()]
    return any((np.abs(_array(table[name])[in_use]) > LARGEST).any() for name in floats)


def _moments(
    table: nw.DataFrame[Any], rest: nw.DataFrame[Any], functions: tuple[str, ...], weight: Array
) -> dict[str, Moments]:
    """Correct means by the mean of what is left, and the squares by it."""
    order = np.argsort(rest[GROUP].to_numpy())
    out = {}
    for name in functions:
        left, squares = (_array(rest[f"({kind} {name})"])[order] for kind in ("sum", "squares"))
        away = left / weight
        mean = _array(table[f"(mean {name})"]) + away
        out[name] = Moments(mean, np.maximum(squares - left * away, 0.0))
    return out


def _check_same_rows(
    source: Source, table: nw.DataFrame[Any], moments: Mapping[str, Moments]
) -> None:
    """Refuse rows that were others in the second pass: their mean is then not that of the first.

    A plain sum is wrong by less, since its rounding grows with the rows no faster than the squares'
    root does.
    """
    for name, own in moments.items():
        moved = np.abs(own.mean - _array(table[f"(mean {name})"]))
        others = moved > _MOVED * (np.abs(own.mean) + np.sqrt(own.squares))
        if others.any():
            raise DataError(
                f"{source.engine} gave other rows when it was asked again: in "
                f"{np.count_nonzero(others):,} of {len(table):,} groups their mean is another one. "
                "Write what it reads to a file, and give that."
            )


def _array(column: nw.Series[Any]) -> Array:
    return np.asarray(column.to_numpy(), dtype=np.float64)
