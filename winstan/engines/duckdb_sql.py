"""The two passes in DuckDB's own words: sums compensated, the second beside the first's result.

``fsum`` and ``favg`` add up without losing digits, and so give the same bits in any number of
threads, in any order of the rows; plain sums differ from run to run. Of groups that it has yet to
make DuckDB guesses that they are as many as the rows, and would put all rows into the hash table of
the join. Of those that it is given it knows their number: half the time, a sixth of the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.engines.collecting import collected
from winstan.engines.passes import GROUP, ROWS, WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.engines.collecting import Tell
    from winstan.engines.passes import Request

_VIEW = "winstan_rows"


def first_pass(
    rows: nw.LazyFrame[Any], request: Request, tell: Tell | None = None
) -> nw.DataFrame[Any]:
    """As `winstan.engines.passes.first_pass`."""
    by = _listed(map(_quoted, request.keys))
    own = [f'count(*) AS "{ROWS}"']
    own += [f'fsum("{WEIGHT}") AS "{WEIGHT}"'] if request.weighted else []
    own += [f'favg("({f})") AS "(mean {f})"' for f in request.functions]
    for name, (how, column) in request.tallies.items():
        own.append(f"{how}({_quoted(column)}) AS {_quoted(name)}")
    query = f"SELECT {by}, {_listed(own)} FROM {_VIEW} GROUP BY {by} LIMIT {request.most + 1}"
    native: Any = rows.to_native()
    return collected(nw.from_native(native.query(_VIEW, query)), tell)


def second_pass(
    rows: nw.LazyFrame[Any],
    means: nw.DataFrame[Any],
    request: Request,
    tell: Tell | None = None,
) -> nw.DataFrame[Any]:
    """As `winstan.engines.passes.second_pass`."""
    winstan_means = means.to_native()  # noqa: F841 - DuckDB finds it by this name
    by = _listed(map(_quoted, request.keys))
    kept = [GROUP, *([WEIGHT] if request.weighted else [])]
    left = [f'"({f})" - "(mean {f})" AS "{f}"' for f in request.functions]
    times = f'"{WEIGHT}" * ' if request.weighted else ""
    sums = [f'fsum({times}"{f}") AS "(sum {f})"' for f in request.functions]
    sums += [f'fsum({times}"{f}" * "{f}") AS "(squares {f})"' for f in request.functions]
    rest = (
        f"SELECT {_listed([*map(_quoted, kept), *left])} "
        f"FROM {_VIEW} JOIN winstan_means USING ({by})"
    )
    query = f'SELECT "{GROUP}", {_listed(sums)} FROM ({rest}) GROUP BY "{GROUP}"'
    native: Any = rows.to_native()
    return collected(nw.from_native(native.query(_VIEW, query)), tell)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
