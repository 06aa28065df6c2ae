"""Gaussian fits of positive, strongly skewed data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.families import family_named
from winstan.families.suitable import named, usual_families

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.families import family_named
from winstan.families import family_named
from winstan.model import Model

# An exponential variable has skewness 2, a lognormal one of sigma 0.5 has 1.75, a gamma one of
# shape 4 has 1; below it normal errors cost little.
STRONG = 1.0
# Log likelihood that the logarithm must gain.
GAIN = 5.0
# Residual sd over mean. A gamma variable of skewness 1 has 0.5, a lognormal one 0.3; where it is
# smaller zero is far away, and neither family has the skewness in question.
VARIATION = 0.25
# Skewness that this share of the rows makes is that of outliers.
OUTLIERS = 0.01
SAMPLE = 200_000
# Largest departure from a logarithm, in sd of the response: that of rounding to three digits.
ROUNDING = 5e-3


def check_skew(model: Model) -> str | None:
    """Say whether residuals of a gaussian fit are skewed where those of logarithms are less so.

    Groups and conditions differ in mean, which skews the responses taken together; so residuals are
    judged, those of the means of cells, or of a linear fit where cells hold single rows. Skewness
    that logarithms keep, or that a few outliers make, is no finding: gamma would not mend it.

    Parameters
    ----------
    model
        Of any family.

    Returns
    -------
    str or None
        What was found, and the remedy.
    """
    y, row = model.design.response.y, model.design.row
    family = model.family
    of_normal = family.conjugate and not family.log_response and model.link.name == "identity"
    if not of_normal or not np.all(y > 0):
        return None
    if len(y) > SAMPLE:
        some = np.random.default_rng(0).choice(len(y), SAMPLE, replace=False)
    else:
        some = np.arange(len(y))
    raw, cell, row = y[some], model.cells.of_row[some], row[some]
    weight = np.ones(len(raw)) if model.design.weights is None else model.design.weights[some]
    residual, logged = (_residuals(model, v, cell, row, weight) for v in (raw, np.log(raw)))
    if min(np.ptp(residual), np.ptp(logged)) == 0:
        return None
    n = weight.sum()
    skewness, after = (_skewness(r, weight) for r in (residual, logged))
    spread, log_spread = (np.average(r**2, weights=weight) for r in (residual, logged))
    # Gaussian log likelihoods at their maxima; the logarithm's has the Jacobian -log(y).
    gain = n / 2 * np.log(spread / log_spread) - weight @ np.log(raw)
    needed = max(STRONG, 3 * np.sqrt(6 / n))  # sqrt(6 / n): standard error under normality
    variation = np.sqrt(spread) / np.average(raw, weights=weight)
    if skewness < needed or after > skewness / 2 or gain < GAIN or variation < VARIATION:
        return None
    # Without outliers, and with means that they have not moved.
    rest = residual <= np.quantile(residual, 1 - OUTLIERS)
    raw, weight = raw[rest], weight[rest]
    residual = _residuals(model, raw, cell[rest], row[rest], weight)
    if _skewness(residual, weight) < STRONG / 2:
        return None
    name = model.design.response.name
    whole = np.array_equal(raw, np.round(raw))
    wide = [f for f in usual_families("count") if family_named(f).wider is None] if whole else []
    remedy = named(usual_families("positive"))
    if wide:
        remedy = f"{named(wide)} (counts), or {remedy}"
    return (
        f"'{name}' is positive and strongly skewed (skewness of the residuals {skewness:.1f}, of "
        f"their logarithms {after:.1f}): a gaussian fit predicts negative values, and is led by "
        f"the largest ones. Use {remedy}."
    )


def is_logarithm(y: np.ndarray, columns: Iterable[Any]) -> bool:
    """Whether a response is the logarithm of a column, of any base and unit (dB too).

    Such a response has been transformed already: the remedy of skewness would do so again.

    Parameters
    ----------
    y
        N responses.
    columns
        N values each, of any kind.
    """
    some = np.arange(len(y))
    if len(y) > SAMPLE:
        some = np.random.default_rng(0).choice(len(y), SAMPLE, replace=False)
    y = y[some] - y[some].mean()
    for column in columns:
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        x = pd.Series(column).iloc[some].to_numpy(dtype=float, na_value=np.nan)
        # Two values lie on a line whatever they are.
        if not np.all((x > 0) & np.isfinite(x)) or len(np.unique(x)) < 3:
            continue
        x = np.log(x) - np.log(x).mean()
        slope = x @ y / (x @ x)
        if slope > 0 and np.abs(y - slope * x).max() <= ROUNDING * y.std():
            return True
    return False


def _skewness(values: np.ndarray, weight: np.ndarray) -> float:
    centred = values - np.average(values, weights=weight)
    second, third = (np.average(centred**k, weights=weight) for k in (2, 3))
    return float(third / second**1.5)


def _residuals(
    model: Model, values: np.ndarray, cell: np.ndarray, row: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return what cell means, or a linear fit with group means, leave unexplained."""
    design = model.design
    if len(values) >= 3 * len(np.unique(cell)):
        total = np.bincount(cell, weight)
        return values - (np.bincount(cell, weight * values) / total)[cell]
    X = np.column_stack([np.ones(len(values)), design.X[row]])
    groups = [g.level[row] for g in design.groups if 2 * len(g.levels) < len(values)]
    root = np.sqrt(weight)[:, None]
    rest = values - np.average(values, weights=weight)
    for _ in range(10 if groups else 1):  # backfitting: predictors, then each group's means
        rest = rest - X @ np.linalg.lstsq(root * X, root[:, 0] * rest, rcond=None)[0]
        for level in groups:
            total = np.bincount(level, weight)
            rest = rest - (np.bincount(level, weight * rest) / np.maximum(total, 1e-300))[level]
    return rest
