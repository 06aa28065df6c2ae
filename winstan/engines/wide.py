"""Whole numbers of 128 bits, which NumPy lacks: as DuckDB's doubles, ids would be merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.engines.collecting import collected

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDS = ("min", "max")
_NARROWER = ((nw.Int64, -(2**63), 2**63 - 1), (nw.UInt64, 0, 2**64 - 1))


def within_64_bits(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Give columns of 128 bits as whole numbers of 64, or as text where these do not hold them.

    Sums of whole numbers are of 128 bits in DuckDB, and so are the long ids of a CSV file: numbers
    of more digits than any measurement has are names.
    """
    wide = [n for n, d in table.collect_schema().items() if d in (nw.Int128, nw.UInt128)]
    if not wide:
        return table
    ends = {f"{end} {n}": getattr(nw.col(n), end)().cast(nw.String) for n in wide for end in _ENDS}
    found = collected(table.select(**ends))
    first = {name: found[name].to_list()[0] for name in ends}
    return table.with_columns(*(nw.col(n).cast(_narrower(n, first)) for n in wide))


def _narrower(name: str, ends: Mapping[str, str | None]) -> Any:
    low, high = (int(ends[f"{end} {name}"] or 0) for end in _ENDS)
    fitting = (dtype for dtype, least, most in _NARROWER if least <= low and high <= most)
    return next(fitting, nw.String)
