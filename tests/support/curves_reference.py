"""Coefficients with bounds, and those that are shrunk, one by one: their curves and densities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from winstan import priors as pr

if TYPE_CHECKING:
    from winstan.model import Model


def curved(model: Model, beta: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients of what is sampled, and the logarithm of the curves' slopes."""
    out, log_slope, bounds = beta.copy(), 0.0, model.bounds
    for i, p in enumerate(bounds.at):
        a = (beta[p] - bounds.lower[i]) / bounds.width[i]
        b = (beta[p] - bounds.upper[i]) / bounds.width[i]
        if np.isfinite(a):
            out[p] = bounds.lower[i] + bounds.width[i] * np.log1p(np.exp(a))
        if np.isfinite(b):
            out[p] -= bounds.width[i] * np.log1p(np.exp(b))
        log_slope += np.log(special.expit(a) - special.expit(b))
    if model.shrinkage is not None:
        own = model.shrinkage.reported(
            numbers[None, len(model.likelihood.scalars) : model.first_piece]
        )
        values = {name: value[0] for name, value in own.items()} | {"sigma": numbers[0]}
        for j, p in enumerate(model.shrinkage.at):
            s = sds(model, values)[j]
            variance = 1 / (model.shrunk.known[j] + 1 / s**2)
            slope = np.sqrt(variance) * model.shrunk.root[j]
            out[p] = variance * model.shrunk.score[j]
            out[p] += slope * (beta[p] - model.coordinates.beta_location[p])
            log_slope += np.log(slope)
    return out, float(log_slope)


def sds(model: Model, values: dict[str, np.ndarray]) -> np.ndarray:
    """Prior sds of the coefficients that are shrunk, as the documentation has them."""
    spreads = []
    for label in model.shrinkage.labels:
        column = model.design.X[model.design.row, list(model.design.column_names).index(label)]
        weights = model.design.weights
        column = column if weights is None else np.repeat(column, weights.astype(int))
        spreads.append(column.std(ddof=1))
    unit = values["sigma"] if model.shrinkage.sigma is not None else 1.0
    if "R2D2_R2" in values:
        odds = values["R2D2_R2"] / (1 - values["R2D2_R2"])
        return unit / np.array(spreads) * np.sqrt(odds * values["R2D2_phi"])
    wide = (values["hs_global"] * values["hs_local"]) ** -2.0
    return unit / np.array(spreads) / np.sqrt(wide + 1 / values["hs_slab"])


def shared_log_density(model: Model, values: dict[str, np.ndarray]) -> float:
    """Log density of the numbers that coefficients share, by the pieces that are sampled."""
    if model.shrinkage is None:
        return 0.0
    prior = model.shrinkage.prior
    if isinstance(prior, pr.R2D2):
        mean, precision, cons = prior.mean_R2, prior.prec_R2, prior.cons_D2
        phi = np.atleast_1d(values["R2D2_phi"])
        lp = stats.beta.logpdf(values["R2D2_R2"], mean * precision, (1 - mean) * precision)
        if phi.size > 1:
            left = 1 - np.concatenate([[0.0], np.cumsum(phi)[:-2]])  # d phi_j / d piece_j
            lp += stats.dirichlet.logpdf(phi, np.full(phi.size, cons)) + np.log(left).sum()
        return float(lp)
    c2 = stats.invgamma(prior.df_slab / 2, scale=prior.df_slab * prior.scale_slab**2 / 2)
    tau = np.log(2) + stats.t.logpdf(values["hs_global"], prior.df_global, 0, prior.scale_global)
    local = np.log(2) + stats.t.logpdf(values["hs_local"], prior.df)
    return float(tau + local.sum() + c2.logpdf(values["hs_slab"]))
