"""Parting: which groups of rows there are, and the rows of one, read as they are."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from winstan.engines.collecting import collected
from winstan.engines.failures import told_by
from winstan.engines.opening import name_of, with_declared_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.engines.opening import Source

_COUNT = "(count)"


def distinct_rows(source: Source, columns: Sequence[str]) -> tuple[nw.DataFrame[Any], np.ndarray]:
    """Return the distinct values of some columns, and how many rows have each, shape (n,)."""
    with told_by(source.engine):
        found = collected(source.table.group_by(*columns).agg(nw.len().alias(_COUNT)))
        found = with_declared_order(source.table, found)
    return found.select(*columns), found[_COUNT].to_numpy().astype(np.int64)


def rows_where(table: nw.LazyFrame[Any], values: Mapping[str, Any]) -> Any:
    """Read the rows that have some values, all columns, as a data frame of the engine's library."""
    rows = reduce(and_, (nw.col(name) == value for name, value in values.items()))
    with told_by(name_of(table)):
        return with_declared_order(table, collected(table.filter(rows))).to_native()
