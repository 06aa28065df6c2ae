"""How `FitEach` shows itself: the verdict, then each parameter across the groups."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.data.columns import how_many, some_levels
from winstan.fitted.reprs import round_table
from winstan.plots.words import percent
from winstan.progress import duration

if TYPE_CHECKING:
    from winstan.each.result import FitEach

ROWS = 30
"""Parameters that are shown."""
NAMED = 5


def as_text(result: FitEach) -> str:
    """Verdict, then the table."""
    table, left_out = across(result)
    lines = [*_heading(result), "", result.verdict, "", _caption(result), table.to_string()]
    return "\n".join([*lines, "", left_out] if left_out else lines)


def as_html(result: FitEach) -> str:
    """Verdict, then the table, as HTML."""
    table, left_out = across(result)
    title, *rest = _heading(result)
    colour = "#009E73" if result.ok else "#D55E00"
    parts = [
        f"<div><b>{escape(title)}</b><br>{escape(' '.join(rest))}</div>",
        f'<div style="border-left: 4px solid {colour}; padding-left: 0.6em; margin: 0.6em 0">'
        f"{escape(result.verdict)}</div>",
        f"<div>{escape(_caption(result))}</div>",
        table.to_html(border=0),
    ]
    return "\n".join([*parts, f"<div>{escape(left_out)}</div>"] if left_out else parts)


def named_groups(result: FitEach, keys: list[Any]) -> str:
    """How many of the groups these are, and some names: ``2 of 5 groups by cell ('n1', 'n4')``."""
    groups = how_many(len(result.keys), "group")
    return f"{len(keys):,} of {groups} by {' and '.join(result.by)} ({some_levels(keys, NAMED)})"


def verdict_of(result: FitEach) -> str:
    """How many groups have converged, and which have not, or failed."""
    verdicts = result.verdicts
    failed = ~verdicts["fitted"].to_numpy(bool)
    bad = ~verdicts["ok"].to_numpy(bool) & ~failed
    n = len(verdicts)
    if verdicts["ok"].all():
        words = [f"All {n:,} groups converged" if n > 1 else "The group converged"]
    else:
        words = [f"{int(verdicts['ok'].sum()):,} of {how_many(n, 'group')} converged"]
    for these, what in ((bad, "did not"), (failed, "could not be fitted")):
        if these.any():
            keys = [result.keys[i] for i in np.flatnonzero(these)]
            words.append(f"{len(keys):,} {what} ({some_levels(keys, NAMED)})")
    after = result.failures[result.failures["step"] != "fit"]
    if len(after):
        words.append(f"{how_many(len(after), 'contrast')} could not be computed")
    return "; ".join(words) + "."


def across(result: FitEach) -> tuple[pd.DataFrame, str]:
    """Return what the groups' estimates of each parameter and contrast are, and what is left out.

    Group effects, whose levels are often each group's own, are left out.
    """
    table = result.table
    effect = table["parameter"].str.startswith(result._effects).to_numpy(bool)
    parts = [_spread(table[~effect])]
    for name in result.predictors:
        contrast = result.contrast(name)
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


def _caption(result: FitEach) -> str:
    return (
        "Posterior means of the groups: median, 5% and 95% quantiles; and the median posterior sd."
        if len(result.keys) > 1
        else "Posterior mean and sd."
    )


def _heading(result: FitEach) -> list[str]:
    each = " and ".join(result.by)
    parts = [f"{how_many(len(result.keys), 'group')} of {how_many(result.n_rows, 'row')}"]
    if result.missing:
        where = ", ".join(f"{name} ({count:,})" for name, count in result.missing.items())
        parts.append(f"in no group, for a missing value: {where}")
    parts.append(duration(result.seconds))
    return [
        f"{result.formula}, by {each}  [{result.family}, {result.link} link, {result.backend}]",
        f"{'; '.join(parts)}. Intervals of .table are {percent(result.prob)}"
        f" {'highest-density' if result.interval == 'hdi' else 'equal-tailed'} intervals.",
    ]
