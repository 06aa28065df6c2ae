"""Models with correlated residuals, and their density row by row, by scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from winstan.fitted.pipeline import model_from


def rows(seed: int = 3) -> pd.DataFrame:
    """Unbalanced rows of six animals of two sessions each, with visits missing, in no order."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        [(a, s, v) for a in "abcdef" for s in (1, 2) for v in range(4)],
        columns=["mouse", "session", "visit"],
    )
    frame["unit"] = frame.mouse + frame.session.astype(str)
    frame["time"] = 7.0 * frame.visit + rng.uniform(0, 4, len(frame)).round(1)
    frame["x"] = rng.normal(size=len(frame))
    frame["arm"] = np.where(frame.mouse < "d", "sham", "drug")
    frame["day"] = rng.integers(0, 3, len(frame)).astype(str)
    drift = np.repeat(rng.normal(size=12), 4)
    frame["y"] = 40 + 3 * frame.x + 5 * drift + 4 * rng.normal(size=len(frame))
    frame = frame.drop(index=[3, 9, 10, 22, 40])
    return frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def model_of(formula, data, family="gaussian", **options):
    """Build a model, guards silent."""
    options = {"priors": None, "formulas": None, "parametrization": None} | options
    return model_from(
        formula,
        data,
        family,
        {},
        link=None,
        center=True,
        weights=None,
        trials=None,
        silence="all",
        **options,
    )


def correlation(kind: str, value, places: np.ndarray, order: int) -> np.ndarray:
    """The correlation matrix of rows at some places of a unit."""
    lag = np.abs(places[:, None] - places)
    if kind in ("ar", "car"):
        return value**lag
    if kind == "cs":
        return np.where(lag == 0, 1.0, value)
    if kind == "toep":
        return np.r_[1.0, value][lag.astype(int)]
    whole = np.eye(order)
    pairs = [(i, j) for i in range(order) for j in range(i)]
    for (i, j), own in zip(pairs, value, strict=True):
        whole[i, j] = whole[j, i] = own
    return whole[np.ix_(places.astype(int), places.astype(int))]


def log_marginal(model, y, places, unit, draws: dict[str, np.ndarray]) -> float:
    """Log density of the response, coefficients and effects integrated out, at one draw."""
    n, of_row = model.cells.n, model.cells.of_row
    own = list(model.coefficients.sampled_names)
    residual = model.residual
    priors = [model.priors[own[p]] for p in residual.mean_at]
    X = model.population[:n][of_row][:, residual.mean_at]
    mean = model.cells.offset[:n][of_row] + X @ [p.numbers[0] for p in priors]
    V = X @ np.diag([p.numbers[1] ** 2 for p in priors]) @ X.T
    for group, Z, level in zip(model.stacked.groups, model.cells.Z, model.cells.level, strict=True):
        sd = np.concatenate([np.atleast_1d(draws[group.sd_name(e)]) for e in group.effects])
        own_corr = np.eye(group.q)
        if group.has_correlations:
            pairs = [(i, j) for i in range(group.q) for j in range(i)]
            values = np.atleast_1d(draws[group.correlation_variable])
            for (i, j), value in zip(pairs, values, strict=True):
                own_corr[i, j] = own_corr[j, i] = value
        S = np.outer(sd, sd) * own_corr
        Zr, lr = Z[:n][of_row], level[:n][of_row]
        V += (lr[:, None] == lr) * (Zr @ S @ Zr.T)
    V += residual_covariance(model, places, unit, draws)
    return float(stats.multivariate_normal.logpdf(y, mean, V))


def residual_covariance(model, places, unit, draws) -> np.ndarray:
    """The covariance of all rows' residuals."""
    n, of_row = model.cells.n, model.cells.of_row
    structure = model.residual.structure
    if model.likelihood.predicted:
        at = model.residual.spread_at
        names = [model.coefficients.sampled_names[p] for p in at]
        values = [draws[name] for name in names]
        spread = np.exp(
            (model.cells.offset[n : 2 * n] + model.population[n : 2 * n][:, at] @ values)[of_row]
        )
    else:
        spread = np.full(of_row.size, float(draws["sigma"]))
    R = np.zeros((of_row.size, of_row.size))
    for one in np.unique(unit):
        at = np.flatnonzero(unit == one)
        C = correlation(structure.name, draws[structure.name], places[at], structure.order)
        R[np.ix_(at, at)] = C * np.outer(spread[at], spread[at])
    return R
