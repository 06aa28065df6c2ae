"""Responses between two bounds: the distribution function inverted by bisection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.namespace import NUMPY

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.families.family import Aux, Family
    from winstan.families.links import Link

# Halvings that leave two neighbouring numbers of a bracket, or nearly.
_HALVES = 100


def draw_between(
    family: Family,
    rng: np.random.Generator,
    eta: Array,
    aux: Aux,
    link: Link,
    low: Array,
    high: Array,
) -> Array:
    """Draw a response of each row, given that it lies between two bounds.

    The target is a probability of the tail that is the smaller at the bounds, so that responses
    far out are right, too.

    Parameters
    ----------
    family
        With a distribution function.
    rng
    eta : ndarray, shape (N,)
    aux
        Parameters beside the mean: numbers, or of shape (N,).
    link
    low, high : ndarray, shape (N,)
        (low, high], or infinite; logarithms where the distribution is one of the logarithm.

    Returns
    -------
    ndarray, shape (N,)
    """
    assert family.cumulative is not None
    tails, whole = family.cumulative.log_tails, family.whole
    below_low, above_low = _at_ends(low, tails, eta, aux, link)
    below_high, above_high = _at_ends(high, tails, eta, aux, link)
    share = rng.random(eta.size)
    upper = above_low < below_high
    with np.errstate(divide="ignore"):
        nearer, further = np.log1p(-share), np.log(share)
    below = np.logaddexp(below_low + nearer, below_high + further)
    above = np.logaddexp(above_low + nearer, above_high + further)

    def reached(y: Array) -> Array:
        of_below, of_above = tails(y, eta, aux, link, NUMPY)
        return np.where(upper, of_above <= above, of_below >= below)

    start = {"real": -np.inf, "count": -1.0}.get(family.kind, 0.0)
    low = np.maximum(low, -np.inf if family.log_response else start)
    low, high = _bracket(low, high, reached)
    for _ in range(_HALVES):
        middle = 0.5 * (low + high)
        middle = np.floor(middle) if whole else middle
        at = reached(middle)
        low, high = np.where(at, low, middle), np.where(at, middle, high)
    return np.exp(high) if family.log_response else high


def _at_ends(
    ends: Array, tails: Callable[..., Any], eta: Array, aux: Aux, link: Link
) -> tuple[Array, Array]:
    """Return log P(Y <= end) and log P(Y > end), where ends may be infinite."""
    finite = np.isfinite(ends)
    below, above = tails(np.where(finite, ends, 1.0), eta, aux, link, NUMPY)
    none, all_of_it = np.full(ends.shape, -np.inf), np.zeros(ends.shape)
    return (
        np.where(finite, below, np.where(ends > 0, all_of_it, none)),
        np.where(finite, above, np.where(ends > 0, none, all_of_it)),
    )


def _bracket(low: Array, high: Array, reached: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Replace infinite ends by numbers between which the target is reached."""
    origin = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
    step = 1.0
    is_open = np.isinf(low)
    low = np.where(is_open, origin - step, low)
    while (beyond := is_open & reached(low)).any():
        step *= 2
        low = np.where(beyond, origin - step, low)
    step = 1.0
    is_open = np.isinf(high)
    high = np.where(is_open, origin + step, high)
    while (beyond := is_open & np.logical_not(reached(high))).any():
        step *= 2
        high = np.where(beyond, origin + step, high)
    return low, high
