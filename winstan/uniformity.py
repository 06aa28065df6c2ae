"""Whether numbers between 0 and 1 are uniform: their whole distribution function at once.

Under a uniform distribution the counts R_i of N values at or below z_i, with z_1 < ... < z_K, are a
Markov chain: R_1 is binomial, and of the N - R_i values beyond z_i a binomial number lies below
z_{i+1}. So the probability that all counts stay between given bounds is a recursion, without
simulation. At each z_i the count has a two-sided tail probability of its own,
2 min(P(R <= r), P(R >= r)); the least of them over i says how far the ECDF strays, and the
probability of one as small or smaller, in uniform values, is a p-value of the whole.

References
----------
Säilynoja, Bürkner and Vehtari (2022), Graphical test for discrete uniformity and its applications
in goodness-of-fit evaluation and multiple sample comparison, Statistics and Computing 32, 32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array

POINTS = 100
"""Places at which the ECDF is looked at, where there are as many values."""
MOST = 10_000
"""Values of which the band is computed: that of more is theirs, narrower by the root of the number,
as the ECDF's differences are then those of a Brownian bridge."""
# Equal tail probabilities of mirrored counts differ by rounding.
_TIES = 1e-9


def places(n: int) -> Array:
    """Return where the ECDF of n values is looked at: evenly, without the ends, shape (K,)."""
    k = min(n, POINTS)
    return np.arange(1, k) / k


def counts_below(values: Array, z: Array) -> np.ndarray:
    """Count the values at or below each z, shape (K,)."""
    return np.searchsorted(np.sort(values), z, side="right")


def p_value(values: Array) -> float:
    """Return the probability that uniform values stray as far as these, anywhere, or further.

    Parameters
    ----------
    values : ndarray, shape (N,)
        In (0, 1).

    Returns
    -------
    float
        Exact for independent values that are uniform; NaN of fewer than two.
    """
    n = len(values)
    if n < 2:
        return float("nan")
    z = places(n)
    tails = _tails(n, z)
    least = tails[np.arange(len(z)), counts_below(values, z)].min()
    return float(np.clip(1 - _inside(n, z, _bounds(tails, least)), 0.0, 1.0))


def band(n: int, alarms: float) -> tuple[Array, Array, Array]:
    """Return the band that the ECDF of n uniform values leaves with a probability of `alarms`.

    Parameters
    ----------
    n
        Values.
    alarms
        At most this: counts are whole numbers.

    Returns
    -------
    z, lower, upper : ndarray, shape (K,) each
        The places, and the ends of the ECDF that are within.
    """
    if n > MOST:
        z, lower, upper = band(MOST, alarms)
        narrower = np.sqrt(MOST / n)
        return z, z + (lower - z) * narrower, z + (upper - z) * narrower
    z = places(n)
    tails = _tails(n, z)
    levels = np.unique(tails)
    levels = levels[levels < 1]
    low, high = 0, len(levels) - 1
    # The largest tail probability whose band is left seldom enough.
    while low < high:
        middle = (low + high + 1) // 2
        if 1 - _inside(n, z, _bounds(tails, levels[middle])) <= alarms:
            low = middle
        else:
            high = middle - 1
    lower, upper = _bounds(tails, levels[low])
    return z, lower / n, upper / n


def differences(values: Mapping[str, Array], alarms: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how far ECDFs are from a uniform one, and the bands that they stay within.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (N,) each
        In (0, 1), by what they are of.
    alarms
        As for `band`, of each.

    Returns
    -------
    lines : DataFrame
        Columns quantity, rank (the place), difference.
    bands : DataFrame
        Columns quantity, rank, lower, upper.
    """
    lines, bands = [], []
    for name, own in values.items():
        z, lower, upper = band(len(own), alarms)
        ecdf = counts_below(own, z) / len(own)
        lines.append(pd.DataFrame({"quantity": name, "rank": z, "difference": ecdf - z}))
        edges = {"rank": z, "lower": lower - z, "upper": upper - z}
        bands.append(pd.DataFrame({"quantity": name, **edges}))
    return pd.concat(lines, ignore_index=True), pd.concat(bands, ignore_index=True)


def _tails(n: int, z: Array) -> Array:
    """Return the two-sided tail probability of each count at each place, shape (K, n + 1)."""
    r = np.arange(n + 1)
    below = stats.binom.cdf(r, n, z[:, None])
    above = stats.binom.sf(r - 1, n, z[:, None])
    return np.minimum(2 * np.minimum(below, above), 1.0)


def _bounds(tails: Array, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest count whose tail probability is above the level.

    Where there is none, the least is beyond the greatest.
    """
    inside = tails > level * (1 + _TIES)
    lower, upper = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    return lower, np.where(inside.any(axis=1), upper, lower - 1)


def _inside(n: int, z: Array, bounds: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the probability that all counts of n uniform values are within their bounds."""
    lower, upper = bounds
    before, counts, probability = 0.0, np.array([0]), np.array([1.0])
    for at, low, high in zip(z, lower, upper, strict=True):
        if low > high:
            return 0.0
        following = np.arange(low, high + 1)
        step = (at - before) / (1 - before)
        moves = stats.binom.pmf(following - counts[:, None], n - counts[:, None], step)
        before, counts, probability = at, following, probability @ moves
    return float(probability.sum())
