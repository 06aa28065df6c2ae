"""The sds of the largest density given the effects' mean squares: the M step of EM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.design.column_sds import ColumnSds
    from winstan.priors import Prior

# Units of log sd that a prior may move the effects' root mean square by, in one step.
MOVED_BY_PRIOR = 2.0
# Units of log length-scale to either side that are looked at, and how finely.
LENGTH_REACH, LENGTHS = 1.5, 25
# The least sd of a column, as a share of the largest with which it shares a number: short waves of
# a long length-scale have zero to all digits, of which there is no precision.
LEAST = 1e-8


def sds_of_columns(columns: ColumnSds, sd: Array) -> Array:
    """Return the columns' sds, shape (N,), none so small that its square has no inverse.

    Parameters
    ----------
    columns
    sd : ndarray, shape (Q,)
    """
    out = np.asarray(columns(sd), float)
    if not columns.spectral:
        return out
    largest = np.zeros(columns.n)
    np.maximum.at(largest, columns.of, out)
    return np.maximum(out, LEAST * largest[columns.of])


def maximise_sds(
    columns: ColumnSds,
    priors: Sequence[Prior],
    root: Array,
    counts: np.ndarray,
    sd: Array,
) -> Array:
    """Return the sds, and length-scales, of the largest density of their logarithms.

    Parameters
    ----------
    columns
    priors : sequence of Prior
        Of each of the Q.
    root : ndarray, shape (N,)
        Root mean square of each column's effects.
    counts : ndarray of int, shape (N,)
        Effects of each.
    sd : ndarray, shape (Q,)
        The last ones.
    """
    out = np.array(sd, float)
    for k in np.unique(columns.of):
        own = np.flatnonzero(columns.of == k)
        length = int(columns.length[own[0]])
        if length < 0:
            out[k] = _shared(root[own], counts[own], np.ones(own.size), priors[k])[0]
            continue
        middle = float(np.log(sd[length]))
        for reach in (LENGTH_REACH, LENGTH_REACH / LENGTHS):
            found = []
            for at in middle + np.linspace(-reach, reach, LENGTHS):
                out[k], out[length] = 1.0, np.exp(at)
                weights = sds_of_columns(columns, out)[own]
                mode, density = _shared(root[own], counts[own], weights, priors[k])
                prior = float(priors[length].log_density(np.exp(at)))
                found.append((density + prior + at, mode, at))
            _, out[k], middle = max(found)
            out[length] = np.exp(middle)
    return out


def _shared(root: Array, counts: np.ndarray, weights: Array, prior: Prior) -> tuple[float, float]:
    """Return the sd of the largest density, effects having it times their weights, and that."""
    J = float(counts.sum())
    squares = np.square(root / weights)
    mean = float(np.sqrt(counts @ squares / J))
    mode, density = _mode(mean, J, prior)
    return mode, density - float(counts @ np.log(weights))


def _mode(sd: float, J: float, prior: Prior) -> tuple[float, float]:
    """Return the sd of the largest density of log sd, J effects' root mean square being `sd`."""
    middle, reach, largest = 0.0, MOVED_BY_PRIOR, -np.inf
    for _ in range(3):  # to some ten-thousandths of a unit
        moves = middle + np.linspace(-reach, reach, 65)
        with np.errstate(all="ignore"):
            prior_density = prior.log_density(sd * np.exp(moves))
            density = prior_density + moves - J * (moves + 0.5 * np.exp(-2 * moves))
        if not np.isfinite(density).any():
            raise np.linalg.LinAlgError("numbers have overflowed")
        best = int(np.nanargmax(density))
        middle, largest = float(moves[best]), float(density[best])
        reach /= 32
    return float(sd * np.exp(middle)), largest - J * float(np.log(sd)) + float(np.log(sd))
