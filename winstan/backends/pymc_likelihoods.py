"""The likelihoods on cells, by template, as PyTensor graphs; normalised, like the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.rising import FAR, FIRST, STIRLING

if TYPE_CHECKING:
    from winstan.families import Statistics

LogLikelihood = Callable[["Statistics", Any, Mapping[str, Any], str], Any]


def _pt() -> Any:
    return import_module("pytensor.tensor")


def _mean(eta: Any, link: str) -> Any:
    pt = _pt()
    return {
        "identity": lambda: eta,
        "log": lambda: pt.exp(eta),
        "inverse": lambda: 1 / eta,
        "sqrt": lambda: pt.sqr(eta),
    }[link]()


def _log_mean(eta: Any, link: str) -> Any:
    """Log of a positive mean; minus infinity, and so no density, where the link has none."""
    pt = _pt()
    if link == "log":
        return eta
    inside = pt.switch(pt.gt(eta, 0), eta, np.nan)
    return {
        "identity": lambda: pt.log(inside),
        "inverse": lambda: -pt.log(inside),
        "sqrt": lambda: 2 * pt.log(inside),
    }[link]()


def _defined(log_density: Any, eta: Any, link: str) -> Any:
    """Give no density to linear predictors that the link confines away."""
    pt = _pt()
    if link == "log":
        return log_density
    return pt.switch(pt.all(pt.gt(eta, 0)), log_density, -np.inf)


def gaussian(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Count, mean and within-cell sum of squares."""
    pt = _pt()
    sigma = aux["sigma"]
    ss = stats["ss_within"] + (stats["n"] * pt.sqr(stats["mean_y"] - _mean(eta, link))).sum()
    size = float(np.sum(stats["n"]))
    log_density = -size * (0.5 * np.log(2 * np.pi) + pt.log(sigma)) - 0.5 * ss / pt.sqr(sigma)
    return log_density + stats["log_constant"]


def student(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Tally of (cell, value)."""
    pt = _pt()
    sigma, nu = aux["sigma"], aux["nu"]
    z = (stats["value"] - _mean(eta, link)[stats["cell"] - 1]) / sigma
    normaliser = (
        pt.gammaln(0.5 * (nu + 1)) - pt.gammaln(0.5 * nu) - 0.5 * pt.log(nu * np.pi) - pt.log(sigma)
    )
    kernel = (stats["tally"] * pt.log1p(pt.sqr(z) / nu)).sum()
    size = float(np.sum(stats["tally"]))
    return size * normaliser - 0.5 * (nu + 1) * kernel + stats["log_constant"]


def gamma(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Count, sum of y, sum of log y; mean mu, shape alpha."""
    pt = _pt()
    alpha, log_mu = aux["alpha"], _log_mean(eta, link)
    log_density = (
        float(np.sum(stats["n"])) * (alpha * pt.log(alpha) - pt.gammaln(alpha))
        + (alpha - 1) * stats["sum_log_y"]
        - alpha * ((stats["n"] * log_mu).sum() + (stats["sum_y"] * pt.exp(-log_mu)).sum())
        + stats["log_constant"]
    )
    return _defined(log_density, eta, link)


def poisson(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Exposure and sum of y."""
    pt = _pt()
    log_mu = _log_mean(eta, link)
    log_density = (stats["sum_y"] * log_mu).sum() - (stats["n"] * pt.exp(log_mu)).sum()
    return _defined(log_density + stats["log_constant"], eta, link)


def negative_binomial(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Count and sum of y, and the rising factorials of the values; mean mu, shape alpha."""
    pt = _pt()
    alpha, log_mu = aux["alpha"], _log_mean(eta, link)
    mu = pt.exp(log_mu)
    ratio = mu / alpha
    # log(1 + ratio) / ratio: the derivative of what is written so does not cancel
    series = 1 - ratio * (1 / 2 - ratio * (1 / 3 - ratio * (1 / 4 - ratio / 5)))
    share = pt.switch(pt.lt(ratio, 1e-3), series, pt.log1p(ratio) / ratio)
    log_density = (
        _log_rising(stats, alpha)
        + (stats["sum_y"] * log_mu).sum()
        - ((stats["sum_y"] * ratio + stats["n"] * mu) * share).sum()
        + stats["log_constant"]
    )
    return _defined(log_density, eta, link)


def _log_rising(stats: Statistics, alpha: Any) -> Any:
    """See `winstan.families.rising`."""
    pt = _pt()
    # No larger than where it serves: elsewhere its powers, though not taken, would be infinite
    x = pt.minimum(stats["largest"] / alpha, 1 / FAR)
    moments = stats["moments"]
    series = (moments * x ** np.arange(1.0, moments.size + 1)).sum()
    sums = (stats["n_above"] * pt.log1p(np.arange(1.0, stats["n_first"] + 1) / alpha)).sum()
    if stats["V"]:
        excess, tally, a = stats["excess"], stats["tally"], alpha + FIRST + 1
        beyond = (a + excess - 0.5) * pt.log1p(excess / a) + _stirling(a + excess)
        sums += (tally * beyond).sum() - float(tally.sum()) * _stirling(a)
        sums += float(tally @ excess) * (pt.log1p((FIRST + 1) / alpha) - 1)
    return pt.switch(pt.gt(alpha, FAR * stats["largest"]), series, sums)


def _stirling(z: Any) -> Any:
    square = 1 / (z * z)
    return (STIRLING[0] + square * (STIRLING[1] + square * STIRLING[2])) / z


def binomial(stats: Statistics, eta: Any, aux: Mapping[str, Any], link: str) -> Any:
    """Trials and successes."""
    pt = _pt()
    successes, failures = stats["sum_y"], stats["n"] - stats["sum_y"]
    if link == "logit":
        log_p, log_q = -pt.softplus(-eta), -pt.softplus(eta)
    elif link == "probit":
        log_p, log_q = _log_phi(eta), _log_phi(-eta)
    else:
        log_p, log_q = pt.log(-pt.expm1(-pt.exp(eta))), -pt.exp(eta)
    return (successes * log_p).sum() + (failures * log_q).sum() + stats["log_constant"]


def _log_phi(eta: Any) -> Any:
    """Log of the standard normal distribution function, by the scaled erfc in the lower tail."""
    pt = _pt()
    low = pt.log(0.5 * pt.erfcx(-eta / np.sqrt(2))) - 0.5 * pt.sqr(eta)
    return pt.switch(pt.lt(eta, -1), low, pt.log(0.5 * pt.erfc(-eta / np.sqrt(2))))


LOG_LIKELIHOODS: Mapping[str, LogLikelihood] = {
    "gaussian": gaussian,
    "student": student,
    "gamma": gamma,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "binomial": binomial,
}
