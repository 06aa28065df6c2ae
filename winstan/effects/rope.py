"""Regions of practical equivalence (ROPE): where an effect is as good as none."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._angles import angular_deviation, mean_direction
from winstan.effects.observed import observed_rows
from winstan.effects.population import mean_link
from winstan.effects.standardising import LATENT_SD
from winstan.effects.strata import row_weights
from winstan.errors import OptionError
from winstan.scales import spread

if TYPE_CHECKING:
    from winstan.effects.measures import Measure
    from winstan.effects.specification import Specified

type Rope = tuple[float, float]

# Half of Cohen's small effect, in standard deviations of the response.
NEGLIGIBLE = 0.1


def rope_of(
    model: Specified, rope: Any, treatment: str, *, per_unit: bool, measure: Measure
) -> Rope | None:
    """Settle the region of practical equivalence.

    Parameters
    ----------
    model
    rope
        None for the default; a half-width h, which is (-h, h), and (1 / (1 + h), 1 + h) for a
        ratio; or the two ends.
    treatment
    per_unit
        Whether the effect is that of one unit of a numeric treatment.
    measure
        How means are compared.

    Returns
    -------
    (float, float), or None
        None where nobody has said what is negligible: of differences of odds.

    Raises
    ------
    OptionError
        If it is neither a positive number nor two increasing ones.

    Notes
    -----
    The default half-width of a difference is a tenth of the standard deviation of the response
    (Kruschke 2018, Advances in Methods and Practices in Psychological Science 1, 270-280). Of
    angles it is a tenth of their angular deviation. Of gamma
    and lognormal it is the mean times a tenth of the sd of log y, which a few huge values do not
    inflate; of successes that of one trial, sqrt(p (1 - p)). On the link scale it is a tenth of the
    latent variable's sd for logit (0.18), probit and cloglog, and elsewhere the same width carried
    through the link at the mean response. A ratio has exp of the log link's. Of one unit of x, all
    are divided by sd(x), so that neither unit matters; where x has two values, by the distance
    between them, so that the slope is held to the region of the contrast of the two. Of differences
    in sds it is a tenth of one; of a ratio of odds, exp of a tenth of the logistic's sd; of a
    change in percent, that of the ratio.
    """
    ratio = measure.ratio
    if rope is not None:
        return _given(rope, ratio=ratio and not measure.percent)
    if measure.scale == "odds":
        if not ratio:
            return None
        width = NEGLIGIBLE * LATENT_SD["logit"]
    elif measure.standardised:
        width = NEGLIGIBLE
    else:
        width = _half_width(model, on_log=ratio, on_link=measure.scale == "link")
    if per_unit:
        x = model.design.predictors[treatment].to_numpy(float)
        values = np.unique(x)
        # One effect has one region: of two values, the slope is their contrast over their distance.
        is_pair = len(values) == 2
        width /= np.ptp(values) if is_pair else spread(x, row_weights(model))
    if not ratio:
        return -width, width
    # A steep line may cover any ratio: exp would overflow.
    width = min(width, 700.0)
    low, high = measure.reported(np.exp([-width, width])).tolist()
    return low, high


def shares_inside(draws: np.ndarray, ropes: np.ndarray) -> np.ndarray:
    """Share of the draws of each contrast within its region; NaN where it is not known.

    Parameters
    ----------
    draws : ndarray, shape (S, contrasts, levels)
    ropes : ndarray, shape (contrasts, 2)

    Returns
    -------
    ndarray, shape (contrasts, levels)
    """
    low, high = ropes.T[:, :, None]
    inside = ((draws >= low) & (draws <= high)).mean(axis=0)
    return np.where(np.isnan(low), np.nan, inside)


def _given(rope: Any, *, ratio: bool) -> Rope:
    wrong = OptionError(
        "rope must be a positive half-width, or two increasing numbers"
        f"{' above zero' if ratio else ''}; got {rope!r}."
    )
    if isinstance(rope, Real) and not isinstance(rope, bool):
        half = float(rope)
        if not np.isfinite(half) or half <= 0:
            raise wrong
        return (1 / (1 + half), 1 + half) if ratio else (-half, half)
    ends = list(rope) if isinstance(rope, Iterable) and not isinstance(rope, str) else []
    if len(ends) != 2 or not all(isinstance(end, Real) for end in ends):
        raise wrong
    low, high = map(float, ends)
    if not low < high or (ratio and low < 0):
        raise wrong
    return low, high


def _half_width(model: Specified, *, on_log: bool, on_link: bool) -> float:
    """Take a tenth of an sd: of the response, its logarithm, or the linear predictor."""
    rows = observed_rows(model)
    values, weight = rows["value"].to_numpy(), rows["weight"].to_numpy()
    frequency = np.ones_like(values) if model.design.weights is None else model.design.weights
    if model.family.circular:
        width = NEGLIGIBLE * angular_deviation(values, weight)
        return width / (_slope(model, mean_direction(values, weight)) if on_link else 1.0)
    mean = float(np.average(values, weights=weight))
    if model.family.kind == "positive":
        # Of logarithms: a few huge values make the sd of the response itself as large as they are.
        relative = NEGLIGIBLE * _sd(np.log(values), weight, frequency)
        if on_log or (on_link and mean_link(model) == "log"):
            return relative
        return relative * mean / (_slope(model, mean) if on_link else 1.0)
    if model.family.of_trials:
        if on_link:
            return NEGLIGIBLE * LATENT_SD[model.link.name]
        sd = float(np.sqrt(mean * (1 - mean)))
    else:
        sd = _sd(values, weight, frequency)
    if on_log:
        return NEGLIGIBLE * sd / mean if mean > 0 else float("nan")
    return NEGLIGIBLE * sd / (_slope(model, mean) if on_link else 1.0)


def _slope(model: Specified, mean: float) -> float:
    """How steep the mean is in the linear predictor, at this mean."""
    at = np.asarray(model.link.function(mean), float)
    return abs(float(model.link.inverse_derivative(at)))


def _sd(values: np.ndarray, weight: np.ndarray, frequency: np.ndarray) -> float:
    """Weighted sd; as many rows as there are by frequency, whatever the unit of exposure."""
    mean = np.average(values, weights=weight)
    n = frequency.sum()
    return float(np.sqrt(np.average(np.square(values - mean), weights=weight) * n / (n - 1)))
