"""Autocorrelation of residuals within units, beside what the model has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from winstan.effects.means import linear_predictor, rows_of
from winstan.errors import OptionError, near_matches
from winstan.families.sample import sum_by
from winstan.options import check_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.model import Model

__all__ = ["residual_autocorrelation"]

ALL = "all"
"""The unit of rows of the table that are of all units together."""


def residual_autocorrelation(
    model: Model, posterior: Mapping[str, Array], lags: int, by: str | None, prob: float
) -> pd.DataFrame:
    """Correlate residuals with those of rows a few rows before, within units.

    Parameters
    ----------
    model
        Of a family whose noise has one scale (gaussian, student, lognormal).
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    lags
        How many rows before, at most.
    by
        The group factor whose levels are the units; None takes the units of the residual
        correlation, or the group factor with most levels.
    prob
        Of independent residuals, of the band.

    Returns
    -------
    DataFrame
        Columns unit (``"all"`` for all together), lag, correlation, pairs, lower, upper (between
        which independent residuals are), and implied: what the model has, at the posterior mean.
    """
    check_whole("lags", lags, 1)
    if not model.family.noise:
        raise OptionError(
            f"Residuals of family={model.family.name!r} have no one scale: their autocorrelation "
            "is that of gaussian, student and lognormal models."
        )
    unit, names, place = _units(model, by)
    residual = _residuals(model, posterior)
    order = np.lexsort((place, unit))
    e, of, at = residual[order], unit[order], place[order]
    size = float(special.ndtri(0.5 + prob / 2))
    tables = []
    for lag in range(1, lags + 1):
        same = np.flatnonzero(of[lag:] == of[:-lag])
        if not same.size:
            break
        now, before, own = e[lag:][same], e[:-lag][same], of[lag:][same]
        implied = _implied(model, posterior, at[:-lag][same], at[lag:][same])
        parts = [now * before, now**2, before**2, implied, np.ones(same.size)]
        sums = np.array([sum_by(own, part, len(names)) for part in parts])
        sums = np.column_stack([sums.sum(axis=1), sums])
        sums, labels = sums[:, sums[4] > 0], np.array([ALL, *names], object)[sums[4] > 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = sums[0] / np.sqrt(sums[1] * sums[2])
        band = np.minimum(size / np.sqrt(sums[4]), 1.0)
        tables.append(
            pd.DataFrame(
                {
                    "unit": labels,
                    "lag": lag,
                    "correlation": correlation,
                    "pairs": sums[4].astype(int),
                    "lower": -band,
                    "upper": band,
                    "implied": sums[3] / sums[4],
                }
            )
        )
    if not tables:
        raise OptionError("No unit has two rows: there is no autocorrelation within units.")
    return pd.concat(tables, ignore_index=True)


def _units(model: Model, by: str | None) -> tuple[np.ndarray, list[object], Array]:
    """Return the unit of each row, the units' names, and each row's place in its unit."""
    design, term = model.design, model.design.residual
    if by is None and term is not None:
        return term.unit, list(term.factor.levels), term.place
    place = np.arange(design.row.size, dtype=float) if term is None else term.place
    groups = {group.factor: group for group in design.groups}
    if by is None and groups:
        by = max(groups.values(), key=lambda group: group.n_levels).factor
    if by is None:
        return np.zeros(design.row.size, int), ["rows"], place
    if by not in groups:
        raise OptionError(f"by={by!r} is no group factor." + near_matches(str(by), list(groups)))
    return groups[by].level[design.row], list(groups[by].levels), place


def _residuals(model: Model, posterior: Mapping[str, Array]) -> Array:
    """Residuals about the posterior mean of the linear predictor, (N,)."""
    rows, y = rows_of(model.design), model.design.response.y.astype(float)
    means = [eta.mean(axis=0) for _, eta in linear_predictor(model, posterior, rows)]
    mean = (np.concatenate(means) + rows.offset)[model.design.row]
    return np.asarray((np.log(y) if model.family.log_response else y) - model.link.inverse(mean))


def _implied(model: Model, posterior: Mapping[str, Array], before: Array, now: Array) -> Array:
    """Correlation that the model has of pairs of rows of a unit, at these places."""
    if model.residuals is None:
        return np.zeros(now.size)
    structure = model.residuals.structure
    mean = posterior[structure.name].mean(axis=0, keepdims=True)
    places, which = np.unique(np.column_stack([before, now]), axis=0, return_inverse=True)
    found = [structure.between(mean, a[:1], a[1:])[0, 0, 0] for a in places]
    return np.asarray(found)[which.ravel()]
