"""Grouping: the distinct rows of some columns, their counts, and the response's moments in each.

A mean is corrected by the mean of what is left when it is taken away, and squares are those of
what is left, in a second pass over the rows: raw moments, and many an engine's own variance, lose
all digits where the mean is large beside the spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from winstan.data.grouped import Moments
from winstan.engines.counting import is_present
from winstan.engines.duckdb_sql import grouped_in_sql
from winstan.engines.expressions import function_of, left_side, number
from winstan.engines.failures import told_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.engines.counting import Counts, Question
    from winstan.engines.opening import Source
    from winstan.formula.binning import Grid

COUNT, WEIGHT, ALL = "(count)", "(weight)", "(all)"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Distinct rows, N of them.

    Attributes
    ----------
    keys : narwhals.DataFrame
        Sorted.
    count, weight : ndarray, shape (N,)
        Rows in each, and the sum of their frequency weights.
    moments : mapping of str to Moments
        By function of the response.
    """

    keys: nw.DataFrame[Any]
    count: Array
    weight: Array
    moments: Mapping[str, Moments]


def group_rows(source: Source, question: Question, counts: Counts, most: int) -> Groups:
    """Group rows by an engine.

    Parameters
    ----------
    source, question
    counts
        From `count_rows`: whether rows are to be left out.
    most
        Distinct rows that are fetched; one more says that there are more.

    Raises
    ------
    DataError
        If the engine fails.
    """
    rows = _rows(source, question, counts)
    keys = question.keys or (ALL,)
    weighted = question.weights is not None
    with told_by(source.engine):
        grouped = grouped_in_sql if source.is_duckdb else _grouped
        table = grouped(rows, keys, question.functions, weighted=weighted, most=most)
        table = table.sort(*keys, nulls_last=True)
    count = _array(table[COUNT])
    weight = _array(table[WEIGHT]) if weighted else count
    return Groups(
        keys=table.select(*question.keys) if question.keys else table.select(ALL),
        count=count,
        weight=weight,
        moments={name: _moments(table, name, weight) for name in question.functions},
    )


def _rows(source: Source, question: Question, counts: Counts) -> nw.LazyFrame[Any]:
    """Return the keys, weights and functions of the response of the rows in use."""
    table, schema = source.table, source.table.collect_schema()
    if not counts.all_used:
        used = is_present(question, schema)
        if question.weights is not None:
            used = used & (number(question.weights) > 0)
        table = table.filter(used)
    columns = [key(n, schema[n], counts.grids) for n in question.keys] or [nw.lit(0).alias(ALL)]
    if question.weights is not None:
        columns.append(number(question.weights).alias(WEIGHT))
    if question.response is not None:
        y = left_side(question.response)
        columns += [function_of(y, name).alias(f"({name})") for name in question.functions]
    return table.select(*columns)


def key(name: str, dtype: nw.dtypes.DType, grids: Mapping[str, Grid]) -> nw.Expr:
    """Return a column by which rows are grouped."""
    if name in grids:
        return grids[name].nearest(number(name), lambda x: x.floor()).alias(name)
    # Zero of either sign is one key, whatever the engine's hash says.
    return nw.col(name) + 0.0 if dtype.is_float() else nw.col(name)


def _grouped(
    rows: nw.LazyFrame[Any],
    keys: tuple[str, ...],
    functions: tuple[str, ...],
    *,
    weighted: bool,
    most: int,
) -> nw.DataFrame[Any]:
    """Group by narwhals, in one pass or two."""
    own = [nw.col(WEIGHT).sum()] if weighted else []
    first = (
        rows.group_by(*keys)
        .agg(nw.len().alias(COUNT), *own, *(nw.col(f"({f})").mean() for f in functions))
        .head(most + 1)
    )
    found = _collected(first)
    if not functions or len(found) > most:
        return found
    means = found.select(*keys, *(nw.col(f"({f})").alias(f"(mean {f})") for f in functions))
    second = rows.join(_like(rows, means), on=list(keys), how="inner")
    w = nw.col(WEIGHT) if weighted else nw.lit(1.0)
    terms: dict[str, nw.Expr] = {}
    for f in functions:
        rest = nw.col(f"({f})") - nw.col(f"(mean {f})")
        terms |= {f"(sum {f})": w * rest, f"(squares {f})": w * rest * rest}
    of_rows = second.select(*keys, *(term.alias(name) for name, term in terms.items()))
    of_rest = of_rows.group_by(*keys).agg(*(nw.col(name).sum() for name in terms))
    renamed = found.rename({f"({f})": f"(mean {f})" for f in functions})
    return renamed.join(_collected(of_rest), on=list(keys), how="inner")


def _collected(table: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    if table.implementation.is_polars():
        return table.collect(engine="streaming")
    return table.collect()


def _like(rows: nw.LazyFrame[Any], table: nw.DataFrame[Any]) -> nw.LazyFrame[Any]:
    """Return a table in memory as one of the engine that has the rows."""
    engine = rows.implementation
    session = None
    if engine.is_spark_like():
        native: Any = rows.to_native()
        session = native.sparkSession
    return table.lazy(backend=engine, session=session)


def _moments(table: nw.DataFrame[Any], name: str, weight: Array) -> Moments:
    """Correct a mean by the mean of what is left, and the squares by it."""
    mean, rest, squares = (_array(table[f"({kind} {name})"]) for kind in ("mean", "sum", "squares"))
    away = rest / weight
    return Moments(mean + away, np.maximum(squares - rest * away, 0.0))


def _array(column: nw.Series[Any]) -> Array:
    return np.asarray(column.to_numpy(), dtype=np.float64)
