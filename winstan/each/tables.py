"""Tables of all groups: one below the other, and what they are across the groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.fitted.reprs import round_table

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = 30
"""Parameters that are shown."""


def _keys(by: tuple[str, ...], keys: list[Any]) -> pd.DataFrame:
    values = [[key] for key in keys] if len(by) == 1 else [list(key) for key in keys]
    return pd.DataFrame(values, columns=list(by))


def table_of(
    by: tuple[str, ...], rows: list[tuple[Any, dict[str, Any]]], columns: list[str]
) -> pd.DataFrame:
    """Make a table of one row for each pair of a key and what is said of it."""
    keys = _keys(by, [key for key, _ in rows])
    said = pd.DataFrame([row for _, row in rows], columns=columns or None)
    return pd.concat([keys, said], axis=1)


def join_tables(
    by: tuple[str, ...], tables: Mapping[Any, pd.DataFrame], ok: Mapping[Any, bool]
) -> pd.DataFrame:
    """Put tables one below the other, the group's key before them and its verdict behind."""
    tables = {key: table.copy(deep=False) for key, table in tables.items()}
    words = {
        name: list(dict.fromkeys(t.attrs[name] for t in tables.values() if name in t.attrs))
        for name in ("estimand", "measure")
    }
    for table in tables.values():
        table.attrs = {}  # pd.concat compares them
    keys = [key for key, table in tables.items() for _ in range(len(table))]
    out = pd.concat([_keys(by, keys), pd.concat(tables.values(), ignore_index=True)], axis=1)
    out = out.assign(ok=[ok[key] for key in keys])
    out.attrs |= {name: "; ".join(said) for name, said in words.items() if said}
    return out


def across(
    table: pd.DataFrame, group_effects: tuple[str, ...], contrasts: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, str]:
    """Return what the groups' estimates of each parameter and contrast are, and what is left out.

    Group effects, whose levels are often each group's own, are left out.

    Parameters
    ----------
    table
        As of `FitEach.table`.
    group_effects
        How the names of group effects begin.
    contrasts
        By predictor.
    """
    effect = table["parameter"].str.startswith(group_effects).to_numpy(bool)
    parts = [_spread(table[~effect])]
    for name, contrast in contrasts.items():
        label = "contrast " + name + ", " + contrast["contrast"].astype(str)
        if effects.CATEGORY in contrast:
            label = label + ", category " + contrast[effects.CATEGORY].astype(str)
        if "groups" in contrast:
            label = label + " (" + contrast["groups"].astype(str) + ")"
        parts.append(_spread(contrast.assign(parameter=label)))
    out = pd.concat(parts)
    n_effects = table.loc[effect, "parameter"].nunique()
    left = []
    if n_effects:
        left.append(f"{n_effects:,} group effects are not shown; .table has them all.")
    if len(out) > ROWS:
        left.append(f"{len(out) - ROWS:,} more rows are not shown.")
    return out.iloc[:ROWS], " ".join(left)


def _spread(table: pd.DataFrame) -> pd.DataFrame:
    """Describe the posterior means of all groups, and their uncertainty."""
    rows: dict[str, Any] = {}
    for label, part in table.groupby("parameter", sort=False):
        mean = part["mean"].to_numpy()
        low, middle, high = np.quantile(mean, [0.05, 0.5, 0.95])
        rows[str(label)] = {
            "median": middle,
            "q5": low,
            "q95": high,
            "sd": float(np.median(part["sd"])),
            "groups": len(part),
        }
    found = pd.DataFrame.from_dict(rows, orient="index")
    numbers = round_table(found[["median", "q5", "q95", "sd"]])
    return numbers.assign(groups=[f"{n:,}" for n in found["groups"]])
