"""Faults that R-hat and effective draws do not see: they rank draws, and compare chains.

Draws that are no numbers have ranks like any others; a chain that stood still for a hundred draws
near the median moves no mean; and two chains that are the same agree perfectly.
"""

from __future__ import annotations

from itertools import combinations
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


def same_chains(draws: Array) -> tuple[int, int] | None:
    """Return the first two chains that are the same in all draws and quantities, or None.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws, P)
        Of quantities that move.
    """
    if not draws.shape[2]:
        return None
    for a, b in combinations(range(len(draws)), 2):
        if np.array_equal(draws[a, :, 0], draws[b, :, 0]) and np.array_equal(draws[a], draws[b]):
            return a, b
    return None


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
