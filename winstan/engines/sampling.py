"""Sampling: some rows of a source, all of its columns, by the engine's own sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.data.tables import column_names
from winstan.engines.collecting import collected
from winstan.engines.counting import ROW
from winstan.engines.failures import told_by
from winstan.engines.opening import with_declared_order

if TYPE_CHECKING:
    from winstan.engines.opening import Source

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
