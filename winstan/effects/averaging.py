"""Means and slopes of the response, averaged over the rows of the data (g-computation).

Every distinct row of predictors is evaluated with some columns set to other values; the results are
averaged over the rows of each group, and then over the groups, each counting once. Groups are the
combinations of levels of all group terms that the data have. A row stays in its group whatever is
set: in ``(1|treat:cage)`` a cage that would have been treated is the same cage. An `Estimand` says
what becomes of the groups' effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import distinct_rows
from winstan.design import NewRows, evaluate
from winstan.effects.comparisons import check_predictor, has_labels, settle_value
from winstan.effects.estimands import is_grouping_only
from winstan.effects.means import (
    auxiliary,
    designs_of,
    eta_at,
    linear_predictor,
    mean_needs_beside,
    mean_response,
    mean_slope,
)
from winstan.effects.placing import GroupedRows, place
from winstan.effects.population import population_mean, population_slope
from winstan.errors import OptionError
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.effects.estimands import Estimand
    from winstan.effects.specification import Specified
    from winstan.options import Scale

# A numeric `by` with more values than these is set to its mean and one sd to either side.
MOST_VALUES = 6

type Change = Mapping[str, Any]
"""Columns and what they are set to: a value, or a function of the column."""


@dataclass(frozen=True, slots=True)
class Strata:
    """The levels that results are given for, and the rows that each of them averages.

    Attributes
    ----------
    by : str or None
    levels : tuple
        Values of `by`; a single None without it.
    weights : ndarray, shape (L, D)
        Of the design's rows, for each level; they sum to one.
    sets : bool
        Whether `by` is set to the level in every row, in place of choosing the rows that have it.
    """

    by: str | None
    levels: tuple[Any, ...]
    weights: Array
    sets: bool = False


def strata(model: Specified, by: str | Mapping[str, Iterable[Any]] | None) -> Strata:
    """Find the levels of `by` and the weights of the rows.

    Parameters
    ----------
    model
    by
        A column: its levels, each averaged over the rows that have it; of a number with more than
        six values, the mean and one sd to either side, set in every row. ``{"x": [1, 5]}`` sets x
        in every row to the values given.

    Raises
    ------
    OptionError
        If it is no predictor, or a value is no level of it.
    """
    given: Iterable[Any] | None = None
    if isinstance(by, Mapping):
        if len(by) != 1:
            raise OptionError(f"by= takes one column with its values, not {len(by)} of them.")
        (by, given), *_ = by.items()
    everything = np.ones((1, len(model.design.predictors)), bool)
    if by is None:
        return Strata(None, (None,), _weights(model, everything))
    check_predictor(model, by, "by=")
    check_label(by)
    column = model.design.predictors[by]
    categories = (
        column.cat.categories
        if isinstance(column.dtype, pd.CategoricalDtype)
        else pd.Index(np.sort(column.unique()))
    )
    if given is None and len(categories) > MOST_VALUES and not has_labels(model, by):
        weight = row_weights(model)
        x = column.to_numpy(float)
        mean, sd = np.average(x, weights=weight), spread(x, weight)
        # The mean of a centred column is a rounding error away from zero.
        mean = 0.0 if abs(mean) < 1e-12 * sd else mean
        given = [float(mean - sd), float(mean), float(mean + sd)]
    if given is not None:
        values = [given] if isinstance(given, str) or not np.iterable(given) else list(given)
        levels = tuple(settle_value(model, by, value) for value in values)
        if not levels:
            raise OptionError(f"by= has no values for {by!r}.")
        return Strata(by, levels, _weights(model, everything), sets=True)
    levels = tuple(categories.tolist())
    members = np.stack([column.to_numpy() == level for level in levels])
    return Strata(by, levels, _weights(model, members))


def row_weights(model: Specified) -> Array:
    """Rows of the data behind each distinct row, by frequency weight, shape (D,)."""
    design = model.design
    return np.bincount(design.row, design.weights, minlength=len(design.predictors)).astype(float)


def averaged_means(
    model: Specified,
    posterior: Mapping[str, Array],
    changes: Sequence[Change],
    over: Strata,
    estimand: Estimand,
    *,
    scale: Scale = "response",
    seed: int = 0,
) -> Array:
    """Mean response with some columns set to other values.

    Of angles it is the direction of the mean of unit vectors, between -pi and pi.

    Parameters
    ----------
    model
    posterior
    changes
        G settings of columns.
    over
        What to average over.
    estimand
        Whose mean.
    scale : {"response", "link"}
    seed
        Of new groups.

    Returns
    -------
    ndarray, shape (S, G, L)
    """
    settings, blocks = _settings(changes, over)
    rows, levels, weights = _changed_rows(model, settings, blocks, estimand)
    placed = place(model, posterior, rows, levels, estimand, seed)

    def value(part: slice, eta: Array) -> Array:
        if scale == "link":
            return eta
        beside = auxiliary(model, placed.posterior, placed.rows, part, offsets=False)
        return _mean(model, placed, beside, part, eta)

    out = _average(model, placed, weights, value)
    _check_finite(out, estimand)
    if model.family.circular and scale == "response":
        out = np.angle(out)
    return out.reshape(out.shape[0], len(changes), -1)


def averaged_slopes(
    model: Specified,
    posterior: Mapping[str, Array],
    treatment: str,
    over: Strata,
    estimand: Estimand,
    *,
    scale: Scale,
    seed: int = 0,
) -> Array:
    """Average the derivative of the mean response by a number, shape (S, 1, L).

    It is the product of two derivatives: of the mean by the linear predictor (and its variance over
    the population), which is exact, and of the design's columns by x, by three points: symmetric
    ones, or, at the ends of the data's range, ones within it, so that ``log(x)`` and splines stay
    defined. They are exact for columns linear or quadratic in x; for others their step, the cube
    root of the machine's epsilon in sds of x, balances rounding and truncation at a relative 1e-10.
    """
    settings, blocks = _settings([{}], over)
    rows, levels, weights = _changed_rows(model, settings, blocks, estimand)
    at = place(model, posterior, rows, levels, estimand, seed)
    x = rows[treatment].to_numpy(float)
    a, b = _steps(x, spread(model.design.predictors[treatment].to_numpy(float), row_weights(model)))
    needs = mean_needs_beside(model)
    one, two = (
        evaluate(model.design, rows.assign(**{treatment: x + d}), beside=needs) for d in (a, b)
    )
    rise = _rise(at.rows, one, two, a, b)
    intercepts = {one.intercept_name for one in model.design.every if one.intercept}
    slopes_only = {name: v for name, v in at.posterior.items() if name not in intercepts}
    derivatives = linear_predictor(model, slopes_only, rise) if slopes_only else iter(())

    def value(part: slice, eta: Array) -> Array:
        _, derivative = next(derivatives)
        if scale == "link":
            return derivative
        beside = auxiliary(model, at.posterior, at.rows, part, offsets=False)
        if not at.integrated:
            slopes = derivative * mean_slope(model, beside, eta)
        else:
            changes = at.variance(part), derivative, at.variance_rise(part, rise)
            slopes = population_slope(model, beside, eta, *changes)
        return slopes + sum(_slope_beside(model, at, slopes_only, rise, part, eta) if needs else ())

    out = _average(model, at, weights, value)
    if model.family.circular and scale == "response":

        def vector(part: slice, eta: Array) -> Array:
            beside = auxiliary(model, at.posterior, at.rows, part, offsets=False)
            return _mean(model, at, beside, part, eta)

        # The angle of z(x) turns by the imaginary part of z' / z.
        out = np.imag(out / _average(model, at, weights, vector))
    _check_finite(out, estimand)
    return out.reshape(out.shape[0], 1, -1)


def _rise(at: NewRows, one: NewRows, two: NewRows, a: Array, b: Array) -> NewRows:
    """Differentiate the columns: the parabola through x, x + a and x + b has this slope at x."""
    w_one, w_two = -(b / (a * (a - b)))[:, None], -(a / (b * (b - a)))[:, None]
    return NewRows(
        w_one * (one.X - at.X) + w_two * (two.X - at.X),
        tuple(
            w_one * (z_one - z) + w_two * (z_two - z)
            for z, z_one, z_two in zip(at.Z, one.Z, two.Z, strict=True)
        ),
        at.level,
        np.zeros(len(a)),
        at.arm,
        {
            name: _rise(own, one.beside[name], two.beside[name], a, b)
            for name, own in at.beside.items()
        },
    )


def _slope_beside(
    model: Specified,
    at: GroupedRows,
    slopes_only: Mapping[str, Array],
    rise: NewRows,
    part: slice,
    eta: Array,
) -> Iterator[Array]:
    """Slopes of the mean by way of the other parameters that it depends on, by their formulas.

    By a symmetric difference in each of their linear predictors, as in
    `winstan.effects.means.mean_slope`.
    """
    beside = auxiliary(model, at.posterior, at.rows, part, offsets=False)
    for name, design in model.design.beside.items():
        link = model.family.parameter(name).link
        own = link.function(beside[name])
        step = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(own))
        above, below = (
            _mean(model, at, {**beside, name: link.inverse(own + d)}, part, eta)
            for d in (step, -step)
        )
        slope = (above - below) / (2 * step)
        yield slope * eta_at(design, slopes_only, rise.beside[name], part)


def _mean(
    model: Specified, at: GroupedRows, beside: Mapping[str, Array], part: slice, eta: Array
) -> Array:
    if not at.integrated:
        return mean_response(model, beside, eta)
    return population_mean(model, beside, eta, at.variance(part))


def _steps(x: Array, sd: float) -> tuple[Array, Array]:
    """Two steps from each x that stay within the range of all."""
    step = np.cbrt(np.finfo(float).eps) * sd
    low, high = x - step < x.min(), x + step > x.max()
    a = np.where(low, step, -step)
    b = np.where(low, 2 * step, np.where(high, -2 * step, step))
    return (x + a) - x, (x + b) - x  # as they are after rounding


def check_label(name: str) -> None:
    """Refuse a column whose name a table of results has for itself."""
    if name in ("contrast", "draw", "groups", "value", "mean", "sd", "p_direction", "p_rope"):
        raise OptionError(
            f"The column {name!r} has the name of a column of the result. Rename it, and fit again."
        )


def _settings(changes: Sequence[Change], over: Strata) -> tuple[list[Change], list[Array]]:
    """Return every setting to evaluate, with the weights of its levels, shape (l, D) each."""
    if not over.sets:
        return list(changes), [over.weights] * len(changes)
    assert over.by is not None
    return [{**change, over.by: level} for change in changes for level in over.levels], [
        over.weights
    ] * (len(changes) * len(over.levels))


def _changed_rows(
    model: Specified, settings: Sequence[Change], blocks: Sequence[Array], estimand: Estimand
) -> tuple[pd.DataFrame, list[tuple[np.ndarray, ...]], list[tuple[slice, Array]]]:
    """Set the columns, and merge rows that have become equal.

    Returns
    -------
    rows : DataFrame
        The rows of all settings, one setting after another.
    levels : list of tuple of ndarray of int
        Of each group term, the rows' levels: those that they had, whatever was set. Of the mean,
        and of other parameters that the mean response depends on.
    weights : list of (slice, ndarray)
        Of each setting: where its rows are, and their weights, shape (l, rows).
    """
    frames, weights, start = [], [], 0
    designs = designs_of(model)
    groups = [group for design in designs for group in design.groups]
    found: list[list[np.ndarray]] = [[] for _ in groups]
    # Rows that differ by their group alone are alike where its own effects do not count.
    own = [group.factor in estimand.of("these") for group in groups]
    matters = list(dict.fromkeys(c for d in designs for c in d.memory.effect_columns))
    for change, block in zip(settings, blocks, strict=True):
        new = _with_columns(model.design.predictors, change)
        levels = [level for d in designs for level in _levels(model, d, change, estimand)]
        keys = new[matters].assign(
            **{f"level {k}": level for k, level in enumerate(levels) if own[k]}
        )
        first, number = (
            distinct_rows(keys, list(keys.columns))
            if len(keys.columns)
            else (np.zeros(1, int), np.zeros(len(new), int))
        )
        merged = np.stack([np.bincount(number, w, minlength=len(first)) for w in block])
        frames.append(new.iloc[first])
        for place_of, level in zip(found, levels, strict=True):
            place_of.append(level[first])
        weights.append((slice(start, start + len(first)), merged))
        start += len(first)
    rows = pd.concat(frames, ignore_index=True)
    whole = iter([np.concatenate(parts) for parts in found])
    return rows, [tuple(next(whole) for _ in d.groups) for d in designs], weights


def _with_columns(rows: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return rows with some columns set to a value, or to a function of the column."""
    new = rows.copy()
    for name, value in change.items():
        column = new[name]
        if callable(value):
            new[name] = value(column)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            new[name] = pd.Categorical([value] * len(new), dtype=column.dtype)
        else:
            new[name] = value
    return new


def _levels(
    model: Specified, design: Design, change: Change, estimand: Estimand
) -> list[np.ndarray]:
    """Return the levels of each group term: the rows' own, unless a group itself is asked for.

    A column that only names groups is no predictor: setting it means to speak of another group.

    Raises
    ------
    OptionError
        If that gives combinations which the data have not, and whose effects are wanted.
    """
    asked = {name: value for name, value in change.items() if is_grouping_only(model, name)}
    out = []
    for group, factor in zip(design.groups, design.memory.factors, strict=True):
        named = {name: value for name, value in asked.items() if name in factor.columns}
        level = factor.find(_with_columns(design.predictors, named)) if named else group.level
        if group.factor in estimand.of("these") and (level < 0).any():
            raise OptionError(
                f"{' and '.join(map(repr, named))} cannot be set to another level: rows would be "
                f"in combinations of {group.factor!r} that the data have not. Ask by= for an "
                "effect in each group, or group_effects() for the groups themselves."
            )
        out.append(level)
    return out


def _average(
    model: Specified,
    placed: GroupedRows,
    weights: Sequence[tuple[slice, Array]],
    value: Callable[[slice, Array], Array],
) -> Array:
    """Weighted means of a function of eta: shape (S, settings * l)."""
    sums: list[Any] = [0.0] * len(weights)
    for part, eta in linear_predictor(model, placed.posterior, placed.rows):
        with np.errstate(over="ignore", invalid="ignore"):  # a mean too large is refused below
            values = value(part, eta)
        for k, (at, weight) in enumerate(weights):
            start, stop = max(at.start, part.start), min(at.stop, part.stop)
            if start < stop:
                inside = values[:, start - part.start : stop - part.start]
                sums[k] = sums[k] + inside @ weight[:, start - at.start : stop - at.start].T
    return np.concatenate(sums, axis=1)


def _check_finite(means: Array, estimand: Estimand) -> None:
    """Refuse a population's mean that no number can hold: exp(eta + v / 2) of a huge variance v."""
    bad = np.count_nonzero(~np.isfinite(means).all(axis=1)) if estimand.of("population") else 0
    if bad:
        raise OptionError(
            f"groups='population': the mean over the population is too large in {bad} of "
            f"{len(means)} draws, because the groups' sd is hardly known. Use groups='typical', or "
            "a narrower prior on the group sds."
        )


def _weights(model: Specified, members: np.ndarray) -> Array:
    """Weights of the design rows for each set of them, shape (L, D); each level's sum to one.

    Rows that differ by the treatment alone are averaged as they are: the counterfactual treats
    them alike. Groups count equally, rows within a group by their number.
    """
    weight = row_weights(model)
    levels = [group.level for design in designs_of(model) for group in design.groups]
    if levels:
        levels_of_row = np.stack(levels)
        codes = np.unique(levels_of_row, axis=1, return_inverse=True)[1].reshape(-1)
    else:
        codes = np.zeros(len(weight), int)
    out = np.zeros(members.shape)
    for row, member in zip(out, members, strict=True):
        inside = np.where(member, weight, 0.0)
        of_group = np.bincount(codes, inside)
        present = of_group > 0
        row[:] = inside / np.where(present, of_group, 1.0)[codes] / np.count_nonzero(present)
    return out
