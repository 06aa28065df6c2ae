"""Averages of functions of a normal linear predictor, draw by draw, at many rows.

One average is the trapezoidal rule, whose error falls geometrically for functions that are analytic
in a strip about the real line (Trefethen and Weideman 2014, SIAM Review 56, 385-458). Rows that
have the same variance have averages that are one function of eta in each draw, analytic in that
strip too: where rows are many it is evaluated at Chebyshev points of the draw's range of eta, and
interpolated, whose error falls geometrically as well (Trefethen 2013, Approximation Theory and
Approximation Practice, theorem 8.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from winstan._typing import Array

type OfDraws = Callable[[Array, slice], Array]
"""A function of linear predictors, shape (draws, n), and of which draws these are."""

_NODES_TO = 7.0
"""Standard deviations to either side that the rule covers: 3e-12 of the mass is left."""
_WIDEST = 0.8
"""Widest step of the rule, in sds, at which it integrates the normal density itself to 1e-13."""
_DIGITS = 25.0
"""-log of the error that is allowed where the integrand's strip bounds the step, or the points."""
_WITHIN = 0.9
"""Share of the strip that interpolation counts on: at its edge the function may have a pole."""


def normal_averages(
    function: OfDraws,
    eta: Array,
    sd: Array,
    strip: float,
    *,
    orders: tuple[int, ...] = (0,),
    growing: bool = False,
    of_rows: bool = False,
    chunk: int = 150_000,
) -> list[Array]:
    """Average z**k function(eta + sd z) over a standard normal z, for each k of `orders`.

    Parameters
    ----------
    function : callable
        ``function(at, draws)``: at linear predictors of these draws, row by row.
    eta, sd : ndarray, shape (S, n)
    strip
        Half-width of the strip about the real line in which it is analytic and bounded.
    orders
    growing
        Whether it may be as large as the exponential of its first argument instead: its mass is
        then about z = sd.
    of_rows
        Whether it differs between rows otherwise than by eta.
    chunk
        Draws times rows that are held at once.

    Returns
    -------
    list of ndarray, shape (S, n)
    """
    parts: list[list[Array]] = [[] for _ in orders]
    size = max(1, chunk // max(1, eta.shape[1]))
    for start in range(0, len(eta), size):
        draws = slice(start, start + size)
        own = eta[draws], sd[draws]
        if growing or of_rows:
            found = _by_rule(function, draws, *own, strip, orders, growing=growing)
        else:
            found = _by_variance(function, draws, *own, strip, orders)
        for part, one in zip(parts, found, strict=True):
            part.append(one)
    return [np.concatenate(part) for part in parts]


def _by_variance(
    function: OfDraws, draws: slice, eta: Array, sd: Array, strip: float, orders: tuple[int, ...]
) -> list[Array]:
    """Average rows together that have one sd in every draw."""
    groups = list(_alike(sd))
    out: list[Any] = [None] * len(orders)
    for rows in groups:
        found = _interpolated(function, draws, eta[:, rows], sd[:, rows[:1]], strip, orders)
        for k, one in enumerate(found):
            if out[k] is None:
                out[k] = np.empty(eta.shape, dtype=one.dtype)
            out[k][:, rows] = one
    return [np.empty(eta.shape) if one is None else one for one in out]


def _alike(sd: Array) -> Iterator[np.ndarray]:
    """Return the places of columns that are the same."""
    number = np.unique(sd[0], return_inverse=True)[1].reshape(-1)
    order = np.argsort(number, kind="stable")
    for places in np.split(order, np.cumsum(np.bincount(number))[:-1]):
        same = (sd[:, places] == sd[:, places[:1]]).all(axis=0)
        yield places[same]
        for place in places[~same]:
            yield np.array([place])


def _interpolated(
    function: OfDraws, draws: slice, eta: Array, sd: Array, strip: float, orders: tuple[int, ...]
) -> list[Array]:
    """Average at Chebyshev points of each draw's range where there are more rows than points.

    `sd` has shape (draws, 1).
    """
    low, high = eta.min(axis=1, keepdims=True), eta.max(axis=1, keepdims=True)
    half = 0.5 * (high - low)
    n = chebyshev_points(float(half.max()), strip)
    if eta.shape[1] <= 2 * n:
        return _by_rule(function, draws, eta, sd, strip, orders)
    angle = np.pi * (np.arange(n) + 0.5) / n
    at = low + half + half * np.cos(angle)
    found = _by_rule(function, draws, at, sd, strip, orders)
    transform = 2 / n * np.cos(np.outer(angle, np.arange(n)))
    transform[:, 0] /= 2
    x = (eta - low - half) / np.where(half > 0, half, 1.0)
    return [_chebyshev_sum(values @ transform, x) for values in found]


def chebyshev_points(half: float, strip: float, digits: float = _DIGITS) -> int:
    """Return how many Chebyshev points an interval needs.

    Parameters
    ----------
    half
        Half its width.
    strip
        Half-width of the strip in which the function is analytic.
    digits
        -log of the error that is allowed.
    """
    if half == 0:
        return 1
    ratio = _WITHIN * strip / half
    return int(np.ceil(digits / np.log(ratio + np.hypot(1.0, ratio)))) + 1


def _chebyshev_sum(coefficients: Array, x: Array) -> Array:
    """Sum Chebyshev polynomials at x, shape (S, n), each draw's by its own: Clenshaw's recurrence.

    `coefficients` have shape (S, N).
    """
    twice = 2 * x
    one = np.zeros(x.shape, dtype=coefficients.dtype)
    two = np.zeros_like(one)
    for k in range(coefficients.shape[1] - 1, 0, -1):
        next_one = twice * one
        next_one -= two
        next_one += coefficients[:, k, None]
        one, two = next_one, one
    return coefficients[:, :1] + x * one - two


def _by_rule(
    function: OfDraws,
    draws: slice,
    eta: Array,
    sd: Array,
    strip: float,
    orders: tuple[int, ...],
    *,
    growing: bool = False,
) -> list[Array]:
    """Average by the trapezoidal rule, row by row; `sd` may be one for all of them."""
    widest = float(sd.max(initial=0.0))
    if widest == 0:
        own = function(eta, draws)
        return [own if order == 0 else np.zeros_like(own) for order in orders]
    # The error is exp(-2 pi d / h) with d = strip / sd the half-width of the integrand's strip.
    step = min(_WIDEST, 2 * np.pi * strip / (_DIGITS * widest))
    n = int(np.ceil(_NODES_TO / step))
    beyond = int(np.ceil(widest / step)) if growing else 0
    nodes = step * np.arange(-n, n + beyond + 1)
    weights = np.exp(-0.5 * np.square(nodes))
    weights /= weights.sum()
    totals: list[Any] = [0.0] * len(orders)  # of real numbers, or of directions' complex ones
    for z, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        value = function(eta + z * sd, draws)
        for k, order in enumerate(orders):
            totals[k] = totals[k] + weight * z**order * value
    return [np.asarray(total) for total in totals]
