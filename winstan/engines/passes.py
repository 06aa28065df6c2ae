"""Two passes over the rows, through narwhals: what is asked of each group, and its moments.

DuckDB is asked in its own words, by the same two functions of `winstan.engines.duckdb_sql`;
`Passes` is what both are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import narwhals as nw

from winstan.engines.collecting import collected

if TYPE_CHECKING:
    from winstan.engines.collecting import Tell

ROWS, WEIGHT, GROUP = "(rows)", "(weight)", "(group)"

type Aggregate = Literal["count", "sum", "min", "max"]


class Passes(Protocol):
    """Two passes in an engine's words: this module, through narwhals, and `duckdb_sql`."""

    def first_pass(
        self, rows: nw.LazyFrame[Any], request: Request, tell: Tell | None = None
    ) -> nw.DataFrame[Any]:
        """Ask for each group's keys, counts, means and tallies."""

    def second_pass(
        self,
        rows: nw.LazyFrame[Any],
        means: nw.DataFrame[Any],
        request: Request,
        tell: Tell | None = None,
    ) -> nw.DataFrame[Any]:
        """Ask for what is left of each function about its mean."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of each group of rows.

    Attributes
    ----------
    keys : tuple of str
        Columns whose distinct rows are the groups; a missing value is one of its own.
    functions : tuple of str
        Of the response, whose moments are wanted; the rows have each as a column, ``(log)``.
    weighted : bool
        Whether the rows have ``(weight)``.
    most : int
        Groups that are fetched; one more says that there are more.
    tallies : mapping of str to (Aggregate, str)
        What else is wanted: by its name, how it is made and of which column.
    """

    keys: tuple[str, ...]
    functions: tuple[str, ...]
    weighted: bool
    most: int
    tallies: Mapping[str, tuple[Aggregate, str]] = field(default_factory=dict)


def first_pass(
    rows: nw.LazyFrame[Any], request: Request, tell: Tell | None = None
) -> nw.DataFrame[Any]:
    """Return the keys, their number of rows, sum of weights and means ``(mean log)``; the tallies.

    Parameters
    ----------
    rows
        The keys, and the columns that the request names.
    request, tell
    """
    own = [nw.len().alias(ROWS)]
    own += [nw.col(WEIGHT).sum()] if request.weighted else []
    own += [nw.col(f"({f})").mean().alias(f"(mean {f})") for f in request.functions]
    for name, (how, column) in request.tallies.items():
        own.append(getattr(nw.col(column), how)().alias(name))
    return _collected(rows.group_by(*request.keys).agg(*own).head(request.most + 1), tell)


def second_pass(
    rows: nw.LazyFrame[Any],
    means: nw.DataFrame[Any],
    request: Request,
    tell: Tell | None = None,
) -> nw.DataFrame[Any]:
    """Sum what is left of each function when its mean is taken away, and the squares of it.

    Parameters
    ----------
    rows
    means
        The keys, ``(group)`` and the means of those groups that are wanted.
    request, tell

    Returns
    -------
    narwhals.DataFrame
        ``(group)``; and of each function ``(sum log)`` and ``(squares log)``.
    """
    joined = rows.join(_like(rows, means), on=list(request.keys), how="inner")
    w = nw.col(WEIGHT) if request.weighted else nw.lit(1.0)
    terms: dict[str, nw.Expr] = {}
    for f in request.functions:
        rest = nw.col(f"({f})") - nw.col(f"(mean {f})")
        terms |= {f"(sum {f})": w * rest, f"(squares {f})": w * rest * rest}
    of_rows = joined.select(GROUP, *(term.alias(name) for name, term in terms.items()))
    return _collected(of_rows.group_by(GROUP).agg(*(nw.col(name).sum() for name in terms)), tell)


def _collected(table: nw.LazyFrame[Any], tell: Tell | None) -> nw.DataFrame[Any]:
    if table.implementation.is_polars():
        return table.collect(engine="streaming")
    return collected(table, tell)


def _like(rows: nw.LazyFrame[Any], table: nw.DataFrame[Any]) -> nw.LazyFrame[Any]:
    """Return a table in memory as one of the engine that has the rows."""
    engine = rows.implementation
    session = None
    if engine.is_spark_like():
        native: Any = rows.to_native()
        session = native.sparkSession
    return table.lazy(backend=engine, session=session)
