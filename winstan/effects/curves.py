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
from winstan.effects.contrasts import check_scale, check_scale_of_categories
from winstan.effects.estimands import Estimand, choose_estimand
from winstan.effects.extrapolation import warn_of_values
from winstan.effects.intervals import describe
from winstan.effects.replicates import check_seed
from winstan.effects.strata import check_label, strata
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.options import Interval, Scale


@dataclass(frozen=True, slots=True)
class Curve:
    """Draws of the mean response along a predictor.

    Attributes
    ----------
    predictor : str
    grid : tuple
        Its values.
    by : str or None
    levels : tuple
        Values of `by`; a single None without it.
    draws : ndarray, shape (S, grid, levels)
    estimand : Estimand
        Whose mean it is.
    circular : bool
        The draws are directions, between -pi and pi.
    """

    predictor: str
    grid: tuple[Any, ...]
    by: str | None
    levels: tuple[Any, ...]
    draws: Array
    estimand: Estimand
    circular: bool = False


def conditional(
    model: Specified,
    posterior: Mapping[str, Array],
    predictor: str,
    *,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    values: Mapping[str, Any] | None = None,
    points: int = 50,
    groups: Any = None,
    scale: Scale = "response",
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
    scale : {"response", "link"}
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
    check_scale(scale)
    check_scale_of_categories(model, scale)
    check_treatment(model, predictor, "conditional")
    check_label(predictor)
    seed = check_seed(seed)
    held = dict(values or {})
    grid = _grid(model, predictor, held.pop(predictor, None), points)
    over = strata(model, by)
    if over.by == predictor:
        raise OptionError(f"by={over.by!r} is the predictor itself.")
    set_columns = [predictor, *held, *([over.by] if over.by else [])]
    estimand = choose_estimand(model, groups, set_columns)
    warn_of_values(model, predictor, grid, "conditional")
    if over.by is not None and isinstance(by, Mapping):
        warn_of_values(model, over.by, over.levels, "conditional")
    for name, value in held.items():
        check_predictor(model, name, "values=")
        if name == over.by:
            raise OptionError(f"{name!r} is in by= and in values=: by={{{name!r}: [...]}} sets it.")
        held[name] = settle_value(model, name, value)
        warn_of_values(model, name, [held[name]], "conditional")
    changes = [held | {predictor: value} for value in grid]
    draws = averaged_means(model, posterior, changes, over, estimand, scale=scale, seed=seed)
    circular = model.family.circular and scale == "response"
    return Curve(predictor, grid, over.by, over.levels, draws, estimand, circular)


def curve_table(curve: Curve, prob: float, interval: Interval) -> pd.DataFrame:
    """Summarise a curve: the predictor, [by], [groups], mean, sd, and the interval's ends."""
    rows = []
    for g, level in enumerate(curve.levels):
        for k, value in enumerate(curve.grid):
            row = {curve.predictor: value} | ({} if curve.by is None else {curve.by: level})
            summary = describe(curve.draws[:, k, g], prob, interval, circular=curve.circular)
            rows.append(row | curve.estimand.label | summary)
    table = pd.DataFrame(rows)
    table.attrs |= curve.estimand.attrs
    return table


def curve_draws(curve: Curve) -> pd.DataFrame:
    """Return a curve's draws in long form: the predictor, [by], draw, value."""
    n, n_points, n_levels = curve.draws.shape
    table = {curve.predictor: np.tile(np.repeat(_column(curve.grid), n_levels), n)}
    if curve.by is not None:
        table[curve.by] = np.tile(_column(curve.levels), n * n_points)
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
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or points < 2:
        raise OptionError(f"points must be a whole number from 2 up, not {points!r}.")
    x = column.to_numpy(float)
    return tuple(np.linspace(x.min(), x.max(), int(points)).tolist())
