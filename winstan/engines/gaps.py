"""NaN as nulls, where DuckDB reads the rows.

DuckDB answers ``isnan(x)``, and filters by it, from the statistics of parquet files, which leave
NaN out. A sum is of the values themselves, and so is what a random number, times zero, has been
added to. Ibis may have DuckDB beneath it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.engines.collecting import collected

if TYPE_CHECKING:
    from collections.abc import Iterable


def without_nan(table: nw.LazyFrame[Any], columns: Iterable[str]) -> nw.LazyFrame[Any]:
    """Put nulls in place of the NaN of some columns of doubles, if they have any."""
    names, engine = list(columns), table.implementation
    if engine not in (nw.Implementation.DUCKDB, nw.Implementation.IBIS):
        return table.with_columns(
            nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name) for name in names
        )
    sums = collected(table.select(*(nw.col(name).cast(nw.Float64).sum() for name in names)))
    totals = {name: sums[name].to_list()[0] for name in names}
    suspects = [name for name, total in totals.items() if total is not None and math.isnan(total)]
    if not suspects:
        return table
    native: Any = table.to_native()
    if engine is nw.Implementation.IBIS:
        import ibis  # noqa: PLC0415 - the rows are its table

        mended = {
            name: ibis.ifelse((native[name] + ibis.random() * 0.0).isnan(), None, native[name])
            for name in suspects
        }
        return nw.from_native(native.mutate(**mended))
    replaced = ", ".join(
        f"CASE WHEN isnan({x} + random() * 0) THEN NULL ELSE {x} END AS {x}"
        for x in ('"' + name.replace('"', '""') + '"' for name in suspects)
    )
    return nw.from_native(native.project(f"* REPLACE ({replaced})"))
