"""The marginal density and the conditional distribution, from dense matrices of all rows.

A row of weight w is written w times, a covariance of N rows is N by N, and priors are scipy's:
nothing of the cross-products, patterns and coordinates that winstan uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from models import correlation_names
from prior_densities import cholesky_correlation, lkj_log_density, prior_log_density
from reference_density import means_within_level
from scipy import linalg, stats

import winstan as ws
from winstan import priors as pr
from winstan.marginal.importance_sampling import Target
from winstan.marginal.system import cross_products
from winstan.model import Model

if TYPE_CHECKING:
    from winstan.model import Model


def rows_of_data(seed: int = 0, *, balanced: bool = False) -> pd.DataFrame:
    """Rows of two crossed factors and one nested in `h`, at scales away from one."""
    rng = np.random.default_rng(seed)
    g, h, x = (
        a.ravel() for a in np.meshgrid(np.arange(12), np.arange(5), [0.3, 0.7, 2.0], indexing="ij")
    )
    data = pd.DataFrame({"g": g, "h": h, "x": x})
    data["cond"] = np.array(["a", "b", "c"])[(data.h + np.round(data.x * 10).astype(int)) % 3]
    if not balanced:
        data = data.sample(90, random_state=seed).reset_index(drop=True)
        # A group of one row, which tells nothing of a slope, and one of a single x.
        data = data[~((data.g == 1) & (np.arange(90) != np.flatnonzero(data.g == 1)[0]))]
        data = data[~((data.g == 2) & (data.x != 0.7))]
    n = len(data)
    level = (
        0.4 * data.x
        + 0.5 * rng.normal(size=12)[data.g]
        + 0.3 * data.x * rng.normal(size=12)[data.g]
    )
    data["y"] = 170 + 31 * (level + 0.6 * data.h + rng.normal(size=n))
    data["positive"] = np.exp(data.y / 100)
    data["w"] = rng.integers(1, 4, n)
    data["t"] = rng.choice([0.5, 2.0, 9.0], n)
    data["k"] = data.g % 3
    data["h"], data["g"] = "h" + data.h.astype(str), "g" + data.g.astype(str)
    return data


GIVEN = {
    "b": ws.Normal(3.0, 22.0),
    "Intercept": ws.Normal(140.0, 55.0),
    "sd": ws.HalfStudentT(3, 17.0),
    "1|g_sigma": ws.Gamma(2.5, 0.13),
    "sigma": ws.HalfCauchy(21.0),
}
STRUCTURES = {
    "intercepts": ("y ~ x + cond + (1|g)", {"priors": GIVEN}),
    "slopes": ("y ~ x + (x|g)", {"priors": {"g_corr": ws.LKJ(2.7), "sd": ws.HalfNormal(31.0)}}),
    "uncorrelated": ("y ~ x + (x||g)", {"center": False}),
    "wide, crossed": ("y ~ cond + (cond|g) + (1|h)", {"priors": {"corr": ws.LKJ(1.6)}}),
    "slopes of the other factor": ("y ~ x + (1|g) + (x|h)", {"priors": {"h_corr": ws.LKJ(1.3)}}),
    "three effects of the other factor": ("y ~ x + (x|g) + (0 + cond|h)", {"center": False}),
    "two terms of a factor": ("y ~ x + (x|g) + (0 + cond|g) + (1|h)", {}),
    "nested": ("y ~ x + (1|h/k)", {}),
    "flat": ("y ~ x + cond + (x|g)", {"priors": {"b": ws.Flat(), "Intercept": ws.Flat()}}),
    "one flat": ("y ~ x * cond + (1|g)", {"priors": {"x": ws.Flat()}, "center": False}),
    "no coefficients": ("y ~ 0 + (x|g)", {}),
    "no intercept": ("y ~ 0 + cond + (1|g)", {}),
    "levels and a slope": ("y ~ 0 + cond + x + cond:x + (1|g)", {}),
    "weights, offset": ("y ~ x + offset(t / 10) + (x|g) + (1|h)", {"weights": "w"}),
    "no groups": ("y ~ x * cond", {"priors": {"x": ws.Flat(), "sigma": ws.HalfCauchy(21.0)}}),
}
CASES = [
    *(("gaussian", name, balanced) for name in STRUCTURES for balanced in (False, True)),
    ("lognormal", "weights, offset", False),
    ("lognormal", "slopes", True),
]


@dataclass(frozen=True)
class Variances:
    """What is sampled: a point of the marginal template."""

    sd: list[np.ndarray]  # per group term
    root: list[np.ndarray]  # of the correlations, per group term
    sigma: float
    log_prior: float  # Jacobians included

    @property
    def covariance(self) -> list[np.ndarray]:
        return [np.outer(sd, sd) * (L @ L.T) for sd, L in zip(self.sd, self.root, strict=True)]


def scales_at(model: Model, raw: np.ndarray) -> np.ndarray:
    """Log sds, artanh of the partial correlations and log sigma at raw coordinates.

    Sds by the definition of what is sampled: the variance that a term adds to the rows, on average,
    is that of its first coordinate, and the ratios of its sds have the contrasts that follow it.
    """
    at, groups = model.variances, model.design.groups
    x = at.correlation_root @ raw
    t, curves = np.arcsinh(x), at.transform
    value = curves.location + curves.above * np.exp(t) - curves.below * np.exp(-t)
    value += curves.above_tail * np.exp(2 * t) - curves.below_tail * np.exp(-2 * t)
    names = {id(group) for _, group in correlation_names(model.design)}
    Q = sum(group.Z.shape[1] for group in groups)
    weight = np.ones(model.design.row.size)
    if model.design.weights is not None:
        weight = model.design.weights
    k, c = 0, Q
    for group in groups:
        q = group.Z.shape[1]
        if q > 1:
            ratio = np.exp(linalg.helmert(q).T @ value[k + 1 : k + q])
            root = np.eye(q)
            if id(group) in names:
                n = q * (q - 1) // 2
                root, _ = cholesky_correlation(value[c : c + n], q)
                c += n
            effect = group.Z[model.design.row] * ratio
            variance = np.square(effect @ root).sum(axis=1)  # no absolute values: may be complex
            total = np.average(variance, weights=weight)
            value[k : k + q] = value[k] + np.log(ratio / np.sqrt(total))
        k += q
    return value


def variances_at(model: Model, point: np.ndarray) -> Variances:
    """Read an unconstrained point, one number after another."""
    groups, at = model.design.groups, model.variances
    value = scales_at(model, point)
    # Derivatives of a real function along the imaginary axis are exact (Squire and Trapp 1998).
    tiny = 1e-30
    jacobian = np.stack(
        [scales_at(model, point + 1j * tiny * one).imag / tiny for one in np.eye(point.size)]
    )
    # But for what is the same everywhere.
    constant = np.log(np.abs(np.diag(at.correlation_root))).sum()
    constant += 0.5 * sum(np.log(group.Z.shape[1]) for group in groups)
    lp = np.linalg.slogdet(jacobian)[1] - constant
    n_sd = sum(group.Z.shape[1] for group in groups)
    log_sd, raw, log_sigma = value[:n_sd], value[n_sd:-1], value[-1]
    lp += log_sd.sum() + log_sigma
    names = {id(group): name for name, group in correlation_names(model.design)}
    sds, roots, k, at = [], [], 0, 0
    for group in groups:
        q = group.Z.shape[1]
        sds.append(np.exp(log_sd[k : k + q]))
        k += q
        roots.append(np.eye(q))
        if id(group) in names:
            n = q * (q - 1) // 2
            roots[-1], log_jacobian = cholesky_correlation(raw[at : at + n], q)
            lp += log_jacobian
            lp += lkj_log_density(roots[-1], model.priors[names[id(group)]].numbers[0])
            at += n
    priors = list(model.priors.table.values())
    P = model.population.shape[1]
    for prior, sd in zip(priors[P : P + k], np.exp(log_sd), strict=True):
        lp += prior_log_density(prior, float(sd))
    lp += prior_log_density(model.priors["sigma"], float(np.exp(log_sigma)))
    return Variances(sds, roots, float(np.exp(log_sigma)), float(lp))


def dense(model: Model) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], float]:
    """Response, population design, each term's design (by column, levels within), log Jacobian."""
    design = model.design
    weight = np.ones(design.row.size) if design.weights is None else design.weights
    row = np.repeat(design.row, weight.astype(int))
    y = np.repeat(design.response.y, weight.astype(int))
    log_jacobian = 0.0
    if model.family.name == "lognormal":
        log_jacobian, y = -np.log(y).sum(), np.log(y)
    X = design.X[row] - model.predictor_mean
    for name in model.priors.at_mean - {"Intercept"}:
        mine = design.X[row, design.column_names.index(name)] == 1
        X[mine] -= means_within_level(model, name)
    if design.intercept:
        X = np.column_stack([np.ones(row.size), X])
    Z = []
    for group in design.groups:
        indicator = np.eye(len(group.levels))[group.level[row]]
        Z.append(np.hstack([group.Z[row, i, None] * indicator for i in range(group.Z.shape[1])]))
    return y - design.offset[row], X, Z, float(log_jacobian)


def log_marginal(model: Model, point: np.ndarray) -> float:
    """Log posterior density of the variances: that of all rows is one multivariate normal."""
    at = variances_at(model, point)
    y, X, Z, lp = dense(model)
    V = at.sigma**2 * np.eye(y.size)
    for Zm, S, group in zip(Z, at.covariance, model.design.groups, strict=True):
        V += Zm @ np.kron(S, np.eye(len(group.levels))) @ Zm.T
    priors = list(model.priors.table.values())[: X.shape[1]]
    flat = np.array([isinstance(p, pr.Flat) for p in priors], bool)
    normal = np.array([p.numbers for p in priors if isinstance(p, pr.Normal)]).reshape(-1, 2)
    V += (X[:, ~flat] * normal[:, 1] ** 2) @ X[:, ~flat].T
    y = y - X[:, ~flat] @ normal[:, 0]
    F = X[:, flat]
    if F.size:  # the integral over a flat coefficient: that of a normal, at its least squares
        b = np.linalg.solve(F.T @ np.linalg.solve(V, F), F.T @ np.linalg.solve(V, y))
        y = y - F @ b
        lp += 0.5 * flat.sum() * np.log(2 * np.pi)
        lp -= 0.5 * np.linalg.slogdet(F.T @ np.linalg.solve(V, F))[1]
    return float(lp + at.log_prior + stats.multivariate_normal.logpdf(y, np.zeros(y.size), V))


def conditional(model: Model, at: Variances) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of all coefficients (at centred predictors) and effects, term by term."""
    y, X, Z, _ = dense(model)
    priors = list(model.priors.table.values())[: X.shape[1]]
    precision = np.array([0.0 if isinstance(p, pr.Flat) else p.numbers[1] ** -2 for p in priors])
    mean = np.array([0.0 if isinstance(p, pr.Flat) else p.numbers[0] for p in priors])
    blocks = [np.diag(precision)] + [
        np.kron(np.linalg.inv(S), np.eye(len(group.levels)))
        for S, group in zip(at.covariance, model.design.groups, strict=True)
    ]
    size = sum(len(b) for b in blocks)
    whole, i = np.zeros((size, size)), 0
    for block in blocks:
        whole[i : i + len(block), i : i + len(block)] = block
        i += len(block)
    D = np.hstack([X, *Z])
    covariance = np.linalg.inv(D.T @ D / at.sigma**2 + whole)
    right = D.T @ y / at.sigma**2
    right[: len(mean)] += precision * mean
    return covariance @ right, covariance


def target_of(model: Model) -> Target:
    assert model.marginal is not None
    P, n_sd = model.population.shape[1], model.stacked.column_sds.n
    return Target(
        model.stacked,
        model.marginal,
        cross_products(model.marginal),
        list(model.priors.table.values())[P : P + n_sd],
        model.priors["sigma"],
        tuple(model.priors[name].numbers[0] for name, _ in correlation_names(model.design)),
    )
