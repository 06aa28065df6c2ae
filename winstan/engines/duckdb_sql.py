"""Grouping in DuckDB's own words: sums compensated, and the second pass beside the first's result.

``fsum`` and ``favg`` add up without losing digits, and so give the same bits in any number of
threads, in any order of the rows; plain sums differ from run to run. Of groups that it has yet to
make DuckDB guesses that they are as many as the rows, and would put all rows into the hash table of
the join. Of those that it is given it knows their number: half the time, a sixth of the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_ROWS = "winstan_rows"


def grouped_in_sql(
    rows: nw.LazyFrame[Any],
    keys: tuple[str, ...],
    functions: tuple[str, ...],
    *,
    weighted: bool,
    most: int,
) -> nw.DataFrame[Any]:
    """Group a relation.

    Parameters
    ----------
    rows
        Its keys, ``(weight)`` if weighted, and each function of the response, ``(log)``.
    keys, functions
    weighted
    most
        Distinct rows that are fetched; one more says that there are more.

    Returns
    -------
    narwhals.DataFrame
        The keys, ``(count)``, ``(weight)``; and of each function ``(mean log)``, with
        ``(sum log)`` and ``(squares log)`` of what is left of it.
    """
    relation: Any = rows.to_native()
    by = _listed(map(_quoted, keys))
    own = ['count(*) AS "(count)"']
    own += ['fsum("(weight)") AS "(weight)"'] if weighted else []
    own += [f'favg("({f})") AS "(mean {f})"' for f in functions]
    query = f"SELECT {by}, {_listed(own)} FROM {_ROWS} GROUP BY {by} LIMIT {most + 1}"
    # pandas keeps the declared order of an ENUM, which Arrow does not
    found = relation.query(_ROWS, query).df()
    if functions and len(found) <= most:
        found = found.merge(
            _rest(relation, found, keys, functions, weighted=weighted), on=list(keys)
        )
    return nw.from_native(found, eager_only=True)


def _rest(
    relation: Any,
    winstan_means: pd.DataFrame,
    keys: tuple[str, ...],
    functions: tuple[str, ...],
    *,
    weighted: bool,
) -> pd.DataFrame:
    """Sum what is left of each function when its mean is taken away, and the squares of it.

    DuckDB finds the means by their name in this function.
    """
    by = _listed(map(_quoted, keys))
    kept = [_quoted(key) for key in keys] + ([f'{_ROWS}."(weight)"'] if weighted else [])
    left = [f'"({f})" - "(mean {f})" AS "{f}"' for f in functions]
    times = '"(weight)" * ' if weighted else ""
    sums = [f'fsum({times}"{f}") AS "(sum {f})"' for f in functions]
    sums += [f'fsum({times}"{f}" * "{f}") AS "(squares {f})"' for f in functions]
    rest = f"SELECT {_listed([*kept, *left])} FROM {_ROWS} JOIN winstan_means USING ({by})"
    found: pd.DataFrame = relation.query(
        _ROWS, f"SELECT {by}, {_listed(sums)} FROM ({rest}) GROUP BY {by}"
    ).df()
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
