"""Responses of a truncated distribution: those within its bounds, or by the inverse of it.

The first is exact and quick where much of the distribution is within; what is not found so is the
inverse of the distribution function at a uniform number, by bisection of the logarithm of the tail
that is the smaller, so that bounds may be as far out as one likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.intervals import Intervals
from winstan.families.links import LINKS
from winstan.families.namespace import NUMPY
from winstan.families.tails import log_complement

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux, Family
    from winstan.families.links import Link
    from winstan.families.sample import Limits

# Draws of the whole distribution before its inverse is taken.
_ATTEMPTS = 10
# Doublings of a step that finds an end, and halvings of what is between the ends.
_DOUBLINGS, _HALVINGS = 1100, 120


def draw_within(
    family: Family,
    rng: np.random.Generator,
    mu: Array,
    aux: Aux,
    limits: Limits,
) -> Array:
    """Draw a response for each mean, given that it is between bounds.

    Parameters
    ----------
    family
        With a `Cumulative`.
    rng
    mu, aux
        As for `Family.draw`.
    limits
        With the bounds, values that can still be seen; broadcast against `mu`.
    """
    lb, ub = _bounds(limits, mu.shape)
    out = family.draw(rng, mu, aux, None)
    for _ in range(_ATTEMPTS):
        beyond = (out < lb) | (out > ub)
        if not beyond.any():
            return out
        out[beyond] = family.draw(rng, mu[beyond], _at(aux, beyond, mu.shape), None)
    beyond = (out < lb) | (out > ub)
    own = _at(aux, beyond, mu.shape)
    some = _Inverse(Intervals(family), mu[beyond], own, LINKS["identity"])
    out[beyond] = some.draw(rng, lb[beyond], ub[beyond])
    return out


def draw_by_inverse(
    family: Family, rng: np.random.Generator, eta: Array, aux: Aux, link: Link, limits: Limits
) -> Array:
    """Draw a response at each linear predictor, given that it is between bounds.

    Parameters
    ----------
    family
        With a `Cumulative`.
    rng
    eta : ndarray, shape (N,)
    aux
        Parameters beside the mean: numbers, or of shape (N,).
    link
    limits
        As for `draw_within`.

    Returns
    -------
    ndarray, shape (N,)
    """
    return _Inverse(Intervals(family), eta, aux, link).draw(rng, *_bounds(limits, eta.shape))


def _bounds(limits: Limits, shape: tuple[int, ...]) -> tuple[Array, Array]:
    lb = np.broadcast_to(-np.inf if limits.lb is None else limits.lb, shape)
    ub = np.broadcast_to(np.inf if limits.ub is None else limits.ub, shape)
    return lb, ub


def _at(aux: Aux, where: np.ndarray, shape: tuple[int, ...]) -> dict[str, Any]:
    return {name: np.broadcast_to(value, shape)[where] for name, value in aux.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Inverse:
    """The inverse distribution function of some responses.

    Attributes
    ----------
    of : Intervals
        Of their family.
    eta, aux, link
        As of `draw_by_inverse`, of n responses.
    """

    of: Intervals
    eta: Array
    aux: Aux
    link: Link

    def draw(self, rng: np.random.Generator, lb: Array, ub: Array) -> Array:
        """Draw each between its bounds, which may be infinite."""
        whole = self.of.base.whole
        low = np.maximum(np.ceil(lb) - 1 if whole else lb, self.of.least)
        high = np.floor(ub) if whole else ub
        (below_low, above_low), (below_high, above_high) = self.tails(low), self.tails(high)
        upper = above_low < below_high
        near, far = np.where(upper, above_high, below_low), np.where(upper, above_low, below_high)
        with np.errstate(divide="ignore", invalid="ignore"):
            # log(exp(near) + u (exp(far) - exp(near))), of the tail that is the smaller
            inside = far + log_complement(near - far, NUMPY)
            goal = np.logaddexp(near, np.log1p(-rng.random(low.size)) + inside)
        origin = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        return self._bisected(
            self._finite(low, origin, -1, goal, upper),
            self._finite(high, origin, 1, goal, upper),
            goal,
            upper,
        )

    def tails(self, y: Array) -> tuple[Array, Array]:
        """Return log P(Y <= y) and log P(Y > y), of ends that are none too."""
        cumulative, at = self.of.base.cumulative, self.of.scaled(y)
        assert cumulative is not None
        is_end = np.isfinite(at)
        own = cumulative.log_tails(np.where(is_end, at, 1.0), self.eta, self.aux, self.link, NUMPY)
        beyond = np.where(at > 0, 0.0, -np.inf), np.where(at > 0, -np.inf, 0.0)
        below, above = (np.where(is_end, tail, e) for tail, e in zip(own, beyond, strict=True))
        return below, above

    def _reached(self, y: Array, goal: Array, upper: np.ndarray) -> np.ndarray:
        """Whether the response is at most y."""
        below, above = self.tails(y)
        return np.where(upper, above <= goal, below >= goal)

    def _finite(
        self, ends: Array, origin: Array, sign: int, goal: Array, upper: np.ndarray
    ) -> Array:
        """Put a number below (by `sign`, above) the response in the place of infinite ends."""
        is_open = np.isinf(ends)
        step = np.maximum(np.abs(origin), 1.0) * 2.0**-20
        step = np.ceil(step) if self.of.base.whole else step
        for _ in range(_DOUBLINGS):
            ends = np.where(is_open, origin + sign * step, ends)
            wider = is_open & (self._reached(ends, goal, upper) == (sign < 0))
            if not wider.any():
                break
            step = np.where(wider, 2 * step, step)
        return ends

    def _bisected(self, low: Array, high: Array, goal: Array, upper: np.ndarray) -> Array:
        for _ in range(_HALVINGS):
            middle = 0.5 * low + 0.5 * high
            middle = np.floor(middle) if self.of.base.whole else middle
            if np.all((middle <= low) | (middle >= high)):
                break
            reached = self._reached(middle, goal, upper)
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return high
