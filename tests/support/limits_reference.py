"""Densities and probabilities of rows with limits, by scipy's distribution functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from winstan.families.sample import Limits


def distribution(family: str, mu: np.ndarray, aux: dict[str, Any]) -> Any:
    """The distribution of each row, of what the inverse link gives."""
    makers = {
        "gaussian": lambda: stats.norm(mu, aux["sigma"]),
        "student": lambda: stats.t(aux["nu"], mu, aux["sigma"]),
        "lognormal": lambda: stats.lognorm(aux["sigma"], scale=np.exp(mu)),
        "gamma": lambda: stats.gamma(aux["alpha"], scale=mu / aux["alpha"]),
        "poisson": lambda: stats.poisson(mu),
        "negative_binomial": lambda: stats.nbinom(aux["alpha"], aux["alpha"] / (aux["alpha"] + mu)),
        "negative_binomial1": lambda: stats.nbinom(mu / aux["phi"], 1 / (1 + aux["phi"])),
        "geometric": lambda: stats.nbinom(1, 1 / (1 + mu)),
        "exponential": lambda: stats.expon(scale=mu),
        "weibull": lambda: stats.weibull_min(
            aux["alpha"], scale=mu / special.gamma(1 + 1 / aux["alpha"])
        ),
        "inverse_gaussian": lambda: stats.invgauss(mu / aux["lam"], scale=aux["lam"]),
        "exgaussian": lambda: stats.exponnorm(
            aux["beta"] / aux["sigma"], mu - aux["beta"], aux["sigma"]
        ),
        "shifted_lognormal": lambda: stats.lognorm(aux["sigma"], aux["ndt"], np.exp(mu)),
    }
    return makers[family]()


def least_end(y: np.ndarray, limits: Limits | None) -> float:
    """The least of what responses are known to be at most: what a shift is below."""
    if limits is None or limits.status is None:
        return float(y.min())
    ends = [
        end
        for status, low, end in zip(
            limits.status, y, y if limits.upper is None else limits.upper, strict=True
        )
        if status != 1
    ]
    return float(min(ends))


def limited_rows(
    family: str, mu: np.ndarray, aux: dict[str, Any], y: np.ndarray, limits: Limits
) -> np.ndarray:
    """Log density, or log probability, of each row."""
    if limits.error is not None:
        sigma = aux["sigma"] if limits.with_sigma else 0.0
        aux = {**aux, "sigma": np.sqrt(limits.error**2 + sigma**2)}
    own = distribution(family, mu, aux)
    counted = isinstance(own.dist, stats.rv_discrete)
    lb = np.full(y.shape, -np.inf) if limits.lb is None else limits.lb - counted
    ub = np.full(y.shape, np.inf) if limits.ub is None else limits.ub
    out = (own.logpmf if counted else own.logpdf)(y)
    if limits.status is not None:
        status, upper = limits.status, y if limits.upper is None else limits.upper
        low = np.where(status == -1, lb, y)
        high = np.select([status == -1, status == 1], [y, ub], upper)
        out = np.where(status == 0, out, between(own, low, np.minimum(high, ub)))
    return out - between(own, lb, ub)


def between(own: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Log of P(low < Y <= high), of whichever tail is the smaller."""
    log_cdf, log_sf = own.logcdf, own.logsf
    if own.dist.name == "exponnorm":  # of which scipy takes them by a search for each row
        log_cdf, log_sf = (lambda y: np.log(own.cdf(y))), (lambda y: np.log(own.sf(y)))
    with np.errstate(divide="ignore", invalid="ignore"):
        cdf_low, cdf_high, sf_low, sf_high = *map(log_cdf, (low, high)), *map(log_sf, (low, high))
        by_cdf = cdf_high + np.log1p(-np.exp(cdf_low - cdf_high))
        by_sf = sf_low + np.log1p(-np.exp(sf_high - sf_low))
        return np.where(sf_low < cdf_high, by_sf, by_cdf)
