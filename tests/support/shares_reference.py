"""Log densities of shares, and of successes whose probability varies, by scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats


def beta(y: np.ndarray, mu: np.ndarray, eta: Any, aux: dict[str, Any], trials: Any) -> np.ndarray:
    return stats.beta.logpdf(y, mu * aux["phi"], (1 - mu) * aux["phi"])


def beta_binomial(
    y: np.ndarray, mu: np.ndarray, eta: Any, aux: dict[str, Any], trials: Any
) -> np.ndarray:
    return stats.betabinom.logpmf(y, trials, mu * aux["phi"], (1 - mu) * aux["phi"])


def ordered_beta(
    y: np.ndarray, mu: np.ndarray, eta: np.ndarray, aux: dict[str, Any], trials: Any
) -> np.ndarray:
    beyond_lower = stats.logistic.cdf(eta - aux["cutzero"])
    beyond_upper = stats.logistic.cdf(eta - aux["cutzero"] - aux["cutgap"])
    return _with_ends(y, 1 - beyond_lower, beyond_upper, beyond_lower - beyond_upper, mu, aux)


def zero_one_inflated_beta(
    y: np.ndarray, mu: np.ndarray, eta: Any, aux: dict[str, Any], trials: Any
) -> np.ndarray:
    zoi, coi = aux["zoi"], aux["coi"]
    return _with_ends(y, zoi * (1 - coi), zoi * coi, 1 - zoi, mu, aux)


def _with_ends(
    y: np.ndarray, zero: Any, one: Any, between: Any, mu: np.ndarray, aux: dict[str, Any]
) -> np.ndarray:
    inside = beta(np.where((y > 0) & (y < 1), y, 0.5), mu, None, aux, None)
    return np.select([y == 0, y == 1], [np.log(zero), np.log(one)], np.log(between) + inside)


SHARES = {f.__name__: f for f in (beta, beta_binomial, ordered_beta, zero_one_inflated_beta)}
