"""R-hat, effective sample size, Monte Carlo error and intervals of many quantities at once.

The definitions are ArviZ's, and the tests hold every number to ArviZ's own; but arviz-stats takes
quantities one by one, at 4 ms each, where a model with a thousand group effects needs an answer
while its user is still looking. Here each quantity's draws are sorted once, for its ranks,
quantiles and intervals alike; quantities go through in blocks that fit a processor's cache, several
at a time.

References
----------
Vehtari, Gelman, Simpson, Carpenter and Burkner (2021), Bayesian Analysis 16, 667-718:
rank-normalised split R-hat, bulk and tail effective sample size. Geyer (1992), Statistical Science
7, 473-483: the initial monotone sequence.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special
from scipy.fft import irfft, next_fast_len, rfft

from winstan.toolchain.locate import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array

TAIL = (0.05, 0.95)
BATCHES = 40
"""Batches of all chains together."""
# Quantities at a time: 4,000 draws of each are 1 MB.
_BLOCK = 32
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


@dataclass(frozen=True, slots=True)
class Ordered:
    """Draws of P quantities, and their order.

    Attributes
    ----------
    draws : ndarray, shape (P, chains, draws)
    order : ndarray of int, shape (P, chains * draws)
        Where the smallest draw is, the next, and so on.
    values : ndarray, shape (P, chains * draws)
        The draws in that order.
    """

    draws: Array
    order: np.ndarray
    values: Array


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


def by_block(draws: Array, judge: Callable[[Ordered], Mapping[str, Array]]) -> dict[str, Array]:
    """Judge quantities block by block, on all processors.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    judge
        Gives figures of some quantities, (p,) each.

    Returns
    -------
    dict of str to ndarray
        The figures of all, shape (P,).
    """

    def judged(start: int) -> Mapping[str, Array]:
        with np.errstate(invalid="ignore"):  # of draws that are no finite numbers
            return judge(_ordered(draws[..., start : start + _BLOCK]))

    starts = range(0, draws.shape[-1], _BLOCK)
    if len(starts) == 1:
        return dict(judged(0))
    with ThreadPoolExecutor(processors()) as pool:  # NumPy works outside the interpreter's lock
        parts = list(pool.map(judged, starts))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def mixing(ordered: Ordered) -> dict[str, Array]:
    """Return the fields of `Convergence` for ordered draws."""
    draws = ordered.draws
    halves = _split(ordered)
    normal = _normal_scores(halves.values, halves.order).reshape(halves.draws.shape)
    folded = _folded_scores(halves).reshape(halves.draws.shape)
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
    halves = _split(ordered)
    normal = _normal_scores(halves.values, halves.order).reshape(halves.draws.shape)
    folded = _folded_scores(halves).reshape(halves.draws.shape)
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
    normal = _normal_scores(ordered.values, ordered.order).reshape(draws.shape)
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


def quantiles(ordered: Ordered, probs: tuple[float, ...]) -> list[Array]:
    """Return quantiles by linear interpolation, shape (P,) each."""
    values = ordered.values
    out = []
    for prob in probs:
        place = prob * (values.shape[1] - 1)
        at = int(place)
        below, above = values[:, at], values[:, min(at + 1, values.shape[1] - 1)]
        out.append(below + (place - at) * (above - below))
    return out


def relative_efficiency(draws: Array) -> float:
    """Return the effective draws per draw, on average over quantities; of one chain, 1.

    What Pareto smoothing takes for the dependence between draws, as in ArviZ.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    """
    n_chains, n, _ = draws.shape
    if n_chains == 1:
        return 1.0
    return float(_ess(_halves(_by_quantity(draws))).mean() / (n_chains * n))


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
    return shortest(np.sort(np.ascontiguousarray(draws.T), axis=1), prob)


def shortest(values: Array, prob: float) -> tuple[Array, Array]:
    """Return the ends of the shortest interval of ordered draws, shape (P, S)."""
    inside = int(np.floor(prob * values.shape[1]))
    widths = values[:, inside:] - values[:, : values.shape[1] - inside]
    start = widths.argmin(axis=1)
    every = np.arange(len(values))
    return values[every, start], values[every, start + inside]


def _by_quantity(draws: Array) -> Array:
    """Turn (chains, draws, P) into (P, chains, draws), in memory too: sorts run along it."""
    return np.ascontiguousarray(np.moveaxis(draws, 2, 0))


def _halves(draws: Array) -> Array:
    """Halve each chain of (P, chains, draws): a drift within it is disagreement between two.

    Of an odd number of draws the middle one belongs to neither half.
    """
    P, chains, n = draws.shape
    even = np.delete(draws, n // 2, axis=2) if n % 2 else draws
    return even.reshape(P, 2 * chains, n // 2)


def _ordered(draws: Array) -> Ordered:
    by_quantity = _by_quantity(draws)
    flat = by_quantity.reshape(len(by_quantity), -1)
    order = flat.argsort(axis=1)
    return Ordered(by_quantity, order, np.take_along_axis(flat, order, axis=1))


def _split(ordered: Ordered) -> Ordered:
    """Return the halves of all chains, in order."""
    P, _, n = ordered.draws.shape
    halves = _halves(ordered.draws)
    if n % 2 == 0:
        return Ordered(halves, ordered.order, ordered.values)
    chain, place = np.divmod(ordered.order, n)
    kept = place != n // 2
    order = (chain * (n - 1) + place - (place > n // 2))[kept].reshape(P, -1)
    return Ordered(halves, order, ordered.values[kept].reshape(P, -1))


def _folded_scores(halves: Ordered) -> Array:
    """Return normal scores of the distances from the median, shape (P, S)."""
    S = halves.values.shape[1]
    median = halves.values[:, [(S - 1) // 2, S // 2]].mean(axis=1)
    distance = np.abs(halves.values - median[:, None])
    order = distance.argsort(axis=1, kind="stable")  # falling, then rising: quickly merged
    return _normal_scores(
        np.take_along_axis(distance, order, axis=1), np.take_along_axis(halves.order, order, axis=1)
    )


def _normal_scores(values: Array, order: np.ndarray) -> Array:
    """Return normal scores of ranks, Blom's, where the draws were; ties share their rank.

    Parameters
    ----------
    values, order : ndarray, shape (P, S)
        As of `Ordered`.
    """
    P, S = values.shape

    def score(rank: Array) -> Array:
        scores: Array = special.ndtri((rank - 0.375) / (S + 0.25))
        return scores

    scores = np.tile(score(np.arange(1.0, S + 1)), (P, 1))
    repeats = np.zeros((P, S), dtype=bool)  # its first column stays False, which parts the rows
    repeats[:, 1:] = values[:, 1:] == values[:, :-1]
    at = np.flatnonzero(repeats)
    if at.size:
        first = at[np.diff(at, prepend=-2) != 1] - 1
        last = at[np.diff(at, append=-2) != 1]
        size = last - first + 1
        tied = np.arange(size.sum()) + np.repeat(first - np.cumsum(size) + size, size)
        scores.ravel()[tied] = np.repeat(score((first % S + last % S) / 2 + 1), size)
    out = np.empty_like(scores)
    np.put_along_axis(out, order, scores, axis=1)
    return out


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
