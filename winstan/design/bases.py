"""Bases of curves along a number: columns whose coefficients are independent and of one scale.

A spline is a straight line, which no prior shrinks, and what bends, whose coefficients are normal
with one sd: the mixed-model form of a smoothing spline. Of `s(t)` the columns are measured from
the line that fits them best over the rows, so that level and slope stay those of the data; they are
turned so that they are uncorrelated over the rows, and scaled so that their sd is the root mean
square of what bends, in the units of the linear predictor.

References
----------
Wood (2003), JRSS B 65, 95-114: thin plate regression splines. Wood (2017), Generalized Additive
Models, 2nd ed., 5.3.1 (cubic regression splines), 5.8 (mixed-model form). Solin and Sarkka (2020),
Statistics and Computing 30, 419-446; Riutort-Mayol, Burkner, Andersen, Solin and Vehtari (2023),
Statistics and Computing 33, 17: Gaussian processes by basis functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array

# Distinct values of which a thin plate spline is made at most: as many, evenly among them, of more.
MOST_KNOTS = 500
# Where Gaussian processes are concerned: functions, and how many times wider than the data the
# interval is that they live on. Length-scales from 0.12 of half the data's range on are met.
FUNCTIONS, BOUNDARY = 30, 2.0
# Columns of a spline, those of its straight line among them.
COLUMNS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Spline:
    """A regression spline of k - 2 columns, beside its straight line.

    Attributes
    ----------
    kind : {"tp", "cr"}
    middle, half : float
        Of the covariate: it is measured as ``(x - middle) / half``.
    knots : ndarray, shape (K,)
        Increasing, so measured: from -1 to 1.
    turn : ndarray, shape (K, k - 2)
        From radial functions (tp), or from the values at the knots (cr), to the columns.
    line : ndarray, shape (2, k - 2)
        What of the constant and of the measured covariate is taken from each.
    mean, sd : float
        Of the covariate over the rows.
    """

    kind: str
    middle: float
    half: float
    knots: Array
    turn: Array
    line: Array
    mean: float
    sd: float

    def columns(self, x: Array) -> Array:
        """Return what bends, shape (n, k - 2); beyond the knots it goes straight on."""
        u = (np.asarray(x, float) - self.middle) / self.half
        raw = _radial(u, self.knots) if self.kind == "tp" else _natural(u, self.knots)
        return raw @ self.turn - np.column_stack([np.ones(len(u)), u]) @ self.line

    def straight(self, x: Array) -> Array:
        """Return the constant and the covariate in sds from its mean, shape (n, 2)."""
        slope = (np.asarray(x, float) - self.mean) / self.sd
        return np.column_stack([np.ones(len(slope)), slope])


def spline(x: Array, weight: Array, kind: str, k: int) -> Spline:
    """Lay a spline through values.

    Parameters
    ----------
    x : ndarray, shape (n,)
        At least k distinct values.
    weight : ndarray, shape (n,)
        Rows of data of each.
    kind : {"tp", "cr"}
    k
        Columns, with those of the straight line: 3 or more.
    """
    low, high = float(x.min()), float(x.max())
    middle, half = (low + high) / 2, (high - low) / 2
    distinct = np.unique((x - middle) / half)
    if kind == "tp":
        knots = distinct[np.linspace(0, distinct.size - 1, MOST_KNOTS).round().astype(int)]
        knots = distinct if distinct.size <= MOST_KNOTS else knots
        turn = _thin_plate(knots, k)
    else:
        knots = np.quantile(distinct, np.linspace(0.0, 1.0, k))
        turn = _cubic(knots)
    mean = float(np.average(x, weights=weight))
    sd = float(np.sqrt(np.average(np.square(x - mean), weights=weight)))
    first = Spline(kind, middle, half, knots, turn, np.zeros((2, turn.shape[1])), mean, sd)
    return _apart_from_line(first, x, weight)


def _apart_from_line(own: Spline, x: Array, weight: Array) -> Spline:
    """Measure columns from the line that fits them best, uncorrelated, of mean square one."""
    columns, share = own.columns(x), weight / weight.sum()
    u = (x - own.middle) / own.half
    straight = np.column_stack([np.ones(len(u)), u])
    line = np.linalg.solve(
        straight.T @ (share[:, None] * straight), straight.T @ (share[:, None] * columns)
    )
    bends = columns - straight @ line
    values, axes = np.linalg.eigh(bends.T @ (share[:, None] * bends))
    axes = axes[:, ::-1] / np.sqrt(values.sum())
    # Of either sign of an axis the same one, on any machine
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return Spline(
        own.kind, own.middle, own.half, own.knots, own.turn @ axes, line @ axes, own.mean, own.sd
    )


def _radial(u: Array, knots: Array) -> Array:
    """Green's function of the fourth derivative, shape (n, K)."""
    return np.abs(u[:, None] - knots) ** 3 / 12


def _thin_plate(knots: Array, k: int) -> Array:
    """Return the best k functions of a thin plate spline, those that are no straight line."""
    values, vectors = np.linalg.eigh(_radial(knots, knots))
    kept = np.argsort(-np.abs(values), kind="stable")[:k]
    values, vectors = values[kept], vectors[:, kept]
    straight = vectors.T @ np.column_stack([np.ones(len(knots)), knots])
    free = np.linalg.qr(straight, mode="complete")[0][:, 2:]
    return vectors @ free @ _inverse_root(free.T @ (values[:, None] * free))


def _cubic(knots: Array) -> Array:
    """Return the values at the knots of natural cubic splines, those that are no straight line."""
    k, h = len(knots), np.diff(knots)
    curvature = _curvatures(knots)
    mass = np.zeros((k, k))
    for i in range(k - 1):
        mass[i : i + 2, i : i + 2] += h[i] / 6 * np.array([[2.0, 1.0], [1.0, 2.0]])
    return _inverse_root(curvature.T @ mass @ curvature, null=2)


def _inverse_root(penalty: Array, null: int = 0) -> Array:
    """Return columns A with ``A' penalty A`` the identity, orthogonal to its null space."""
    values, vectors = np.linalg.eigh(penalty)
    return vectors[:, null:] / np.sqrt(values[null:])


def _curvatures(knots: Array) -> Array:
    """Second derivatives at the knots of natural splines of one at one of them, shape (K, K)."""
    k, h = len(knots), np.diff(knots)
    second, system = np.zeros((k - 2, k)), np.zeros((k - 2, k - 2))
    for i in range(k - 2):
        second[i, i : i + 3] = 1 / h[i], -1 / h[i] - 1 / h[i + 1], 1 / h[i + 1]
        system[i, i] = (h[i] + h[i + 1]) / 3
        if i + 1 < k - 2:
            system[i, i + 1] = system[i + 1, i] = h[i + 1] / 6
    out = np.zeros((k, k))
    out[1:-1] = np.linalg.solve(system, second)
    return out


def _natural(u: Array, knots: Array) -> Array:
    """Natural cubic splines of one at a knot and zero at the others, straight outside: (n, K)."""
    curvature, h = _curvatures(knots), np.diff(knots)
    inside = np.clip(u, knots[0], knots[-1])
    at = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(h) - 1)
    right = (inside - knots[at]) / h[at]
    left, rows = 1 - right, np.arange(len(u))
    out = np.zeros((len(u), len(knots)))
    out[rows, at] += left
    out[rows, at + 1] += right
    of_left, of_right = (left**3 - left) * h[at] ** 2 / 6, (right**3 - right) * h[at] ** 2 / 6
    out += of_left[:, None] * curvature[at] + of_right[:, None] * curvature[at + 1]
    for place, gap in ((0, np.minimum(u - knots[0], 0.0)), (-1, np.maximum(u - knots[-1], 0.0))):
        out += gap[:, None] * _end_slope(knots, curvature, place)
    return out


def _end_slope(knots: Array, curvature: Array, place: int) -> Array:
    """Slopes of these splines at the first knot (place 0) or the last one (-1), shape (K,)."""
    a, b = (0, 1) if place == 0 else (len(knots) - 2, len(knots) - 1)
    h, slope = knots[b] - knots[a], np.zeros(len(knots))
    slope[a], slope[b] = -1 / h, 1 / h
    near, far = (a, b) if place == 0 else (b, a)
    sign = -1.0 if place == 0 else 1.0
    return slope + sign * h * (2 * curvature[near] + curvature[far]) / 6


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A Gaussian process of squared exponential covariance, by m functions on an interval.

    Attributes
    ----------
    middle, reach : float
        The interval is ``middle - reach`` to ``middle + reach``, wider than the data.
    frequency : ndarray, shape (m,)
        Roots of the Laplacian's eigenvalues, per unit of the covariate.
    span : float
        The data's range.
    """

    middle: float
    reach: float
    frequency: Array
    span: float

    def columns(self, x: Array) -> Array:
        """Return the eigenfunctions, shape (n, m)."""
        from_end = np.asarray(x, float)[:, None] - self.middle + self.reach
        return np.sin(self.frequency * from_end) / np.sqrt(self.reach)


def process(x: Array, m: int, c: float) -> Process:
    """Make the functions of a Gaussian process.

    Parameters
    ----------
    x : ndarray, shape (n,)
    m
        How many.
    c
        Half the interval over half the data's range.
    """
    low, high = float(x.min()), float(x.max())
    reach = c * (high - low) / 2
    frequency: Array = np.arange(1.0, m + 1.0) * (np.pi / (2 * reach))
    return Process((low + high) / 2, reach, frequency, high - low)
