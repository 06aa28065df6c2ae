"""The distribution function of responses, draw by draw, whatever the family has of it.

By the family's own (`winstan.families.tails`) where it has one, by the sum of probabilities where a
response is one of few, and else by a replicate for each draw, of which it is the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._angles import wrap_angles
from winstan.effects.means import draw_responses
from winstan.families.intervals import Intervals
from winstan.families.limits import scale_of_known, unlimited
from winstan.families.namespace import NUMPY
from winstan.families.sample import MEASURED, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.model import Model

# Values that are added up one by one.
FEW = 300


def distribution(
    model: Model,
    y: Array,
    eta: Array,
    aux: Mapping[str, Any],
    beside: Any,
    random: np.random.Generator,
) -> tuple[Array, Array, bool]:
    """Return P(Y < y) and P(Y <= y) under each draw, of a censored response those of its interval.

    Parameters
    ----------
    model
    y : ndarray, shape (n,)
        Angles from -pi up.
    eta : ndarray, shape (S, n)
        Linear predictors, offsets included.
    aux : mapping
        Parameters beside the mean, from `winstan.effects.means.auxiliary`.
    beside : ndarray, Limits or None
        Trials, or limits, of these rows.
    random
        Of replicates.

    Returns
    -------
    below, up_to : ndarray, shape (S, n)
        Of truncated responses given that they are within their bounds.
    replicated : bool
        Whether they are those of a replicate each: zeros and ones.
    """
    family = model.family
    base = unlimited(family)
    if base.cumulative is not None:
        limits = beside if isinstance(beside, Limits) else Limits()
        return *_by_function(family, base, y, eta, aux, model.link, limits), False
    if family.whole and y.max(initial=0) <= FEW:
        return *_by_sum(model, y, eta, aux, beside), False
    drawn = draw_responses(model, random, eta, aux, beside)
    drawn = wrap_angles(drawn) if family.circular else drawn
    return (drawn < y).astype(float), (drawn <= y).astype(float), True


def _by_function(
    family: Family,
    base: Family,
    y: Array,
    eta: Array,
    aux: Mapping[str, Any],
    link: Link,
    limits: Limits,
) -> tuple[Array, Array]:
    """Return them by the family's distribution function."""
    intervals, aux = Intervals(base), scale_of_known(family, aux, limits)
    low = intervals.scaled(y - 1 if base.whole else y)
    high = intervals.scaled(y)
    if limits.status is not None:
        ends = intervals.ends(y, limits)
        measured = limits.status == MEASURED
        low, high = (
            np.where(measured, own, end) for own, end in zip((low, high), ends, strict=True)
        )
    lb, ub = intervals.bounds(limits, y.size)

    def cdf(at: Array) -> Array:
        assert base.cumulative is not None
        inside = np.isfinite(at)
        put = np.where(inside, at, 1.0)
        with np.errstate(all="ignore"):
            below, _ = base.cumulative.log_tails(put, eta, aux, link, NUMPY)
        return np.where(inside, np.exp(below), np.where(at > 0, 1.0, 0.0))

    up_to = cdf(np.clip(high, lb, ub))
    below = up_to if np.array_equal(low, high) else cdf(np.clip(low, lb, ub))
    if not limits.truncated:
        return below, up_to
    least, most = cdf(lb), cdf(ub)
    return (below - least) / (most - least), (up_to - least) / (most - least)


def _by_sum(
    model: Model, y: Array, eta: Array, aux: Mapping[str, Any], beside: Any
) -> tuple[Array, Array]:
    """Return them by adding probabilities up."""
    below = np.zeros_like(eta)
    own = np.zeros_like(eta)
    for k in range(int(y.max(initial=0)) + 1):
        at = np.full(y.size, float(k))
        probability = np.exp(model.family.log_densities(at, eta, aux, model.link, beside))
        below += np.where(k < y, np.nan_to_num(probability), 0.0)
        own += np.where(k == y, np.nan_to_num(probability), 0.0)
    return below, below + own
