"""Groups of rows: which there are, the rows of each, and each one's seed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan.data.categories import declared_levels
from winstan.data.columns import distinct_codes
from winstan.data.frame import tell_missing
from winstan.data.tables import check_columns, missing_mask, open_table, take_columns
from winstan.engines import Source, distinct_rows, enter, open_data, rows_where
from winstan.errors import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

# What the result's tables call their own columns.
TAKEN = frozenset(
    (
        *("parameter", "mean", "sd", "ess_bulk", "ess_tail", "r_hat", "mcse_mean"),
        *("contrast", "groups", "p_direction", "p_rope"),
        *("fitted", "ok", "verdict", "rows", "seed", "seconds"),
        *("max_r_hat", "min_ess_bulk", "min_ess_tail", "n_divergent"),
        *("step", "error", "warning", "name", "message"),
    )
)

_NONE_LEFT = "have a missing value of by=, in {}: there is no group."
_LEFT_OUT = "in no group, and left out: their group is missing, in {}."


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A data frame, parted by the values of some columns.

    Attributes
    ----------
    by : tuple of str
        The columns.
    keys : tuple
        The groups in their order: values of the column, or tuples of values if there are several.
        A factor's levels keep their order; other values are sorted, if they can be.
    rows : tuple of ndarray of int, or of range
        Positions of each group's rows in the data; within the group where it is read by itself.
    n_rows : int
        Rows of the data.
    missing : mapping of str to int
        Rows whose value is missing, by column, where there are any.
    table
        The data, as `open_table` gives them; lazy where each group is read by itself.
    """

    by: tuple[str, ...]
    keys: tuple[Hashable, ...]
    rows: tuple[np.ndarray | range, ...]
    n_rows: int
    missing: Mapping[str, int]
    table: Any

    def part(self, i: int) -> Any:
        """Return the rows of a group, all columns, as a data frame of the user's own kind."""
        if isinstance(self.table, nw.LazyFrame):
            found = rows_where(self.table, dict(zip(self.by, self._values(i), strict=True)))
            if len(found) != len(self.rows[i]):
                raise DataError(
                    f"The rows of {self.name(i)} are {len(found):,}, and were "
                    f"{len(self.rows[i]):,} when they were counted: what is read has changed. "
                    "Fit again when it is written to the end."
                )
            return found
        if isinstance(self.table, pd.DataFrame):
            return self.table.iloc[self.positions(i)]
        return self.table[self.positions(i)].to_native()

    def positions(self, i: int) -> np.ndarray:
        """Return where a group's rows stand, as `rows` does, shape (n,)."""
        return np.asarray(self.rows[i])

    def name(self, i: int) -> str:
        """Return a group as messages name it: ``neuron 'n3'``."""
        pairs = zip(self.by, self._values(i), strict=True)
        return ", ".join(f"{column} {value!r}" for column, value in pairs)

    def _values(self, i: int) -> tuple[Any, ...]:
        key: Any = self.keys[i]
        return key if len(self.by) > 1 else (key,)


def partition(data: Any, by: str | list[str] | tuple[str, ...]) -> Parts:
    """Part a data frame.

    Parameters
    ----------
    data
        As for `winstan.fit`.
    by
        A column, or several.

    Raises
    ------
    OptionError
        If `by` is no name or names, or one that the tables of results have themselves.
    DataError
        If there is no such column, no row, or no value.

    Warns
    -----
    DesignWarning
        ``missing_rows``, if rows are left out because their group is missing.
    """
    names = _names(by)
    check_columns(data.table if isinstance(data, Source) else open_data(data), names)
    entered = enter(data)
    if isinstance(entered, Source):
        return _apart(entered, names)
    table = open_table(entered)
    assert not isinstance(table, nw.LazyFrame)  # it has entered
    n_rows = len(table)
    if n_rows == 0:
        raise DataError("The data frame is empty: it has no rows.")
    columns = take_columns(table, names)
    masks = {name: missing_mask(columns[name]) for name in names}
    missing = {name: int(mask.sum()) for name, mask in masks.items() if mask.any()}
    kept = np.flatnonzero(~np.logical_or.reduce(list(masks.values())))
    if missing:
        tell_missing(missing, n_rows, len(kept), none_left=_NONE_LEFT, left_out=_LEFT_OUT)
    if missing:
        columns = columns[kept]
    keys, group = _keys_of(columns)
    at = np.argsort(group, kind="stable")
    edges = np.cumsum(np.bincount(group))[:-1]
    return Parts(names, keys, tuple(np.split(kept[at], edges)), n_rows, missing, table)


def _apart(source: Source, names: tuple[str, ...]) -> Parts:
    """Part data that stay where they are: their groups are counted, and each is read by itself."""
    distinct, count = distinct_rows(source, names)
    n_rows = int(count.sum())
    masks = {name: missing_mask(distinct[name]) for name in names}
    missing = {name: int(count[mask].sum()) for name, mask in masks.items() if mask.any()}
    kept = np.flatnonzero(~np.logical_or.reduce(list(masks.values())))
    if missing:
        n_kept = int(count[kept].sum())
        tell_missing(missing, n_rows, n_kept, none_left=_NONE_LEFT, left_out=_LEFT_OUT)
    keys, group = _keys_of(distinct[kept])
    sizes = np.bincount(group, weights=count[kept]).astype(int)
    return Parts(names, keys, tuple(map(range, sizes)), n_rows, missing, source.table)


def _keys_of(columns: nw.DataFrame[Any]) -> tuple[tuple[Hashable, ...], np.ndarray]:
    """Return the groups in their order, and the number of each row's."""
    coded = [_codes(columns[name]) for name in columns.columns]
    first, row = distinct_codes(((codes, len(levels)) for codes, levels in coded), len(columns))
    ranks = np.column_stack([codes[first] for codes, _ in coded])
    order = np.lexsort(ranks.T[::-1])
    values = [[levels[code] for code in codes[first[order]]] for codes, levels in coded]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return tuple(values[0] if len(values) == 1 else zip(*values, strict=True)), place[row]


def seed_of(key: Hashable, seed: int) -> int:
    """Return the seed of a group: of its own key, so that no other group changes it.

    NumPy's `SeedSequence` is spawned with the digest of the key where its `spawn` would count.

    Parameters
    ----------
    key
        Of `Parts.keys`.
    seed
        The seed of all.

    Returns
    -------
    int
        From 0 to 2^31 - 1, which every backend takes.
    """
    digest = np.frombuffer(sha256(repr(key).encode()).digest(), dtype="<u4")
    child = np.random.SeedSequence(seed, spawn_key=tuple(map(int, digest)))
    return int(child.generate_state(1, np.uint32)[0] >> 1)


def _names(by: Any) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, list | tuple) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise OptionError(
            f'by= takes the name of a column, or a list of several, not {by!r}: by="neuron".'
        )
    if len(set(names)) < len(names):
        raise OptionError(f"by={by!r} names a column twice.")
    for name in names:
        if name in TAKEN or name.startswith(("hdi_", "eti_")):
            raise OptionError(
                f"by={name!r}: the tables of results have a column of that name. Rename yours."
            )
    return names


def _codes(column: nw.Series[Any]) -> tuple[np.ndarray, list[Any]]:
    """Return the codes of a column's rows, and its values in the order of the codes."""
    native = column.to_native()
    pandas_like = nw.dependencies.is_pandas_series(native)
    # A polars Categorical has no order: its values are sorted as any others are
    if isinstance(column.dtype, nw.Enum | nw.Categorical):
        declared, codes = declared_levels(column)
        used = np.unique(codes)
        return np.searchsorted(used, codes), [declared[code] for code in used]
    codes, uniques = pd.factorize(native.array if pandas_like else column.to_numpy())
    levels = [v.item() if isinstance(v, np.generic) else v for v in pd.Index(uniques).tolist()]
    try:
        order = sorted(range(len(levels)), key=levels.__getitem__)
    except TypeError:  # of several types: as they come
        return codes, levels
    rank = np.empty(len(levels), dtype=np.int64)
    rank[order] = np.arange(len(levels))
    return rank[codes], [levels[i] for i in order]
