"""R-hat, effective sample size and Monte Carlo error of many quantities at once.

The definitions are ArviZ's, and the tests hold every number to ArviZ's own; but arviz-stats takes
quantities one by one, at 4 ms each, where a model with a thousand group effects needs an answer
while its user is still looking.

References
----------
Vehtari, Gelman, Simpson, Carpenter and Burkner (2021), Bayesian Analysis 16, 667-718:
rank-normalised split R-hat, bulk and tail effective sample size. Geyer (1992), Statistical Science
7, 473-483: the initial monotone sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from winstan.ordered_draws import (
    by_block,
    folded_scores,
    half_chains,
    halved,
    normal_scores,
    quantiles,
    quantity_first,
)

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.ordered_draws import Ordered

TAIL = (0.05, 0.95)
BATCHES = 40
"""Batches of all chains together."""
# Autocovariances of so many lags cost less than a Fourier transform; good chains need no more.
_FEW_LAGS = 24


@dataclass(frozen=True, slots=True)
class Convergence:
    """Of each of P quantities, shape (P,) each.

    Attributes
    ----------
    r_hat
        Rank-normalised split R-hat, the larger of that of location and that of spread; NaN where a
        quantity never moved.
    ess_bulk
        Effective sample size of the rank-normalised draws.
    ess_tail
        Of the 5% and 95% quantiles, the smaller.
    mcse_mean
        Monte Carlo standard error of the mean.
    """

    r_hat: Array
    ess_bulk: Array
    ess_tail: Array
    mcse_mean: Array


def convergence(draws: Array) -> Convergence:
    """Judge how well chains have mixed.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)

    Returns
    -------
    Convergence
    """
    return Convergence(**by_block(draws, mixing))


def mixing(ordered: Ordered) -> dict[str, Array]:
    """Return the fields of `Convergence` for ordered draws."""
    draws = ordered.draws
    halves = half_chains(ordered)
    normal = normal_scores(halves.values, halves.order).reshape(halves.draws.shape)
    folded = folded_scores(halves).reshape(halves.draws.shape)
    ends = quantiles(ordered, TAIL)
    tails = [_ess((halves.draws <= end[:, None, None]).astype(float)) for end in ends]
    return {
        # The spread has none where all draws are as far from the median, as zeros and ones may be.
        "r_hat": np.fmax(_r_hat(normal), _r_hat(folded)),
        "ess_bulk": _ess(normal),
        "ess_tail": np.minimum(*tails),
        "mcse_mean": draws.std(axis=(1, 2), ddof=1) / np.sqrt(_ess(halves.draws)),
    }


def r_hats_and_ess(draws: Array) -> tuple[Array, Array]:
    """Return both R-hats, and the effective draws about the means of the half chains.

    Where chains disagree, `Convergence.ess_bulk` is small because of it; this is what it would be
    if they agreed.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)

    Returns
    -------
    r_hat, ess : ndarray, shape (2, P)
        Of the location, and of the spread.
    """
    found = by_block(draws, _about_halves)
    return (
        np.array([found["r_hat"], found["r_hat_of_spread"]]),
        np.array([found["ess"], found["ess_of_spread"]]),
    )


def _about_halves(ordered: Ordered) -> dict[str, Array]:
    halves = half_chains(ordered)
    normal = normal_scores(halves.values, halves.order).reshape(halves.draws.shape)
    folded = folded_scores(halves).reshape(halves.draws.shape)
    return {
        "r_hat": _r_hat(normal),
        "r_hat_of_spread": _r_hat(folded),
        "ess": _ess(normal - normal.mean(axis=2, keepdims=True)),
        "ess_of_spread": _ess(folded - folded.mean(axis=2, keepdims=True)),
    }


def ess_by_batches(draws: Array) -> tuple[Array, Array, int]:
    """Return effective draws by the variance of batch means, whose error has a known distribution.

    That of `Convergence`, by autocorrelations up to where their sum ends, has not: it is a half of
    the truth in one of a thousand cases, and a third in one of ten thousand.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)

    Returns
    -------
    bulk : ndarray, shape (P,)
        Of the rank-normalised draws.
    tail : ndarray, shape (P,)
        Of the 5% and 95% quantiles, the smaller.
    length : int
        Draws of a batch.
    """
    found = by_block(draws, _by_batches)
    return found["bulk"], found["tail"], _batch_length(*draws.shape[:2])


def _by_batches(ordered: Ordered) -> dict[str, Array]:
    draws = ordered.draws
    normal = normal_scores(ordered.values, ordered.order).reshape(draws.shape)
    tails = [
        _ess_of_batches((draws <= end[:, None, None]).astype(float))
        for end in quantiles(ordered, TAIL)
    ]
    return {"bulk": _ess_of_batches(normal), "tail": np.fmin(*tails)}


def _ess_of_batches(draws: Array) -> Array:
    P, n_chains, n = draws.shape
    length = _batch_length(n_chains, n)
    kept = draws[:, :, : n // length * length]
    means = kept.reshape(P, -1, length).mean(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):  # of draws that stand still
        ess: Array = means.shape[1] * kept.var(axis=(1, 2)) / means.var(axis=1, ddof=1)
    return ess


def _batch_length(n_chains: int, n: int) -> int:
    return max(1, n * n_chains // BATCHES)


def relative_efficiency(draws: Array) -> Array:
    """Return the effective draws per draw for the mean of each of P quantities, shape (P,).

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    """
    n_chains, n, _ = draws.shape
    return _ess(halved(quantity_first(draws))) / (n_chains * n)


def _r_hat(draws: Array) -> Array:
    n = draws.shape[2]
    within = draws.var(axis=2, ddof=1).mean(axis=1)
    between = draws.mean(axis=2).var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((n - 1) / n + between / within)


def _ess(draws: Array) -> Array:
    """Effective sample size of the mean of (split) chains, by Geyer's initial monotone sequence.

    Pairs of autocorrelations are taken while they are positive, none counting more than the one
    before; the pair that ends them still lends its even lag, if that one is positive.
    """
    P, n_chains, n = draws.shape
    if n < 4:
        return np.full(P, np.nan)
    means = draws.mean(axis=2)
    centred = draws - means[:, :, None]
    variance = _autocovariance(centred, 0)
    within = variance * n / (n - 1)
    total = variance + (means.var(axis=1, ddof=1) if n_chains > 1 else 0.0)

    tau = np.full(P, -1.0)
    going, smallest = np.arange(P), np.full(P, np.inf)
    of_lag: Array | None = None
    last_pair = (n - 1) // 2 - 1
    for pair in range(last_pair + 1):
        if 2 * pair >= _FEW_LAGS and of_lag is None:
            of_lag = _autocovariances(centred)
        rho = []
        for lag in (2 * pair, 2 * pair + 1):
            covariance = _autocovariance(centred, lag) if of_lag is None else of_lag[:, lag]
            with np.errstate(divide="ignore", invalid="ignore"):
                rho.append(1 - (within[going] - covariance) / total[going])
        even = np.ones(going.size) if pair == 0 else rho[0]
        both = even + rho[1]
        goes_on = (both > 0) & (pair < last_pair)
        smallest = np.minimum(smallest, both)
        tau[going] += np.where(goes_on, 2 * smallest, np.maximum(even, 0.0))
        if not goes_on.all():
            going, smallest = going[goes_on], smallest[goes_on]
            if of_lag is None:
                centred = centred[goes_on]
            else:
                of_lag = of_lag[goes_on]
        if not going.size:
            break
    whole = n_chains * n
    out = whole / np.maximum(tau, 1 / np.log10(whole))
    still = np.ptp(draws, axis=(1, 2)) == 0
    return np.where(still, float(whole), out)


def _autocovariance(centred: Array, lag: int) -> Array:
    """Return the autocovariance at a lag, its mean over chains, shape (P,)."""
    _, n_chains, n = centred.shape
    products: Array = np.einsum("pcn,pcn->p", centred[:, :, lag:], centred[:, :, : n - lag])
    return products / (n_chains * n)


def _autocovariances(centred: Array) -> Array:
    """Return those of all lags, shape (P, n), by a Fourier transform."""
    n = centred.shape[2]
    size = next_fast_len(2 * n, real=True)
    spectrum = rfft(centred, size, axis=2)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(axis=1)
    covariances: Array = irfft(power, size, axis=1)[:, :n] / n
    return covariances
