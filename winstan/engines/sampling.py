"""Sampling: some rows of a source, all of its columns, by the engine's own sampler.

The same source gives the same rows to every model of it, so that models can be compared by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.data.columns import distinct_codes
from winstan.data.grouped import RowSample
from winstan.data.tables import column_names
from winstan.engines.collecting import collected
from winstan.engines.counting import ROW
from winstan.engines.expressions import key_of, left_side, number, with_doubles
from winstan.engines.failures import told_by
from winstan.engines.opening import with_declared_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.engines.counting import Question
    from winstan.engines.opening import Source
    from winstan.formula.binning import Grid

_SEED = 1
_OF_FILES = ("filename", "file_row_number")


def sample_rows(source: Source, wanted: int, n: int) -> Any:
    """Read a sample of rows into memory, each row with the same chance.

    Parameters
    ----------
    source
    wanted
        About how many rows.
    n
        How many there are.

    Returns
    -------
    A data frame of the library that the engine reads into, with all columns
    """
    share = min(wanted / n, 1.0)
    native: Any = source.table.to_native()
    with told_by(source.engine):
        if source.is_duckdb:
            rows = collected(nw.from_native(native.query("rows", _in_duckdb(source, share))))
            return with_declared_order(source.table, rows).to_native()
        if source.table.implementation.is_polars():
            return _of_polars(native, share)
        if source.table.implementation.is_dask():
            return native.sample(frac=share, random_state=_SEED).compute()
        if source.table.implementation.is_spark_like():
            return nw.from_native(native.sample(fraction=share, seed=_SEED)).collect().to_native()
        return nw.from_native(native.sample(share, seed=_SEED)).collect().to_native()


def _in_duckdb(source: Source, share: float) -> str:
    """Write the query: by the hashed numbers of rows in files, else by DuckDB's own sampler.

    That one works on a single thread where it has a seed, and numbers do on all.
    """
    if source.parquet is None or set(_OF_FILES) & set(column_names(source.table)):
        return f"SELECT * FROM rows USING SAMPLE {100 * share:.9f}% (bernoulli, {_SEED})"
    path, numbers = source.parquet.replace("'", "''"), ", ".join(_OF_FILES)
    return (
        f"SELECT * EXCLUDE ({numbers}) "
        f"FROM read_parquet('{path}', filename = true, file_row_number = true) "
        f"WHERE hash({numbers}, {_SEED}) <= {min(int(share * 2**64), 2**64 - 1)}"
    )


def _of_polars(native: Any, share: float) -> Any:
    """Take rows whose hashed number is small: which these are, no order of the rows can tell."""
    import polars as pl  # noqa: PLC0415 - the rows are its own

    within = pl.col(ROW).hash(_SEED) < int(share * 2**64)
    return native.with_row_index(ROW).filter(within).drop(ROW).collect(engine="streaming")


def match_rows(
    sampled: Any, keys: nw.DataFrame[Any], question: Question, grids: Mapping[str, Grid]
) -> RowSample:
    """Find the distinct row of each sampled row; those that a model leaves out have none.

    Parameters
    ----------
    sampled
        Of `sample_rows`.
    keys
        The distinct rows.
    question, grids
        As the rows were grouped.
    """
    table = nw.from_native(sampled, eager_only=True)
    weights = () if question.weights is None else (question.weights,)
    of_numbers = question.columns if question.response is not None else ()
    table = with_doubles(table, (*grids, *of_numbers, *weights))
    own = table.select(*(key_of(n, table.schema[n], grids) for n in question.keys))
    n, m = len(keys), len(table)
    at = np.zeros(m, int)
    if question.keys:
        _, number_of = distinct_codes(
            (_codes(keys[name], own[name]) for name in question.keys), n + m
        )
        place = np.full(n + m, -1)
        place[number_of[:n]] = np.arange(n)
        at = place[number_of[n:]]
    used = at >= 0
    y = w = None
    if question.response is not None:
        y = _doubles(table, left_side(question.response))
        used &= np.isfinite(y)
    if question.weights is not None:
        w = _doubles(table, number(question.weights))
        used &= w > 0
    return RowSample(at[used], None if y is None else y[used], None if w is None else w[used])


def _codes(a: nw.Series[Any], b: nw.Series[Any]) -> tuple[np.ndarray, int]:
    """Return codes of two columns of one type, missing values as one of them; how many."""
    both = pd.concat([one.to_pandas().astype(object) for one in (a, b)], ignore_index=True)
    codes, values = pd.factorize(both, use_na_sentinel=False)
    return codes, len(values)


def _doubles(table: nw.DataFrame[Any], values: nw.Expr) -> np.ndarray:
    return np.asarray(table.select(values.alias("x"))["x"].to_numpy(), dtype=np.float64)
