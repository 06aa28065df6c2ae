"""Conditional effects: the mean response along a predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.effects.averaging import averaged_means
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import (
    check_predictor,
    check_treatment,
    has_labels,
    listed,
    settle_value,
)
from winstan.effects.estimands import Estimand, choose_estimand
from winstan.effects.extrapolation import warn_of_levels, warn_of_values
from winstan.effects.intervals import (
    SIMULTANEOUS,
    interval_names,
    largest_distance,
    probabilities,
    simultaneous_ends,
    summarise_values,
)
from winstan.effects.measures import measure_of, spread_of
from winstan.effects.replicates import check_seed
from winstan.effects.strata import check_label, columns_of_by, level_columns, strata
from winstan.errors import OptionError
from winstan.options import check_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.intervals import Spread
    from winstan.effects.specification import Specified
    from winstan.options import By, Interval, Probability, Scale, Weighting


@dataclass(frozen=True, slots=True)
class Curve:
    """Draws of the mean response along a predictor.

    Attributes
    ----------
    predictor : str
    grid : tuple
        Its values.
    by : tuple of str
    levels : tuple of tuple
        Values of the columns of `by`; a single empty one without it.
    draws : ndarray, shape (S, grid, levels)
    estimand : Estimand
        Whose mean it is.
    circular : bool
        The draws are directions, between -pi and pi.
    spread : {"", "log", "logit"}
        The scale of its simultaneous intervals.
    """

    predictor: str
    grid: tuple[Any, ...]
    by: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    draws: Array
    estimand: Estimand
    circular: bool = False
    spread: Spread = ""


def conditional(
    model: Specified,
    posterior: Mapping[str, Array],
    predictor: str,
    *,
    by: By | None = None,
    values: Mapping[str, Any] | None = None,
    points: int = 50,
    groups: Any = None,
    scale: Scale = "response",
    weights: Weighting = "observed",
    seed: int = 0,
) -> Curve:
    """Evaluate the mean response along a predictor.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    predictor
        A number: a grid over its range; a factor (or a number of two values): its levels.
    by
        One curve for each level: see `winstan.effects.strata.strata`.
    values
        Columns held at a value; the others are averaged over the data, as in `contrast`. The
        predictor's own entry is its grid.
    points
        Of the grid.
    groups
        See `winstan.effects.estimands.choose_estimand`.
    scale : {"response", "link", "odds"}
    weights : {"observed", "equal"}
        See `winstan.effects.strata.strata`.
    seed
        Of the effects of new groups.

    Returns
    -------
    Curve

    Raises
    ------
    OptionError
        If a name, a value or an option is unknown.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of values outside the data's range by more than a tenth of it.
    """
    measure = measure_of(model, scale, False)
    check_treatment(model, predictor, "conditional")
    check_label(predictor)
    seed = check_seed(seed)
    held = dict(values or {})
    grid = _grid(model, predictor, held.pop(predictor, None), points)
    for name in held.keys() & columns_of_by(by).keys():
        raise OptionError(f"{name!r} is in by= and in values=: by={{{name!r}: [...]}} sets it.")
    over = strata(model, by, weights, [predictor, *held], what="the predictor")
    estimand = choose_estimand(model, groups, [predictor, *held, *over.by])
    warn_of_values(model, predictor, grid, "conditional")
    warn_of_levels(model, by, over, "conditional")
    for name, value in held.items():
        check_predictor(model, name, "values=")
        held[name] = settle_value(model, name, value)
        warn_of_values(model, name, [held[name]], "conditional")
    changes = [held | {predictor: value} for value in grid]
    found = averaged_means(model, posterior, changes, over, estimand, scale=measure.of, seed=seed)
    circular = model.family.circular and scale == "response"
    draws = measure.values(found)
    spread = spread_of(model, scale, draws)
    return Curve(predictor, grid, over.by, over.levels, draws, estimand, circular, spread)


def curve_tables(
    curves: Sequence[Curve], prob: Probability, interval: Interval, *, simultaneous: bool = False
) -> list[pd.DataFrame]:
    """Summarise curves, as `curve_table` does; with intervals that hold all means at once."""
    largest: Array | None = None
    if simultaneous:
        far = [largest_distance(c.draws, circular=c.circular, spread=c.spread) for c in curves]
        largest = np.asarray(np.max(far, axis=0), float)
    return [curve_table(curve, prob, interval, largest) for curve in curves]


def curve_table(
    curve: Curve, prob: Probability, interval: Interval, largest: Array | None = None
) -> pd.DataFrame:
    """Summarise a curve: the predictor, [by], [groups], mean, sd, and the intervals' ends."""
    draws = curve.draws.transpose(0, 2, 1)  # rows stand by level
    n_levels, n_points = draws.shape[1:]
    found = summarise_values(draws, prob, interval, circular=curve.circular)
    for own in probabilities(prob) if largest is not None else ():
        ends = simultaneous_ends(draws, own, largest, circular=curve.circular, spread=curve.spread)
        found |= dict(zip(interval_names(own, SIMULTANEOUS), ends, strict=True))
    columns: dict[str, Any] = {curve.predictor: np.tile(_column(curve.grid), n_levels)}
    at = np.repeat(np.arange(n_levels), n_points)
    columns |= level_columns(curve.by, curve.levels, at)
    columns |= {name: [text] * at.size for name, text in curve.estimand.label.items()}
    table = pd.DataFrame(columns | {name: values.reshape(-1) for name, values in found.items()})
    table.attrs |= curve.estimand.attrs
    return table


def curve_draws(curve: Curve) -> pd.DataFrame:
    """Return a curve's draws in long form: the predictor, [by], draw, value."""
    n, n_points, n_levels = curve.draws.shape
    table: dict[str, Any] = {curve.predictor: np.tile(np.repeat(_column(curve.grid), n_levels), n)}
    at = np.tile(np.arange(n_levels), n * n_points)
    table |= level_columns(curve.by, curve.levels, at)
    table["draw"] = np.repeat(np.arange(n), n_points * n_levels)
    table["value"] = curve.draws.reshape(-1)
    out = pd.DataFrame(table)
    out.attrs |= curve.estimand.attrs
    return out


def _column(values: tuple[Any, ...]) -> np.ndarray:
    """Numbers stay numbers, labels objects."""
    return pd.Series(list(values)).to_numpy()


def _grid(model: Specified, predictor: str, given: Any, points: int) -> tuple[Any, ...]:
    column = model.design.predictors[predictor]
    if given is not None:
        if not (given := listed(given)):
            raise OptionError(f"values= has no values for {predictor!r}.")
        return tuple(settle_value(model, predictor, value) for value in given)
    if has_labels(model, predictor) or column.nunique() <= 2:
        return coding_of(model, predictor).levels
    check_whole("points", points, 2)
    x = column.to_numpy(float)
    return tuple(np.linspace(x.min(), x.max(), int(points)).tolist())
