"""Means and slopes of the response, averaged over the rows of the data (g-computation).

Every distinct row of predictors is evaluated with some columns set to other values; the results are
averaged over the rows of each group, and then over the groups, each counting once. Groups are the
combinations of levels of all group terms that the data have. A row stays in its group whatever is
set: in ``(1|treat:cage)`` a cage that would have been treated is the same cage. An `Estimand` says
what becomes of the groups' effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design import NewRows, evaluate
from winstan.effects.changed_rows import Change, change_rows, settings_of
from winstan.effects.joint_population import joint_mean
from winstan.effects.means import (
    auxiliary,
    eta_at,
    linear_predictor,
    mean_needs_beside,
    mean_slope,
)
from winstan.effects.placing import GroupedRows, place
from winstan.effects.population import population_slope
from winstan.effects.strata import Strata, row_weights
from winstan.errors import OptionError
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from winstan._typing import Array
    from winstan.effects.estimands import Estimand
    from winstan.effects.specification import Specified
    from winstan.options import Scale


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
    settings, blocks = settings_of(changes, over)
    rows, levels, weights = change_rows(model, settings, blocks, estimand)
    placed = place(model, posterior, rows, levels, estimand, seed)

    def value(part: slice, eta: Array) -> Array:
        if scale == "link":
            return eta
        beside = auxiliary(model, placed.posterior, placed.rows, part, offsets=False)
        return placed.mean(model, beside, part, eta)

    out = over.gathered(_average(model, placed, weights, value), len(changes))
    _check_finite(out, estimand)
    if model.family.circular and scale == "response":
        out = np.angle(out)
    return out


def averaged_slopes(
    model: Specified,
    posterior: Mapping[str, Array],
    treatment: str,
    over: Strata,
    estimand: Estimand,
    *,
    scale: Scale,
    changes: Sequence[Change] = ({},),
    seed: int = 0,
) -> Array:
    """Average the derivative of the mean response by a number, shape (S, G, L).

    `changes` are G settings of columns, the number itself among them or not.

    It is the product of two derivatives: of the mean by the linear predictor (and its variance over
    the population), which is exact, and of the design's columns by x, by three points: symmetric
    ones, or, at the ends of the data's range, ones within it, so that ``log(x)`` and splines stay
    defined. They are exact for columns linear or quadratic in x; for others their step, the cube
    root of the machine's epsilon in sds of x, balances rounding and truncation at a relative 1e-10.
    """
    settings, blocks = settings_of(changes, over)
    rows, levels, weights = change_rows(model, settings, blocks, estimand)
    at = place(model, posterior, rows, levels, estimand, seed)
    x = rows[treatment].to_numpy(float)
    seen = model.design.predictors[treatment].to_numpy(float)
    a, b = _steps(x, seen, spread(seen, row_weights(model)))
    needs = mean_needs_beside(model)
    one, two = (
        evaluate(model.design, rows.assign(**{treatment: x + d}), beside=needs) for d in (a, b)
    )
    rise = _rise(at.rows, one, two, a, b)
    intercepts = {one.intercept_name for one in model.design.every if one.intercept}
    slopes_only = {name: v for name, v in at.posterior.items() if name not in intercepts}
    derivatives = linear_predictor(model, slopes_only, rise, at.times) if slopes_only else iter(())

    def value(part: slice, eta: Array) -> Array:
        _, derivative = next(derivatives)
        if scale == "link":
            return derivative
        if at.joint:
            return _slopes_by_differences(model, at, (one, two), (a, b), part)
        beside = auxiliary(model, at.posterior, at.rows, part, offsets=False)
        if not at.integrated:
            slopes = derivative * mean_slope(model, beside, eta)
        else:
            changes = at.variance(part), derivative, at.variance_rise(part, rise)
            slopes = population_slope(model, beside, eta, *changes)
        return slopes + sum(_slope_beside(model, at, slopes_only, rise, part, eta) if needs else ())

    out = over.gathered(_average(model, at, weights, value), len(changes))
    if model.family.circular and scale == "response":

        def vector(part: slice, eta: Array) -> Array:
            beside = auxiliary(model, at.posterior, at.rows, part, offsets=False)
            return at.mean(model, beside, part, eta)

        # The angle of z(x) turns by the imaginary part of z' / z.
        whole = over.gathered(_average(model, at, weights, vector), len(changes))
        out = np.imag(out / whole)
    _check_finite(out, estimand)
    return out


def _rise(at: NewRows, one: NewRows, two: NewRows, a: Array, b: Array) -> NewRows:
    """Differentiate the columns: the parabola through x, x + a and x + b has this slope at x."""
    w_one, w_two = (w[:, None] for w in _parabola(a, b))
    return NewRows(
        w_one * (one.X - at.X) + w_two * (two.X - at.X),
        tuple(
            w_one * (z_one - z) + w_two * (z_two - z)
            for z, z_one, z_two in zip(at.Z, one.Z, two.Z, strict=True)
        ),
        at.level,
        np.zeros(len(a)),
        at.arm,
        at.steps,
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
            at.mean(model, {**beside, name: link.inverse(own + d)}, part, eta)
            for d in (step, -step)
        )
        slope = (above - below) / (2 * step)
        yield slope * eta_at(design, slopes_only, rise.beside[name], part)


def _slopes_by_differences(
    model: Specified,
    at: GroupedRows,
    others: Sequence[NewRows],
    steps: Sequence[Array],
    part: slice,
) -> Array:
    """Slopes of means over several linear predictors: of the parabola through three points.

    Their means are found at once, by the same nodes: those of others differ by more than a step.
    """
    three = at.rows, *(_placed_as(at.rows, rows) for rows in others)
    etas = [eta_at(model.design, at.posterior, rows, part) for rows in three]
    asides = [auxiliary(model, at.posterior, rows, part, offsets=False) for rows in three]
    beside = asides[0] | {n: np.hstack([a[n] for a in asides]) for n in model.design.beside}
    found = joint_mean(model, beside, np.hstack(etas), *at.joint_covariance(three, part))
    first, *moved = np.split(found, len(three), axis=1)
    weights = _parabola(*(step[part] for step in steps))
    return sum((w * (own - first) for w, own in zip(weights, moved, strict=True)), 0.0 * first)


def _placed_as(at: NewRows, rows: NewRows) -> NewRows:
    """Return rows in the groups of others."""
    beside = {name: replace(own, level=at.beside[name].level) for name, own in rows.beside.items()}
    return replace(rows, level=at.level, beside=beside)


def _parabola(a: Array, b: Array) -> tuple[Array, Array]:
    """Weights of two steps from x in the slope at x of the parabola through the three points."""
    return -(b / (a * (a - b))), -(a / (b * (b - a)))


def _steps(x: Array, seen: Array, sd: float) -> tuple[Array, Array]:
    """Two steps from each x that stay within the range of what was seen, if x does."""
    step = np.cbrt(np.finfo(float).eps) * sd
    low, high = x - step < seen.min(), x + step > seen.max()
    a = np.where(low, step, -step)
    b = np.where(low, 2 * step, np.where(high, -2 * step, step))
    return (x + a) - x, (x + b) - x  # as they are after rounding


def _average(
    model: Specified,
    placed: GroupedRows,
    weights: Sequence[tuple[slice, Array]],
    value: Callable[[slice, Array], Array],
) -> Array:
    """Weighted means of a function of eta: shape (S, settings * l)."""
    sums: list[Any] = [0.0] * len(weights)
    for part, eta in linear_predictor(model, placed.posterior, placed.rows, placed.times):
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
    bad = np.count_nonzero(~np.isfinite(means).all(axis=(1, 2))) if estimand.of("population") else 0
    if bad:
        raise OptionError(
            f"groups='population': the mean over the population is too large in {bad} of "
            f"{len(means)} draws, because the groups' sd is hardly known. Use groups='typical', or "
            "a narrower prior on the group sds."
        )
