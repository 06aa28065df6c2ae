"""Repeats: whether rows share their predictors often enough to be grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from scipy.optimize import brentq

from winstan.data.columns import how_many
from winstan.engines.collecting import collected
from winstan.engines.expressions import key_of, with_doubles
from winstan.engines.failures import told_by
from winstan.engines.passes import ROWS
from winstan.errors import DataError
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.engines.counting import Question
    from winstan.engines.opening import Source
    from winstan.formula.binning import Grid

# What a model holds of a row: its columns as they came, as codes, in matrices, in cells.
_BYTES_OF_COLUMN, _BYTES_OF_ROW = 40, 200


def check_repeats(source: Source, question: Question, grids: Mapping[str, Grid], most: int) -> None:
    """Refuse predictors that hardly repeat, by the first rows, before the engine groups all."""
    seen = len(source.head)
    if not question.keys:
        return
    head = with_doubles(source.head, grids)
    keys = [key_of(name, head.schema[name], grids) for name in question.keys]
    # `unique` takes ten times as long of an Arrow table.
    distinct = len(head.select(*keys).group_by(*question.keys).agg(nw.len().alias(ROWS)))
    if distinct <= seen / 2:
        return
    about = _about(distinct, seen)
    if about <= most:
        return
    with told_by(source.engine):
        rows = int(collected(source.table.select(nw.len().alias(ROWS)))[ROWS].to_list()[0])
    if rows > most:
        about = min(about, rows)
        raise too_many_groups(source, question, f"about {about:,}", about)


def _about(distinct: int, seen: int) -> int:
    """Guess how many kinds of rows there are, all as frequent, by those among some rows."""
    if distinct >= seen:
        return 10**18
    # D (1 - exp(-n / D)) kinds are expected among n rows.
    low, high = float(distinct), 1e3 * seen * seen
    found = brentq(lambda D: -D * np.expm1(-seen / D) - distinct, low, high)
    return round(found)


def too_many_groups(source: Source, question: Question, how_many_rows: str, rows: int) -> DataError:
    """Say that rows do not repeat, which column is to blame, and what to do."""
    memory = rows * (_BYTES_OF_ROW + _BYTES_OF_COLUMN * len(question.keys))
    values = {name: source.head[name].n_unique() for name in question.keys}
    worst = max(values, key=lambda name: values[name])
    number = source.head[worst].dtype.is_numeric()
    remedy = "Take fewer of its levels, or leave it out"
    if worst in question.columns:
        remedy = (
            "It is the response, of which this family needs each value: gaussian, lognormal, "
            "gamma, exponential and beta need sums alone. Or make its values fewer in the engine, "
            "such as by rounding"
        )
    elif number:
        call = f"bin({quote_name(worst)}, 200)"
        remedy = (
            f"{call} in the formula takes the nearest of 200 evenly spaced values: it moves "
            f"{worst!r} by at most 1/398 of its range, and the linear predictor by that share of "
            "what it changes from one end to the other"
        )
    return DataError(
        f"{source.engine} would group the rows of {', '.join(map(repr, question.keys))} into "
        f"{how_many_rows} distinct ones, some {memory / 1e9:.1f} GB as a model: they hardly repeat."
        f" Column {worst!r} has {how_many(values[worst], 'value')} among the first "
        f"{len(source.head):,} rows. {remedy}."
    )
