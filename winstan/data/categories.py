"""Categories: the levels that a column declares, in their order, and each row's place among them.

An order that the user declared is kept: of a pandas category, a polars Enum, and an Arrow
dictionary that says ``ordered`` or was written by pandas. The dictionary of a polars Categorical,
or of an Arrow column that was encoded, stands in the order of appearance, which nobody chose: its
levels are sorted.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def declared_levels(series: nw.Series[Any]) -> tuple[list[Any], np.ndarray]:
    """Return the levels that a column of categories declares, and each row's place in them.

    Parameters
    ----------
    series
        Of narwhals' types Enum or Categorical.

    Returns
    -------
    levels : list
        In the order that was declared, or sorted where none was; those that no row has, too.
    codes : ndarray of int, shape (n,)
        From 0 up; -1 is a missing value.
    """
    native = series.to_native()
    if (array := _dictionary(native)) is not None:
        return _arrow_levels(array)
    if nw.dependencies.is_pandas_series(native):
        return native.array.categories.tolist(), np.asarray(native.array.codes)
    if isinstance(series.dtype, nw.Enum):
        levels = list(series.dtype.categories)
    else:
        levels = series.drop_nulls().unique().cast(nw.String).sort().to_list()
        native = series.cast(nw.Enum(levels)).to_native()
    codes = native.to_physical()
    if codes.null_count():
        return levels, codes.cast(int).fill_null(-1).to_numpy()
    return levels, codes.to_numpy()


def sorted_away(series: nw.Series[Any]) -> list[Any] | None:
    """Return the levels of an Arrow dictionary whose own order is given up for the sorted one.

    Returns
    -------
    list or None
        In the dictionary's order; None where that is sorted, or kept.
    """
    array = _dictionary(series.to_native())
    if array is None or array.type.ordered:
        return None
    levels = _values(array)
    return None if levels == _sorted(levels) else levels


def has_order(series: nw.Series[Any]) -> bool:
    """Whether the user said that the levels of a column are ordered."""
    if isinstance(series.dtype, nw.Enum):
        return True
    array = _dictionary(series.to_native()) if series.dtype == nw.Categorical else None
    return array is not None and bool(array.type.ordered)


def is_missing_level(series: nw.Series[Any]) -> np.ndarray | None:
    """Return the rows of an Arrow dictionary whose level is a missing value, if it has such."""
    array = _dictionary(series.to_native())
    if array is None or not any(pd.isna(value) for own, _ in _chunks(array) for value in own):
        return None
    return _arrow_levels(array)[1] < 0


def keep_pandas_order(table: Any) -> Any:
    """Mark the dictionaries of an Arrow table that pandas wrote of its categories as ordered.

    pandas' categories have an order even where they do not say ``ordered``, and it is the order
    of the dictionary; other writers' is the order of appearance.

    Parameters
    ----------
    table
        An Arrow table.
    """
    import pyarrow as pa  # noqa: PLC0415 - not everybody has it; who has a table does

    written = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}")).get("columns", ())
    names = {c.get("name") for c in written if c.get("pandas_type") == "categorical"}
    for place, field in enumerate(table.schema):
        if field.name in names and pa.types.is_dictionary(field.type) and not field.type.ordered:
            kind = pa.dictionary(field.type.index_type, field.type.value_type, ordered=True)
            chunks = [
                pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary, ordered=True)
                for chunk in table.column(place).chunks
            ]
            table = table.set_column(place, field.name, pa.chunked_array(chunks, kind))
    return table


def _dictionary(native: Any) -> Any:
    """Return a column as an Arrow array, if it is one of Arrow's dictionary type, or None."""
    if nw.dependencies.is_pandas_series(native) and isinstance(native.dtype, pd.ArrowDtype):
        native = native.array.__arrow_array__()
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is None or not isinstance(native, pyarrow.ChunkedArray):
        return None
    return native if pyarrow.types.is_dictionary(native.type) else None


def _chunks(array: Any) -> Iterator[tuple[list[Any], Any]]:
    """Return each chunk's dictionary and indices; most often all have one dictionary."""
    last, values = None, []
    for chunk in array.chunks:
        if last is None or not chunk.dictionary.equals(last):
            last = chunk.dictionary
            values = pd.Index(last.to_pandas()).tolist()
        yield values, chunk.indices


def _values(array: Any) -> list[Any]:
    """Return the values of all chunks' dictionaries, each once, in the order of appearance."""
    found: dict[Any, None] = {}
    last = None
    for values, _ in _chunks(array):
        if values is not last:
            found |= dict.fromkeys(value for value in values if not pd.isna(value))
            last = values
    return list(found)


def _arrow_levels(array: Any) -> tuple[list[Any], np.ndarray]:
    levels = _values(array)
    if not array.type.ordered:
        levels = _sorted(levels)
    place = {level: i for i, level in enumerate(levels)}
    parts = [np.empty(0, dtype=np.int64)]
    last, places = None, parts[0]
    for values, indices in _chunks(array):
        if values is not last:
            last = values
            places = np.array([place.get(value, -1) for value in values] + [-1], dtype=np.int64)
        at = indices.cast("int64").fill_null(len(values))
        parts.append(places[at.to_numpy(zero_copy_only=False)])
    return levels, np.concatenate(parts)


def _sorted(levels: Sequence[Any]) -> list[Any]:
    if all(a < b for a, b in pairwise(levels)):
        return list(levels)
    return sorted(levels)
