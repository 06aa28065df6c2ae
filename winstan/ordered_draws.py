"""Draws of many quantities in order: what ranks, quantiles and intervals are read from.

Each quantity is sorted once. Quantities go through in blocks that fit a processor's cache, several
at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.toolchain.locate import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array

# Quantities at a time: 4,000 draws of each are 1 MB.
_BLOCK = 32


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
            return judge(sorted_draws(draws[..., start : start + _BLOCK]))

    starts = range(0, draws.shape[-1], _BLOCK)
    if len(starts) == 1:
        return dict(judged(0))
    with ThreadPoolExecutor(processors()) as pool:  # NumPy works outside the interpreter's lock
        parts = list(pool.map(judged, starts))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


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


def quantity_first(draws: Array) -> Array:
    """Turn (chains, draws, P) into (P, chains, draws), in memory too: sorts run along it."""
    return np.ascontiguousarray(np.moveaxis(draws, 2, 0))


def halved(draws: Array) -> Array:
    """Halve each chain of (P, chains, draws): a drift within it is disagreement between two.

    Of an odd number of draws the middle one belongs to neither half.
    """
    P, chains, n = draws.shape
    even = np.delete(draws, n // 2, axis=2) if n % 2 else draws
    return even.reshape(P, 2 * chains, n // 2)


def sorted_draws(draws: Array) -> Ordered:
    """Put the draws of each quantity, shape (chains, draws, P), in order."""
    by_quantity = quantity_first(draws)
    flat = by_quantity.reshape(len(by_quantity), -1)
    order = flat.argsort(axis=1)
    return Ordered(by_quantity, order, np.take_along_axis(flat, order, axis=1))


def half_chains(ordered: Ordered) -> Ordered:
    """Return the halves of all chains, in order."""
    P, _, n = ordered.draws.shape
    halves = halved(ordered.draws)
    if n % 2 == 0:
        return Ordered(halves, ordered.order, ordered.values)
    chain, place = np.divmod(ordered.order, n)
    kept = place != n // 2
    order = (chain * (n - 1) + place - (place > n // 2))[kept].reshape(P, -1)
    return Ordered(halves, order, ordered.values[kept].reshape(P, -1))


def folded_scores(halves: Ordered) -> Array:
    """Return normal scores of the distances from the median, shape (P, S)."""
    S = halves.values.shape[1]
    median = halves.values[:, [(S - 1) // 2, S // 2]].mean(axis=1)
    distance = np.abs(halves.values - median[:, None])
    order = distance.argsort(axis=1, kind="stable")  # falling, then rising: quickly merged
    return normal_scores(
        np.take_along_axis(distance, order, axis=1), np.take_along_axis(halves.order, order, axis=1)
    )


def normal_scores(values: Array, order: np.ndarray) -> Array:
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
