"""Contrasts and means as tidy tables: summaries, and the draws behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.effects.intervals import (
    SIMULTANEOUS,
    interval_names,
    largest_distance,
    probabilities,
    simultaneous_ends,
    summarise_values,
)
from winstan.effects.rope import shares_inside
from winstan.effects.strata import level_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.contrasts import Contrast
    from winstan.options import Interval, Probability


def contrast_tables(
    results: Sequence[Contrast],
    prob: Probability,
    interval: Interval,
    *,
    simultaneous: bool = False,
) -> list[pd.DataFrame]:
    """Summarise contrasts: contrast, [by], [groups], mean, sd, intervals, p_direction, p_rope.

    p_direction is the larger of the posterior probabilities of being above and below no effect
    (0, or 1 for a ratio); see Makowski et al. (2019), Frontiers in Psychology 10, 2767: of
    directions, of a turn by up to pi one way or the other. p_rope is
    the probability of lying within the region of practical equivalence, whose ends are in
    ``attrs["rope"]`` (of contrasts of more than two means, those of two; theirs are as much wider
    as their weights are larger). Of models with group terms, `groups` is whose effect it is, and
    ``attrs["estimand"]`` says so in words; ``attrs["measure"]`` what the numbers are.

    Parameters
    ----------
    results
    prob, interval
        Probabilities and kind of the intervals.
    simultaneous
        Add the ends of intervals that hold all contrasts of all results at once (``sim_3%``). Of
        ratios they are those of their logarithms.
    """
    largest: Array | None = None
    if simultaneous:
        far = [
            largest_distance(r.draws, circular=r.circular, spread=r.measure.spread) for r in results
        ]
        largest = np.asarray(np.max(far, axis=0), float)
    return [contrast_table(one, prob, interval, largest) for one in results]


def contrast_table(
    result: Contrast, prob: Probability, interval: Interval, largest: Array | None = None
) -> pd.DataFrame:
    """Summarise contrasts of one result; with each draw's `largest` distance, all at once too."""
    draws = result.draws
    n_contrasts, n_levels = draws.shape[1:]
    found = summarise_values(draws, prob, interval, circular=result.circular)
    if largest is not None:
        found |= _simultaneous(result, prob, largest)
    columns: dict[str, Any] = {"contrast": np.repeat(np.array(result.labels, object), n_levels)}
    at = np.tile(np.arange(n_levels), n_contrasts)
    columns |= level_columns(result.by, result.levels, at)
    columns |= {name: [text] * at.size for name, text in result.estimand.label.items()}
    columns |= {name: values.reshape(-1) for name, values in found.items()}
    null = result.measure.null
    above, below = (draws > null).mean(axis=0), (draws < null).mean(axis=0)
    columns["p_direction"] = np.maximum(above, below).reshape(-1)
    if result.rope is not None:
        regions = [result.region(c) for c in range(n_contrasts)]
        columns["p_rope"] = shares_inside(draws, np.array(regions)).reshape(-1)
    table = pd.DataFrame(columns)
    table.attrs |= result.estimand.attrs
    table.attrs["measure"] = result.measure.words
    if result.rope is not None:
        table.attrs["rope"] = result.rope
    return table


def contrast_draws(result: Contrast) -> pd.DataFrame:
    """Return a contrast's draws in long form: contrast, [by], draw, value."""
    n, n_contrasts, n_levels = result.draws.shape
    table: dict[str, Any] = {
        "contrast": np.tile(np.repeat(np.array(result.labels, object), n_levels), n)
    }
    at = np.tile(np.arange(n_levels), n * n_contrasts)
    table |= level_columns(result.by, result.levels, at)
    table["draw"] = np.repeat(np.arange(n), n_contrasts * n_levels)
    table["value"] = result.draws.reshape(-1)
    out = pd.DataFrame(table)
    out.attrs |= result.estimand.attrs
    out.attrs["measure"] = result.measure.words
    return out


def _simultaneous(result: Contrast, prob: Probability, largest: Array) -> dict[str, Array]:
    circular, spread = result.circular, result.measure.spread
    out: dict[str, Array] = {}
    for own in probabilities(prob):
        ends = simultaneous_ends(result.draws, own, largest, circular=circular, spread=spread)
        out |= dict(zip(interval_names(own, SIMULTANEOUS), ends, strict=True))
    return out
