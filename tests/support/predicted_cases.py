"""Models with formulas for parameters beside the mean, and their density spelt out row by row.

Nothing is stacked here: every parameter has its own design, and is looked up by the names that
winstan reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from models import model_of
from prior_densities import lkj_log_density, prior_log_density
from reference_density import with_prior
from row_densities import BESIDE, modelled, row_log_densities
from scipy import stats
from template_cases import data_of

import winstan as ws
from winstan import priors as pr

if TYPE_CHECKING:
    from winstan.design import Design, RandomTerm
    from winstan.model import Model

CASES: dict[str, tuple[list[str], str, dict[str, Any]]] = {
    "gaussian": (["y ~ x + (1|g)", "sigma ~ x + cond + (1|g)"], "gaussian", {}),
    "joined": (
        ["y ~ x + (1 + x |p| g)", "sigma ~ x + (1 |p| g) + (1|h)"],
        "gaussian",
        {"priors": {"g_corr": ws.LKJ(2.7), "sigma_1|g_sigma": ws.HalfNormal(1.7)}},
    ),
    "student": (["y ~ x", "sigma ~ cond + offset(np.log(t)) + (1|g)", "nu ~ x"], "student", {}),
    "three joined": (
        ["y ~ x + (1 |p| g)", "sigma ~ 1 + (1 |p| g)", "nu ~ 1 + (1 |p| g)"],
        "student",
        {"priors": {"sigma_Intercept": ws.Cauchy(3, 1.3)}},
    ),
    "levels": (["y ~ 0 + x + (x|g)", "alpha ~ 0 + cond"], "gamma", {"weights": "w"}),
    "levels and slopes": (
        ["y ~ 0 + cond + x", "sigma ~ 0 + cond + x + (x||g)"],
        "lognormal",
        {"weights": "w"},
    ),
    "counts": (
        ["y ~ x + (cond |p| g)", "alpha ~ x + (cond |p| g)"],
        "negative_binomial",
        {"priors": {"alpha_x": ws.StudentT(4, 0.3, 2.2), "alpha_cond|g_sigma[c]": ws.Gamma(2, 3)}},
    ),
    "offsets, weights": (
        ["y ~ x + offset(t / 10) + (1|g)", "sigma ~ x + t + offset(np.log(t)) + (0 + x|g/h)"],
        "gaussian",
        {"weights": "w"},
    ),
    "uncentred": (["y ~ x", "alpha ~ x + cond + (1|g)"], "gamma", {"center": False}),
    "proportions": (
        ["y ~ x + (1 |p| g)", "phi ~ x + cond + (1 |p| g)"], "beta", {"weights": "w"}
    ),
    "waiting": (["y ~ x + (1 |p| g)", "alpha ~ cond + (1 |p| g)"], "weibull", {"weights": "w"}),
    "bursts": (["y ~ x + (1|g)", "phi ~ cond"], "negative_binomial1", {"weights": "w"}),
    "reactions": (["y ~ x", "sigma ~ cond + (1|g)", "beta ~ x"], "exgaussian", {"weights": "w"}),
    "shifted": (["y ~ x + (1|g)", "sigma ~ cond"], "shifted_lognormal", {"weights": "w"}),
    "slanted": (["y ~ x", "alpha ~ x", "sigma ~ cond"], "skew_normal", {}),
    "first passage": (["y ~ x", "lam ~ x + (1|g)"], "inverse_gaussian", {"weights": "w"}),
    "directions": (
        ["y ~ x + (1 |p| g)", "kappa ~ x + cond + (1 |p| g)"], "von_mises", {"weights": "w"}
    ),
    "successes": (
        ["y ~ x + (1|g)", "phi ~ x + cond + (1|g)"],
        "beta_binomial",
        {"weights": "w", "trials": "trials"},
    ),
    "successes and zeros": (
        ["y ~ x + (1 |p| g)", "zi ~ cond + (1 |p| g)"],
        "zero_inflated_binomial",
        {"link": "cloglog", "trials": "trials"},
    ),
    "ordered ends": (["y ~ cond + (1|g)", "phi ~ x"], "ordered_beta", {"weights": "w"}),
    "ends": (
        ["y ~ x", "phi ~ cond", "zoi ~ x + (1|g)", "coi ~ x"],
        "zero_one_inflated_beta",
        {"link": "probit"},
    ),
    "of another link": (
        ["y ~ x + cond", "sigma ~ x:cond"],
        "student",
        {"link": "log", "priors": {"sigma_x:cond": ws.Flat()}},
    ),
}  # fmt: skip


def case(name: str) -> Model:
    """Make the model of a case."""
    formula, family, options = CASES[name]
    return model_of(formula, data_of(family), family, **options)


def centers(name: str) -> bool:
    """Whether intercepts have their priors at the mean of the predictors."""
    return CASES[name][2].get("center", True)


def slopes(design: Design, values: dict[str, Any]) -> np.ndarray:
    """Coefficients of a parameter's columns."""
    own = [np.atleast_1d(values[design.prefix + term.name]) for term in design.terms]
    return np.concatenate([[], *own])


def moves_to_mean(design: Design, values: dict[str, Any]) -> dict[str, float]:
    """What takes an intercept, or levels that stand for it, to the mean of the other columns."""
    X, names, b = design.X[design.row], design.column_names, slopes(design, values)
    weight = np.ones(len(X)) if design.weights is None else design.weights
    if design.intercept:
        return {f"{design.prefix}Intercept": float(weight @ X @ b / weight.sum())}
    levels = np.array([name.startswith(f"{design.prefix}cond[") for name in names])
    if levels.sum() < 3:
        return {}
    return {
        names[k]: float(np.where(levels, 0, np.average(X[mine], axis=0, weights=weight[mine])) @ b)
        for k in np.flatnonzero(levels)
        for mine in [X[:, k] == 1]
    }


def priors(model: Model, values: dict[str, Any], *, center: bool) -> float:
    """Log density of the priors of all numbers, but for the correlations.

    Parameters
    ----------
    model
    values
        By the names that are reported, the intercepts and levels at the zeros of the predictors.
    center
        Whether their priors are at the means.
    """
    total, moves = 0.0, {}
    for design in model.design.every if center else ():
        moves |= moves_to_mean(design, values)
    for name, prior in model.priors.table.items():
        if isinstance(prior, pr.LKJ):
            continue
        variable, _, label = name.partition("[")
        value = values[variable]
        if label:
            coords = next(v.coords for v in model.variables if v.name == variable)
            value = value[next(iter(coords.values())).index(label[:-1])]
        value = with_prior(model, name, float(value) + moves.get(name, 0.0))
        total += prior_log_density(prior, value)
    return total


def rows(model: Model, values: dict[str, Any]) -> float:
    """Log density of the rows."""
    predicted, link = {}, model.link.name
    for design in model.design.every:
        eta = design.offset[design.row] + float(values.get(f"{design.prefix}Intercept", 0.0))
        eta = eta + design.X[design.row] @ slopes(design, values)
        for group in design.groups:
            for effect in group.effects:
                u = np.atleast_2d(values[f"{design.prefix}{effect.name}|{group.factor}"])
                Z, level = group.Z[design.row][:, list(effect.columns)], group.level[design.row]
                eta += (Z * u[:, level].T).sum(axis=1)
        predicted[design.parameter] = eta
    aux = {
        name: BESIDE[name](predicted[name]) if name in predicted else float(values[name])
        for name in model.family.auxiliary
    }
    if model.family.name == "skew_normal" and "alpha" in predicted:
        aux["alpha"] = predicted["alpha"]
    y, weight = modelled(model), model.design.weights
    by_row = row_log_densities(
        model.family.name, link, y, predicted["mu"], aux, model.design.response.trials
    )
    return float(np.sum(by_row if weight is None else weight * by_row))


def effect_names(group: RandomTerm) -> list[tuple[str, list[int] | int]]:
    """Name the variables of a term's effects, with their columns."""
    return [
        (
            f"{effect.prefix}{effect.name}|{group.factor}",
            list(effect.columns) if effect.labels else effect.columns[0],
        )
        for effect in group.effects
    ]


def effects(model: Model, values: dict[str, Any]) -> float:
    """Log density of the group effects and of their correlations."""
    total, used = 0.0, {}
    for group in model.stacked.groups:
        names = [name for name, _ in effect_names(group)]
        sd = np.concatenate([np.atleast_1d(values[f"{name}_sigma"]) for name in names])
        u = np.vstack([np.atleast_2d(values[name]) for name in names])
        R, q = np.eye(sd.size), sd.size
        if group.correlated and q > 1:
            whole = f"{group.factor}_corr"
            start, n = used.get(whole, 0), q * (q - 1) // 2
            used[whole] = start + n
            R[np.tril_indices(q, -1)] = values[whole][start : start + n]
            R = R + np.tril(R, -1).T
            L, eta = np.linalg.cholesky(R), model.priors[group.correlation_name].numbers[0]
            # That of the matrix, not of its factor.
            diagonal = np.log(np.diag(L))[1:] @ np.arange(q - 2, -1, -1) if q > 1 else 0.0
            total += lkj_log_density(L, eta) - diagonal
        covariance = sd[:, None] * R * sd
        total += stats.multivariate_normal.logpdf(u.T, np.zeros(q), covariance).sum()
    return float(total)
