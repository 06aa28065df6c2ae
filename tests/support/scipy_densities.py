"""Densities by scipy, a function of y, the mean and the other parameters each."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats


def gaussian(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.norm.logpdf(y, mu, aux["sigma"])


def student(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.t.logpdf(y, aux["nu"], mu, aux["sigma"])


def gamma(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.gamma.logpdf(y, aux["alpha"], scale=mu / aux["alpha"])


def poisson(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.poisson.logpmf(y, mu)


def negative_binomial(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.nbinom.logpmf(y, aux["alpha"], aux["alpha"] / (aux["alpha"] + mu))


def exponential(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.expon.logpdf(y, scale=mu)


def weibull(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    alpha = aux["alpha"]
    return stats.weibull_min.logpdf(y, alpha, scale=mu / special.gamma(1 + 1 / alpha))


def inverse_gaussian(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.invgauss.logpdf(y, mu / aux["lam"], scale=aux["lam"])


def geometric(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.geom.logpmf(y + 1, 1 / (1 + mu))


def negative_binomial1(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.nbinom.logpmf(y, mu / aux["phi"], 1 / (1 + aux["phi"]))


def lognormal(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.lognorm.logpdf(y, aux["sigma"], scale=np.exp(mu))


def von_mises(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.vonmises.logpdf(y, aux["kappa"], loc=mu)


def exgaussian(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    sigma, beta = aux["sigma"], aux["beta"]
    return stats.exponnorm.logpdf(y, beta / sigma, mu - beta, sigma)


def skew_normal(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    mean, variance = stats.skewnorm.stats(aux["alpha"])
    omega = aux["sigma"] / np.sqrt(variance)
    return stats.skewnorm.logpdf(y, aux["alpha"], mu - omega * mean, omega)


def shifted_lognormal(y: np.ndarray, mu: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    return stats.lognorm.logpdf(y, aux["sigma"], aux["ndt"], np.exp(mu))


BY_NAME = {
    f.__name__: f
    for f in (
        *(gaussian, student, gamma, poisson, negative_binomial),
        *(exponential, weibull, inverse_gaussian, geometric, negative_binomial1),
        *(exgaussian, skew_normal, shifted_lognormal),
        *(lognormal, von_mises),
    )
}
