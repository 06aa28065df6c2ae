"""Collecting: what an engine answers, while Ctrl-C is heard and progress is told.

Where it works on several threads, DuckDB hears no Ctrl-C before its query has ended. So the query
is made in a thread of its own, and this one waits, and interrupts it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Callable

    type Tell = Callable[[float], None]
    """What is called with the percentage of a query that is done, again and again."""

_EVERY = 0.1  # seconds


def collected(table: nw.LazyFrame[Any], tell: Tell | None = None) -> nw.DataFrame[Any]:
    """Let an engine evaluate a table.

    Parameters
    ----------
    table
    tell
        Called where the engine says how far it is: DuckDB, where winstan opened the files.

    Raises
    ------
    KeyboardInterrupt
        At once; nothing is left running.
    """
    native: Any = table.to_native()
    if table.implementation is nw.Implementation.DUCKDB:
        connection = getattr(native, "_con", None)  # it has no public name
        if connection is None:
            return _heard(table)
    elif table.implementation is nw.Implementation.IBIS and native.get_backend().name == "duckdb":
        connection = native.get_backend().con
    else:
        return table.collect()
    with ThreadPoolExecutor(1) as thread:  # which ends when its query does
        answer = thread.submit(copy_context().run, table.collect)
        try:
            while True:
                try:
                    return answer.result(timeout=_EVERY)
                except TimeoutError:
                    if answer.done():
                        raise
                done = connection.query_progress()
                if tell is not None and done >= 0:
                    tell(done)
        except BaseException:
            connection.interrupt()
            raise


def _heard(table: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Evaluate a table by a DuckDB that hears Ctrl-C, and makes an error of its own of it."""
    try:
        return table.collect()
    except RuntimeError as error:
        if "Query interrupted" in str(error):
            raise KeyboardInterrupt from error
        raise
