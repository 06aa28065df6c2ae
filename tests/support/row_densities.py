"""Log densities of rows by scipy, family by family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats
from scipy_densities import BY_NAME
from shares_reference import SHARES
from zeros_reference import base_of, with_zeros

if TYPE_CHECKING:
    from winstan.model import Model


INVERSE = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "inverse": lambda eta: 1 / eta,
    "sqrt": lambda eta: eta**2,
    "logit": special.expit,
    "probit": stats.norm.cdf,
    "cloglog": lambda eta: 1 - np.exp(-np.exp(eta)),
    "tan_half": lambda eta: 2 * np.arctan(eta),
    "softmax": lambda eta: eta,
}


# Formulas of positive parameters are of their logarithms, of probabilities of their log odds.
BESIDE = {
    "sigma": np.exp,
    "nu": np.exp,
    "alpha": np.exp,
    "phi": np.exp,
    "lam": np.exp,
    "beta": np.exp,
    "kappa": np.exp,
    "zi": special.expit,
    "hu": special.expit,
    "zoi": special.expit,
    "coi": special.expit,
    # Log odds of the categories after the second.
    "muc": lambda eta: eta,
    "mud": lambda eta: eta,
    # What each of four thresholds is less by.
    **{f"cs{k}": lambda eta: eta for k in (1, 2, 3, 4)},
}


def modelled(model: Model) -> np.ndarray:
    """Return the response as the linear predictor has it: angles under a half-tangent turned."""
    y, weight = model.design.response.y, model.design.weights
    if model.link.name != "tan_half":
        return y
    east, north = (np.average(part, weights=weight) for part in (np.cos(y), np.sin(y)))
    return y - np.arctan2(north, east)


def row_log_densities(
    family: str, link: str, y: np.ndarray, eta: np.ndarray, aux: dict[str, Any], trials: Any
) -> np.ndarray:
    """Log density of each row, by scipy; a parameter is a number, or one for each row."""
    mu = INVERSE[link](eta)
    if family in BY_NAME:
        return BY_NAME[family](y, mu, aux)
    if family in SHARES:
        return SHARES[family](y, mu, eta, aux, trials)
    if family in CATEGORIES:
        return CATEGORIES[family](link, y, eta, aux)
    if family.startswith(("zero_inflated", "hurdle")):
        base, some = base_of(family), np.where(y > 0, y, 1.0)
        above, none = (
            row_log_densities(base, "identity", at, mu, aux, trials) for at in (some, 0.0 * some)
        )
        return with_zeros(family, y, above, none, aux)
    if family in ("bernoulli", "binomial"):
        return stats.binom.logpmf(y, 1 if trials is None else trials, mu)
    raise KeyError(f"{family} has no density in tests/support/scipy_densities.py")


LATENT = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}


def categorical_log_probabilities(
    link: str, y: np.ndarray, eta: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    """Log of the softmax of log odds against the first category."""
    etas = np.stack(np.broadcast_arrays(0.0 * eta, eta, *aux.values()))
    return special.log_softmax(etas, axis=0)[y.astype(int), np.arange(y.size)]


def cumulative_log_probabilities(
    link: str, y: np.ndarray, eta: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    """Log probability that a latent variable lies between the thresholds of its category."""
    cut = np.concatenate([[-np.inf], np.asarray(aux["threshold"], float).ravel(), [np.inf]])
    low, high = cut[y.astype(int)] - eta, cut[y.astype(int) + 1] - eta
    F = LATENT[link]
    # Of the two tails the one that is not about one.
    return np.log(np.where(low > 0, F.sf(low) - F.sf(high), F.cdf(high) - F.cdf(low)))


def stopping_log_probabilities(
    link: str, y: np.ndarray, eta: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    """Log probability of going on until the category, and of stopping there."""
    F, out, cuts = LATENT[link], np.zeros(y.shape), own_thresholds(eta, aux)
    for n, (k, at, cut) in enumerate(zip(y.astype(int), eta, cuts, strict=True)):
        out[n] = F.logsf(cut[:k] - at).sum() + (F.logcdf(cut[k] - at) if k < cut.size else 0.0)
    return out


def own_thresholds(eta: np.ndarray, aux: dict[str, Any]) -> np.ndarray:
    """Thresholds of each row, (N, K - 1): less by what the predictors of cs() add at each."""
    cut = np.tile(np.asarray(aux["threshold"], float).ravel(), (eta.size, 1))
    for k in range(cut.shape[1]):
        cut[:, k] -= aux.get(f"cs{k + 1}", 0.0)
    return cut


def adjacent_log_probabilities(
    link: str, y: np.ndarray, eta: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    """Log probability whose odds, of neighbours, are exp(eta - threshold)."""
    cut = own_thresholds(eta, aux)
    weights = np.cumsum(np.column_stack([0 * eta, eta[:, None] - cut]), axis=1)
    return weights[np.arange(y.size), y.astype(int)] - special.logsumexp(weights, axis=1)


CATEGORIES = {
    "cumulative": cumulative_log_probabilities,
    "sratio": stopping_log_probabilities,
    "acat": adjacent_log_probabilities,
    "categorical": categorical_log_probabilities,
}
