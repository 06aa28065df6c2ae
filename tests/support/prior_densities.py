"""Log densities of priors by scipy, and Cholesky factors of correlation matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from row_densities import LATENT
from scipy import special, stats

from winstan import priors as pr

if TYPE_CHECKING:
    pass


def threshold_log_density(prior: pr.Prior, link: str, thresholds: np.ndarray) -> float:
    """Log density of thresholds: of each, or by the categories' probabilities at eta = 0."""
    if not isinstance(prior, pr.Dirichlet):
        return sum(prior_log_density(prior, float(at)) for at in thresholds)
    F = LATENT[link]
    shares = np.diff(F.cdf(thresholds), prepend=0.0, append=1.0)
    alpha = np.full(shares.size, prior.alpha)
    return float(stats.dirichlet.logpdf(shares, alpha) + F.logpdf(thresholds).sum())


def prior_log_density(prior: pr.Prior, x: float) -> float:
    """Log density of a scalar prior, by scipy."""
    p = prior.numbers
    frozen: dict[type, Any] = {
        pr.Normal: lambda: stats.norm(*p),
        pr.StudentT: lambda: stats.t(*p),
        pr.Cauchy: lambda: stats.cauchy(*p),
        pr.Exponential: lambda: stats.expon(scale=1 / p[0]),
        pr.Gamma: lambda: stats.gamma(p[0], scale=1 / p[1]),
        pr.InverseGamma: lambda: stats.invgamma(p[0], scale=p[1]),
        pr.Beta: lambda: stats.beta(*p),
        pr.HalfNormal: lambda: stats.halfnorm(scale=p[0]),
        pr.HalfCauchy: lambda: stats.halfcauchy(scale=p[0]),
    }
    if isinstance(prior, pr.Flat):
        return 0.0
    if prior.bounded:
        (mu, sigma), (low, high) = p, prior.bounds
        return float(stats.truncnorm((low - mu) / sigma, (high - mu) / sigma, mu, sigma).logpdf(x))
    if isinstance(prior, pr.HalfStudentT):
        return float(np.log(2) + stats.t.logpdf(x, p[0], 0, p[1]))
    return float(frozen[type(prior)]().logpdf(x))


def cholesky_correlation(y: np.ndarray, q: int) -> tuple[np.ndarray, float]:
    """Cholesky factor from unconstrained numbers, and the log Jacobian (Stan reference manual)."""
    z, log_jacobian, at = np.tanh(y), np.log1p(-(np.tanh(y) ** 2)).sum(), 0
    L = np.zeros((q, q), y.dtype)
    L[0, 0] = 1
    for i in range(1, q):
        left = 1.0
        for j in range(i):
            L[i, j] = z[at] * np.sqrt(left)
            log_jacobian += 0.5 * np.log(left)
            left -= L[i, j] ** 2
            at += 1
        L[i, i] = np.sqrt(left)
    return L, log_jacobian


def lkj_log_density(L: np.ndarray, eta: float) -> float:
    """LKJ density of a Cholesky factor: that of L L', times the Jacobian of L -> L L'."""
    q = L.shape[0]
    constant = 0.0  # Lewandowski et al. (2009), equations 16 and 17
    for k in range(1, q):
        b = eta + (q - 1 - k) / 2
        constant += (2 * eta - 2 + q - k) * (q - k) * np.log(2) + (q - k) * special.betaln(b, b)
    jacobian = sum((q - 1 - i) * np.log(L[i, i]) for i in range(1, q))
    return float(2 * (eta - 1) * np.log(np.diag(L)).sum() + jacobian - constant)
