"""Faults that R-hat and effective draws do not see: they rank draws, and compare chains.

Draws that are no numbers have ranks like any others; a chain that stood still for a hundred draws
near the median moves no mean; and chains of the same draws agree perfectly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array

STANDSTILL = 20
"""Equal draws in a row that a sampler which moves does not make: NUTS stays where it is in fewer
than half of its transitions, so that twenty have a probability below one in a million."""


def not_numbers(draws: Array) -> np.ndarray:
    """Count the draws of each quantity that are missing or infinite.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)

    Returns
    -------
    ndarray of int, shape (P,)
    """
    return np.count_nonzero(~np.isfinite(draws), axis=(0, 1))


@dataclass(frozen=True, slots=True)
class Repetition:
    """Draws of a chain that come again, in another chain or later in the same one.

    Attributes
    ----------
    chain, again : int
        The chains that have them.
    length : int
        How many there are, one after the other.
    """

    chain: int
    again: int
    length: int


def repetition(draws: Array) -> Repetition | None:
    """Return the longest stretch of draws that comes twice, all quantities alike, or None.

    Chains of one seed are the same; those of one stream of random numbers may be so from some draw
    on. Quantities with few different values say nothing: these come again by chance.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    """
    n_chains, n, P = draws.shape
    telling = (p for p in range(P) if np.unique(draws[0, :, p]).size > n / 10)
    p = next(telling, None)
    if p is None:
        return None
    # A sampler that stays where it is makes two draws or three of one, which count once here.
    values = draws[..., p]
    place = np.flatnonzero(np.c_[np.ones(n_chains, bool), values[:, 1:] != values[:, :-1]])
    rows, ends = draws.reshape(-1, P), np.r_[place, n_chains * n]
    found = []
    for a, b, k in _stretches(values.ravel()[place], place // n):
        if np.array_equal(rows[place[a : a + k]], rows[place[b : b + k]]):
            length = min(ends[i + k] - place[i] for i in (a, b))
            found.append(Repetition(int(place[a] // n), int(place[b] // n), int(length)))
    return max(found, key=lambda one: one.length, default=None)


def _stretches(values: Array, chain: np.ndarray) -> list[tuple[int, int, int]]:
    """Find `STANDSTILL` or more values, one after the other, that come again: where, and how many.

    Parameters
    ----------
    values, chain : ndarray, shape (n,)
        Chain after chain.
    """
    order = np.argsort(values, kind="stable")
    equal = np.flatnonzero(values[order[1:]] == values[order[:-1]])
    equal = equal[np.argsort(order[equal])]
    pair = np.array([order[equal], order[equal + 1]])
    goes_on = ((np.diff(pair) == 1) & (np.diff(chain[pair]) == 0)).all(axis=0)
    ends = np.flatnonzero(np.r_[True, ~goes_on, True])
    return [
        (int(pair[0, start]), int(pair[1, start]), int(end - start))
        for start, end in pairwise(ends)
        if end - start >= STANDSTILL
    ]


def standstill(draws: Array) -> tuple[int, int, int] | None:
    """Return quantity, chain and length of the longest standstill, or None.

    That is a value that comes `STANDSTILL` times in a row, and nowhere else: values that come in
    several places are those of a discrete quantity. One that never moves at all has none.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
    """
    runs = [(int(p), *_longest_run(draws[..., p])) for p in _long_runs(draws)]
    alone = [
        (p, chain, length)
        for p, chain, start, length in runs
        if np.count_nonzero(draws[..., p] == draws[chain, start, p]) == length < draws[..., p].size
    ]
    return max(alone, key=lambda run: run[2], default=None)


def _long_runs(draws: Array) -> np.ndarray:
    """Find the quantities with so many equal draws in a row."""
    equal = draws[:, 1:] == draws[:, :-1]
    some = np.flatnonzero(equal.any(axis=(0, 1)))
    if not some.size or equal.shape[1] < STANDSTILL - 1:
        return some[:0]
    run = equal[..., some]
    length = 1
    while length < STANDSTILL - 1:  # runs of twice the length, and of all of it at last
        step = min(length, STANDSTILL - 1 - length)
        run = run[:, step:] & run[:, :-step]
        length += step
    return some[run.any(axis=(0, 1))]


def _longest_run(draws: Array) -> tuple[int, int, int]:
    """Return chain, first draw and length of the longest run of equal draws, shape (C, N)."""
    best = (0, 0, 0)
    for chain, own in enumerate(draws):
        ends = np.flatnonzero(np.r_[True, own[1:] != own[:-1], True])
        lengths = np.diff(ends)
        at = int(lengths.argmax())
        if lengths[at] > best[2]:
            best = chain, int(ends[at]), int(lengths[at])
    return best
