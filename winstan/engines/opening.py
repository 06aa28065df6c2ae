"""Opening: files, and lazy frames of any engine, as a `Source`; small ones as data in memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.data.tables import column_names, open_table
from winstan.engines.collecting import collected
from winstan.engines.failures import told_by
from winstan.engines.files import Files, find_files
from winstan.engines.wide import within_64_bits
from winstan.errors import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.data.tables import Table

IN_MEMORY = 10_000_000
"""Values (rows times columns) up to which a lazy frame or a file is read into memory, as 80 MB."""

_JUDGED = 100_000  # rows of large files by which to judge how often predictors repeat

MEMORY = "1GB"
"""What DuckDB may take of the memory where winstan reads files by it; beyond that it uses disk."""

_SIZE = re.compile(r"\d+(\.\d+)? ?[KMGT]i?B", re.IGNORECASE)

_DUCKDB = nw.Implementation.DUCKDB
_NAMES = {
    _DUCKDB: "DuckDB",
    nw.Implementation.POLARS: "polars",
    nw.Implementation.DASK: "Dask",
    nw.Implementation.PYSPARK: "PySpark",
    nw.Implementation.PYSPARK_CONNECT: "PySpark",
    nw.Implementation.IBIS: "Ibis",
    nw.Implementation.SQLFRAME: "SQLFrame",
}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Rows that an engine reads, wherever they are.

    Attributes
    ----------
    table : narwhals.LazyFrame
    engine : str
        Its name, for messages.
    head : narwhals.DataFrame
        The first rows, by which to judge how often predictors repeat.
    progress : bool or None
        Whether to say what the engine is at; None does where a person looks on.
    files : Files or None
        The files that it is, where winstan opened them.
    """

    table: nw.LazyFrame[Any]
    engine: str
    head: nw.DataFrame[Any]
    progress: bool | None = None
    files: Files | None = None

    @property
    def is_duckdb(self) -> bool:
        """Whether it is a DuckDB relation, which is asked in SQL."""
        return self.table.implementation is _DUCKDB

    @property
    def parquet(self) -> str | None:
        """The path or pattern of parquet files that DuckDB reads, or None."""
        is_it = self.is_duckdb and self.files is not None and self.files.kind == "parquet"
        return self.files.pattern if is_it and self.files else None


def enter(data: Any, *, in_memory: int = IN_MEMORY, progress: bool | None = None) -> Any:
    """Take data in: as they are if in memory, read if small, else as a `Source`.

    Parameters
    ----------
    data
        What `winstan.fit` takes.
    in_memory
        Values, rows times columns, up to which lazy data are read.
    progress
        Of the `Source`.

    Returns
    -------
    Source, or data that `winstan.data.tables.open_table` takes

    Raises
    ------
    DataError
        If there are no such files, nothing reads them, or the engine fails.
    """
    if isinstance(data, Source):
        return data if progress is None else replace(data, progress=progress)
    files = find_files(os.fspath(data)) if isinstance(data, str | os.PathLike) else None
    return _entered(data if files is None else _scanned(files), files, in_memory, progress)


def scan(
    path: str | os.PathLike[str],
    *,
    memory_limit: str = MEMORY,
    temp_directory: str | os.PathLike[str] | None = None,
) -> Any:
    """Open files with a limit of memory of your own.

    Parameters
    ----------
    path : str or path
        Of a parquet or CSV file, or a pattern for several: ``"data/*.parquet"``.
    memory_limit : str, default "1GB"
        What DuckDB may take of the memory, such as ``"500MB"`` or ``"8GiB"``. Beyond that it
        writes to the disk.
    temp_directory : str or path, optional
        The folder for that; the system's own by default.

    Returns
    -------
    What `fit` and `fit_each` take as `data`.

    Raises
    ------
    OptionError
        If the limit is no size, there is no such folder, or DuckDB is not installed.
    DataError
        If there are no such files, or they cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import polars as pl
    >>> import winstan as ws
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trials.parquet"
    >>> pl.from_pandas(ws.simulate_lfp(seed=1)).write_parquet(path)
    >>> trials = ws.scan(path, memory_limit="500MB")
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, seed=1, silence="all")
    """
    if not _SIZE.fullmatch(str(memory_limit)):
        raise OptionError(f"memory_limit= must be a size, such as '4GB', not {memory_limit!r}.")
    if temp_directory is not None and not Path(temp_directory).is_dir():
        raise OptionError(
            f"temp_directory= must be a folder, and there is none {temp_directory!r}."
        )
    if find_spec("duckdb") is None:
        raise OptionError("memory_limit= is DuckDB's: pip install 'winstan[duckdb]'.")
    files = find_files(os.fspath(path))
    table = _by_duckdb(files, str(memory_limit), os.fspath(temp_directory or gettempdir()))
    return _entered(table, files, IN_MEMORY, None)


def _entered(data: Any, files: Files | None, in_memory: int, progress: bool | None) -> Any:
    """Read what is small, and leave the rest where it is."""
    table = open_table(data)
    if not isinstance(table, nw.LazyFrame):
        return data
    engine = name_of(table)
    with told_by(engine):
        table = within_64_bits(table)
    rows = max(in_memory // max(len(column_names(table)), 1), 1)
    with told_by(engine):
        # Files are read again without work, unlike what a lazy frame or a query makes.
        is_large = files is not None and _has_more(table, rows)
        head = collected(table.head(min(_JUDGED, rows + 1) if is_large else rows + 1))
        head = with_declared_order(table, head)
    if not (is_large or len(head) > rows):
        return head.to_native()
    return Source(table, engine, head, progress, files)


def name_of(table: nw.LazyFrame[Any]) -> str:
    """Return the name of a table's engine, for messages."""
    return _NAMES.get(table.implementation, str(table.implementation))


def _has_more(table: nw.LazyFrame[Any], rows: int) -> bool:
    found = collected(table.head(rows + 1).select(nw.len().alias("n")))
    return bool(found["n"].to_list()[0] > rows)


def open_data(data: Any) -> Table:
    """Open files or a data frame of any library, and evaluate nothing of what is lazy."""
    if isinstance(data, str | os.PathLike):
        return _scanned(find_files(os.fspath(data)))
    return open_table(data)


def with_declared_order(table: nw.LazyFrame[Any], rows: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Give columns of a DuckDB ENUM the order that it declares, which Arrow does not keep."""
    if table.implementation is not _DUCKDB:
        return rows
    enums = {n: d for n, d in table.collect_schema().items() if isinstance(d, nw.Enum)}
    if not enums or not rows.implementation.is_pyarrow():
        return rows
    import pyarrow as pa  # noqa: PLC0415 - the rows are its table

    native = rows.to_native()
    for name, dtype in enums.items():
        levels = list(dtype.categories)
        place = native.schema.get_field_index(name)
        text = native.column(place).cast(pa.string())
        codes = pa.compute.index_in(text, value_set=pa.array(levels)).combine_chunks()
        column = pa.DictionaryArray.from_arrays(codes, pa.array(levels), ordered=True)
        native = native.set_column(place, name, column)
    return nw.from_native(native, eager_only=True)


def _scanned(files: Files) -> nw.LazyFrame[Any]:
    """Open files, by DuckDB or by polars."""
    if find_spec("duckdb") is not None:
        return _by_duckdb(files)
    if find_spec("polars") is not None:
        return _by_polars(files)
    raise DataError(
        f"{files.pattern!r} is read by DuckDB or polars, and neither is installed: "
        "pip install 'winstan[duckdb]'."
    )


def _by_duckdb(
    files: Files, memory_limit: str = MEMORY, temp_directory: str | None = None
) -> nw.LazyFrame[Any]:
    import duckdb  # noqa: PLC0415 - an extra

    with told_by("DuckDB"):
        connection = duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "temp_directory": temp_directory or gettempdir(),
                "enable_external_file_cache": False,  # files would fill the memory that is allowed
            }
        )
        connection.execute("SET enable_progress_bar = true")  # it is asked for, and not printed
        connection.execute("SET enable_progress_bar_print = false")
        read = connection.read_parquet if files.kind == "parquet" else _csv_of(connection)
        return nw.from_native(read(files.pattern))


def _csv_of(connection: Any) -> Callable[[str], Any]:
    """Read CSV files in which text of no letters, in quotes, is text, as it is to every other."""
    return partial(connection.read_csv, allow_quoted_nulls=False)


def _by_polars(files: Files) -> nw.LazyFrame[Any]:
    import polars as pl  # noqa: PLC0415 - an extra

    with told_by("polars"):
        scan = pl.scan_parquet if files.kind == "parquet" else pl.scan_csv
        table = nw.from_native(scan(files.pattern))
        table.collect_schema()
        return table
