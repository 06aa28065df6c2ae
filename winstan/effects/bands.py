"""Differences of curves, and their slopes: with bands that hold the whole curve at once.

A band is ``mean +- c sd`` at every value, with c such that so many draws of the whole curve are
inside: the quantile of each draw's largest distance from the mean, in sds. Where zero is outside
the band of a difference, the curves are apart, whatever place one looks at.

References
----------
Ruppert, Wand and Carroll (2003), Semiparametric Regression, 6.5; Montiel Olea and Plagborg-Moller
(2019), Journal of Applied Econometrics 34, 1-17, for such bands of draws.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.effects.comparisons import has_labels
from winstan.effects.curves import Curve, conditional
from winstan.effects.intervals import describe, simultaneous_ends
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.options import By, Interval

# Of the grid's range: the step of a derivative, of which nothing finer is seen.
STEP = 1e-4
CONTRAST = "contrast"


def curve_difference(
    model: Specified,
    posterior: Mapping[str, Array],
    predictor: str,
    by: By,
    **options: Any,
) -> Curve:
    """Subtract the first level's curve from those of the others: the levels are contrasts.

    Parameters
    ----------
    model, posterior, predictor, by, options
        As for `winstan.effects.curves.conditional`.

    Raises
    ------
    OptionError
        If there are no two levels, or the response is an angle.
    """
    _check_number(model, predictor, "curve_difference")
    curve = conditional(model, posterior, predictor, by=by, **options)
    if len(curve.levels) < 2:
        raise OptionError(f"curve_difference needs two levels of {curve.by!r} or more.")
    first, *others = curve.levels
    draws = curve.draws[:, :, 1:] - curve.draws[:, :, :1]
    names = tuple((f"{_label(level)} - {_label(first)}",) for level in others)
    return replace(curve, by=(CONTRAST,), levels=names, draws=draws)


def _label(level: tuple[Any, ...]) -> str:
    return ", ".join(map(str, level))


def derivative(
    model: Specified, posterior: Mapping[str, Array], predictor: str, **options: Any
) -> Curve:
    """Take the slope of the mean response along a predictor, by differences.

    Raises
    ------
    OptionError
        If the predictor has labels, or the response is an angle.
    """
    _check_number(model, predictor, "derivative")
    values = dict(options.pop("values", None) or {})
    x = model.design.predictors[predictor].to_numpy(float)
    grid = values.pop(predictor, None)
    at = np.linspace(x.min(), x.max(), options.pop("points", 50)) if grid is None else grid
    at = np.atleast_1d(np.asarray(at, float))
    step = STEP * float(np.ptp(x))
    # Within the data's range, so that no end is an extrapolation of its own.
    low = np.where(at - step < x.min(), at, at - step)
    high = np.where(at + step > x.max(), at, at + step)
    around = values | {predictor: [*low.tolist(), *high.tolist()]}
    both = conditional(model, posterior, predictor, values=around, **options)
    below, above = np.split(both.draws, 2, axis=1)
    slopes = (above - below) / (high - low)[:, None]
    return replace(both, grid=tuple(at.tolist()), draws=slopes)


def _check_number(model: Specified, predictor: str, what: str) -> None:
    if model.family.circular:
        raise OptionError(f"{what} is of responses that are no angles; use conditional.")
    if predictor in model.design.predictors and has_labels(model, predictor):
        raise OptionError(
            f"{what} goes along a number, and {predictor!r} has labels: contrast compares them."
        )


def band_table(curve: Curve, prob: float, interval: Interval) -> pd.DataFrame:
    """Summarise: the predictor, [contrast or by], [groups], mean, sd, ends, band, beyond."""
    rows = []
    for g, level in enumerate(curve.levels):
        low, high = simultaneous_ends(curve.draws[:, :, g], prob)
        for k, value in enumerate(curve.grid):
            row = {curve.predictor: value} | dict(zip(curve.by, level, strict=True))
            row |= curve.estimand.label | describe(curve.draws[:, k, g], prob, interval)
            beyond = bool(low[k] > 0 or high[k] < 0)
            rows.append(row | {"band_low": low[k], "band_high": high[k], "beyond": beyond})
    table = pd.DataFrame(rows)
    table.attrs |= curve.estimand.attrs
    return table


def stretches(table: pd.DataFrame, predictor: str, key: str | None) -> pd.DataFrame:
    """Return where the band of a table leaves zero.

    Parameters
    ----------
    table
        From `band_table`.
    predictor
    key
        The column that tells curves apart.

    Returns
    -------
    DataFrame
        [contrast or by], start, end (values of the grid), side (``"above"`` or ``"below"`` zero),
        peak (where the mean is farthest from zero), mean and sd there. No row where none does.
    """
    columns = [*([key] if key else []), "start", "end", "side", "peak", "mean", "sd"]
    rows = []
    for level, part in [(None, table)] if key is None else table.groupby(key, sort=False):
        side = np.sign(part["mean"].to_numpy()) * part["beyond"].to_numpy()
        parts = np.flatnonzero(np.diff(side, prepend=0.0, append=0.0))
        for start, stop in pairwise(parts):
            if side[start] == 0:
                continue
            own = part.iloc[start:stop]
            peak = own.iloc[int(own["mean"].abs().to_numpy().argmax())]
            row = {} if key is None else {key: level}
            row |= {"start": own[predictor].iloc[0], "end": own[predictor].iloc[-1]}
            row |= {"side": "above" if side[start] > 0 else "below", "peak": peak[predictor]}
            rows.append(row | {"mean": peak["mean"], "sd": peak["sd"]})
    out = pd.DataFrame(rows, columns=columns)
    out.attrs |= table.attrs
    return out
