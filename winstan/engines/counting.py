"""Counting: what is asked of an engine, and which of its rows no model takes.

The passes that group the rows tell whether there are any (`winstan.engines.grouping`). These
queries then count them, and say which come first: infinite values, responses beyond the family's
support, negative weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from winstan.data.columns import LARGEST, huge_values, infinite_values, some_rows
from winstan.data.weights import negative_weights
from winstan.engines.collecting import collected
from winstan.engines.expressions import beyond, is_missing, left_side, number
from winstan.engines.failures import told_by
from winstan.errors import DataError, FamilyError
from winstan.formula.binning import Grid

if TYPE_CHECKING:
    from winstan.engines.opening import Source
    from winstan.formula.tree import Node

ROW = "(row)"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Support:
    """Which responses a family takes: those of an open interval.

    Attributes
    ----------
    lower, upper : float
        Its ends.
    needs : str
        What to say of others: ``family='gamma' needs a positive response``.
    """

    lower: float
    upper: float
    needs: str


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked of an engine.

    Attributes
    ----------
    keys : tuple of str
        Columns whose distinct rows are wanted.
    optional : frozenset of str
        Those that may be missing.
    weights : str or None
        Column of frequency weights.
    response : tree, or None
        Of what moments are taken; None where rows share the response, which is among the keys.
    name : str
        Of the response.
    columns : tuple of str
        That the response is made of.
    functions : tuple of str
        Of which moments are taken.
    support : Support or None
    bins : mapping of str to int
        Keys of which the nearest of so many evenly spaced values is wanted.
    """

    keys: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    weights: str | None = None
    response: Node | None = None
    name: str = ""
    columns: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    support: Support | None = None
    bins: Mapping[str, int] = field(default_factory=dict)

    @property
    def used(self) -> tuple[str, ...]:
        """Every column in use, once."""
        extra = () if self.weights is None else (self.weights,)
        return tuple(dict.fromkeys((*self.keys, *self.columns, *extra)))

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must not be missing."""
        return tuple(name for name in self.used if name not in self.optional)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there are, and how many are to be left out.

    Attributes
    ----------
    rows, complete : int
        All, and those without missing values.
    missing : mapping of str to int
        By column, for columns that have any.
    weightless : int
        Complete rows of weight zero.
    fractional : int
        Complete rows whose weight is no whole number.
    """

    rows: int
    complete: int
    missing: Mapping[str, int]
    weightless: int
    fractional: int


def is_present(question: Question, schema: Mapping[str, Any]) -> nw.Expr:
    """Return the rows without missing values."""
    return nw.all_horizontal(
        *(~is_missing(name, schema[name]) for name in question.required), ignore_nulls=False
    )


def grids_of(source: Source, question: Question) -> dict[str, Grid]:
    """Return the values of `Question.bins`, by column: those of the complete rows."""
    if not question.bins:
        return {}
    present = is_present(question, source.table.collect_schema())
    ends: dict[str, nw.Expr] = {}
    for name in question.bins:
        values = nw.when(present).then(number(name))
        ends |= {f"least {name}": values.min(), f"most {name}": values.max()}
    found = _first_row(source, ends)
    return {
        name: Grid.of(least, found[f"most {name}"], n)
        for name, n in question.bins.items()
        if (least := found[f"least {name}"]) is not None
    }


def refuse_bad_rows(source: Source, question: Question) -> None:
    """Refuse rows that no model takes, if there are any.

    Raises
    ------
    DataError, FamilyError
        With the count of bad rows, and the first of them.
    """
    schema = source.table.collect_schema()
    present = is_present(question, schema)
    numeric = [name for name in question.used if schema[name].is_float()]
    bad = {f"infinite {n}": (number(n).abs() == math.inf) & present for n in numeric}
    bad |= {f"huge {n}": (number(n).abs() > LARGEST) & present for n in numeric}
    if question.weights is not None:
        bad["negative"] = (number(question.weights) < 0) & present
    if question.support is not None and question.response is not None:
        y = left_side(question.response)
        bad["beyond"] = beyond(y, question.support.lower, question.support.upper) & present
    asked = {"complete": _times(present)} | {name: _times(rows) for name, rows in bad.items()}
    found = {name: int(times or 0) for name, times in _first_row(source, asked).items()}
    for name, rows in bad.items():
        if found[name]:
            _refuse(source, question, name, found, rows)


def _first_row(source: Source, asked: Mapping[str, nw.Expr]) -> dict[str, Any]:
    """Evaluate what has one value for all rows."""
    with told_by(source.engine):
        one_row = source.table.select(*(one.alias(name) for name, one in asked.items()))
        table = collected(one_row)
    return {name: table[name].to_list()[0] for name in asked}


def _times(rows: nw.Expr) -> nw.Expr:
    return rows.cast(nw.Int64).sum()


def _refuse(
    source: Source, question: Question, name: str, found: Mapping[str, int], rows: nw.Expr
) -> None:
    """Refuse rows by what is wrong with them.

    Raises
    ------
    DataError, FamilyError
        Always.
    """
    where, count = first_rows(source, question, rows), found[name]
    if name == "beyond":
        assert question.support is not None
        raise FamilyError(
            f"{question.support.needs}, but {question.name!r} has {count:,} of "
            f"{found['complete']:,} rows that are not ({where}). Mend or drop those rows, or use a "
            "family that has them."
        )
    if name == "negative":
        raise DataError(negative_weights(str(question.weights), count, where))
    kind, _, column = name.partition(" ")
    if kind == "infinite":
        raise DataError(infinite_values(column, count, where))
    size = nw.when(rows).then(number(column).abs()).max()
    raise DataError(huge_values(column, count, where, _first_row(source, {"size": size})["size"]))


def first_rows(source: Source, question: Question, rows: nw.Expr) -> str:
    """Say which rows come first of some: by number in a file, else by what they hold.

    Rows of a query, and of several files, come in an order that nobody has seen.
    """
    native: Any = source.table.to_native()
    numbered = None
    if source.files is not None and source.files.is_single:
        if source.is_duckdb:
            numbered = nw.from_native(native.project(f'*, row_number() OVER () - 1 AS "{ROW}"'))
        else:
            numbered = nw.from_native(native.with_row_index(ROW))
    with told_by(source.engine):
        if numbered is not None:
            found = collected(numbered.filter(rows).select(ROW).sort(ROW).head(_SHOWN + 1))
            return some_rows(np.array(found[ROW].to_list()), _SHOWN)
        held = collected(source.table.filter(rows).select(*question.used).head(_SHOWN))
    shown = [", ".join(f"{n}={v!r}" for n, v in row.items()) for row in held.iter_rows(named=True)]
    return f"row{'s' if len(shown) > 1 else ''} of {'; '.join(shown)}"
