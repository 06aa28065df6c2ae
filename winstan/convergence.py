"""R-hat, effective sample size, Monte Carlo error and intervals of many quantities at once.

The definitions are ArviZ's, and the tests hold every number to ArviZ's own; but arviz-stats takes
quantities one by one, at 4 ms each, where a model with a thousand group effects needs an answer
while its user is still looking. Here one fast Fourier transform and one sort serve them all.

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
from scipy import special, stats
from scipy.fft import irfft, next_fast_len, rfft

if TYPE_CHECKING:
    from winstan.families.links import Array

TAIL = (0.05, 0.95)


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
    halves = _split(draws)
    normal = _rank_normal(halves)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    ends = np.quantile(draws, TAIL, axis=(0, 1))
    return Convergence(
        r_hat=np.maximum(_r_hat(normal), _r_hat(_rank_normal(folded))),
        ess_bulk=_ess(normal),
        ess_tail=np.minimum(*(_ess((halves <= end).astype(float)) for end in ends)),
        mcse_mean=draws.std(axis=(0, 1), ddof=1) / np.sqrt(_ess(halves)),
    )


def relative_efficiency(draws: Array) -> float:
    """Return the effective draws per draw, on average over quantities; of one chain, 1.

    What Pareto smoothing takes for the dependence between draws, as in ArviZ.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    """
    n_chains, n, _ = draws.shape
    return 1.0 if n_chains == 1 else float(_ess(_split(draws)).mean() / (n_chains * n))


def hdi(draws: Array, prob: float) -> tuple[Array, Array]:
    """Return the ends of the shortest interval that holds this share of the draws.

    Parameters
    ----------
    draws : ndarray, shape (S, P)
    prob

    Returns
    -------
    lower, upper : ndarray, shape (P,)
    """
    ordered = np.sort(draws, axis=0)
    inside = int(np.floor(prob * len(ordered)))
    widths = ordered[inside:] - ordered[: len(ordered) - inside]
    start = widths.argmin(axis=0)
    every = np.arange(draws.shape[1])
    return ordered[start, every], ordered[start + inside, every]


def _split(draws: Array) -> Array:
    """Halve each chain, so that a drift within a chain counts as disagreement between two."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _rank_normal(draws: Array) -> Array:
    """Return normal scores of the ranks over all chains, Blom's; ties share their rank."""
    flat = np.ascontiguousarray(draws.reshape(-1, draws.shape[-1]).T)  # sorts run along memory
    order = flat.argsort(axis=1)
    P, S = flat.shape
    ranks = np.empty((P, S))
    np.put_along_axis(ranks, order, np.arange(1.0, S + 1), axis=1)
    tied = np.any(np.diff(np.take_along_axis(flat, order, axis=1), axis=1) == 0, axis=1)
    if np.any(tied):
        ranks[tied] = stats.rankdata(flat[tied], axis=1)
    return special.ndtri((ranks - 0.375) / (S + 0.25)).T.reshape(draws.shape)


def _r_hat(draws: Array) -> Array:
    n = draws.shape[1]
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    between = draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((n - 1) / n + between / within)


def _ess(draws: Array) -> Array:
    """Effective sample size of the mean of (split) chains, by Geyer's initial monotone sequence."""
    n_chains, n, _ = draws.shape
    if n < 4:
        return np.full(draws.shape[-1], np.nan)
    means = draws.mean(axis=1)
    size = next_fast_len(2 * n, real=True)
    spectrum = np.square(np.abs(rfft(draws - means[:, None], size, axis=1))).mean(axis=0)
    covariance = irfft(spectrum, size, axis=0)[:n] / n  # mean over chains, by lag: (n, P)
    within = covariance[0] * n / (n - 1)
    total = covariance[0] + (means.var(axis=0, ddof=1) if n_chains > 1 else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (within - covariance) / total
    rho[0] = 1.0
    n_pairs = (n - 1) // 2
    pairs = rho[: 2 * n_pairs : 2] + rho[1 : 2 * n_pairs : 2]
    ended = np.logical_or.accumulate(~(pairs > 0), axis=0)
    ended[-1] = True  # the sequence has no end within the chain: its last pair is left out
    monotone = np.minimum.accumulate(pairs, axis=0)
    # The first pair that is not positive still lends its even lag, if that one is.
    first = np.minimum(np.count_nonzero(~ended, axis=0), n_pairs - 1)
    last = np.maximum(rho[2 * first, np.arange(rho.shape[1])], 0.0)
    tau = -1 + 2 * np.where(ended, 0.0, monotone).sum(axis=0) + last
    whole = n_chains * n
    out = whole / np.maximum(tau, 1 / np.log10(whole))
    still = np.ptp(draws, axis=(0, 1)) == 0
    return np.where(still, float(whole), out)
