"""Ordered vectors: thresholds that a linear predictor is held against, and what is sampled of them.

P(Y <= k) = F(threshold_k - eta) does not change where a constant is added to all thresholds and to
eta. So eta keeps an Intercept, the middle one of n cutpoints is zero, and the others are steps away
from it::

    threshold_k = cutpoint_k - Intercept,   cutpoint_{k+1} = cutpoint_k + step_k,   step_k > 0

Sampled are the Intercept and the steps, as any Intercept and any positive numbers are; reported are
the thresholds. The map from those to these has a Jacobian of one, so that a prior is stated on the
thresholds themselves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.parameter import Parameter
from winstan.priors import Dirichlet, Normal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.families.family import Family
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample
    from winstan.priors import Prior

LEAST_STEP = 1e-3
"""Between ordered thresholds that no response parts, where the search for them begins."""


def middle(n: int) -> int:
    """Return the place of the one of n cutpoints that is zero."""
    return (n - 1) // 2


def cutpoints(steps: Sequence[Any]) -> tuple[Any, ...]:
    """Return increasing cutpoints, the middle one zero: one more than steps between them.

    Parameters
    ----------
    steps
        Positive numbers, arrays of one shape, or graphs.
    """
    at = middle(len(steps) + 1)
    above: list[Any] = [0.0]
    for step in steps[at:]:
        above.append(above[-1] + step)
    below: list[Any] = [0.0]
    for step in reversed(steps[:at]):
        below.append(below[-1] - step)
    return (*reversed(below[1:]), *above)


def cutpoint_vector(steps: Sequence[Any], xp: Namespace) -> Any:
    """Return the same of numbers as a vector: by one product, which keeps graphs small."""
    if not steps:
        return np.zeros(1)
    rises = np.column_stack([cutpoints(list(row)) for row in np.eye(len(steps))])
    return xp.combine(rises, list(steps))


def by_steps(of_cutpoints: Array) -> Array:
    """Turn a gradient by the cutpoints, shape (n,), into that by the steps, shape (n - 1,)."""
    at = middle(len(of_cutpoints))
    above = np.cumsum(of_cutpoints[:at:-1])[::-1]  # a step moves all that is beyond it
    return np.concatenate([-np.cumsum(of_cutpoints[:at]), above])


def first_thresholds(sample: Sample, family: Family, link: Link) -> Array:
    """Return thresholds that give the categories the shares that they have, shape (K - 1,).

    Half a row is added to all the data, spread evenly, so that categories that no row has count.
    """
    counts = sample.by_cell(sample.y.astype(int), sample.categories) + 0.5 / sample.categories
    shares = counts / counts.sum()
    if family.first_thresholds is not None:
        return family.first_thresholds(shares, link)
    return np.asarray(link.function(np.cumsum(shares)[:-1]))


def location(thresholds: Array) -> float:
    """Return where the linear predictor is, the middle cutpoint being zero."""
    return -float(thresholds[middle(len(thresholds))])


def steps_between(thresholds: Array, *, ordered: bool) -> Array:
    """Return the steps between thresholds; those of an ordered vector are positive."""
    steps = np.diff(thresholds)
    return np.maximum(steps, LEAST_STEP) if ordered else steps


def rows_beyond(counts: Array) -> Array:
    """Return the rows above each category but the last, shape (C, K - 1)."""
    return np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1]


def step_thresholds() -> Parameter:
    """Return thresholds of steps, each on its own: in no order."""
    return Parameter(
        name="threshold", domain="vector", label="thresholds", default_prior=Normal(0.0, 2.5)
    )


def log_probability(k: int, eta: Any, thresholds: Sequence[Any], link: Link, xp: Namespace) -> Any:
    """Log probability of category k, counted from 0: F at its upper threshold less at its lower."""
    assert link.log_complement is not None
    assert link.log_between is not None
    if k == 0:
        return link.log_inverse(thresholds[0] - eta, xp)
    if k == len(thresholds):
        return link.log_complement(thresholds[-1] - eta, xp)
    step = thresholds[k] - thresholds[k - 1]
    return link.log_between(thresholds[k - 1] - eta, step, xp)


def dirichlet_log_density(alpha: float, thresholds: Any, n: int, link: Link, xp: Namespace) -> Any:
    """Log density of n thresholds, a vector, whose categories have Dirichlet probabilities at zero.

    It is that of the probabilities times the derivatives of F: the map's Jacobian is triangular.
    With alpha = 1, and but for a constant, each threshold has the density F' by itself.
    """
    assert link.log_slope is not None
    constant = special.gammaln((n + 1) * alpha) - (n + 1) * special.gammaln(alpha)
    total = constant + xp.total(link.log_slope(thresholds, xp))
    if alpha == 1:
        return total
    elements = [thresholds[k] for k in range(n)]
    each = [log_probability(k, 0.0, elements, link, xp) for k in range(n + 1)]
    return total + (alpha - 1) * sum(each)


def log_prior(prior: Prior, thresholds: Array, link: Link, xp: Namespace) -> float:
    """Log density of thresholds, but for a constant: a prior of single ones holds for each."""
    if isinstance(prior, Dirichlet):
        return float(dirichlet_log_density(prior.numbers[0], thresholds, thresholds.size, link, xp))
    return float(np.sum(prior.log_density(thresholds)))


def draw_thresholds(
    prior: Prior, n: int, link: Link, rng: np.random.Generator, size: int, *, ordered: bool
) -> Array:
    """Draw n thresholds from their prior, shape (size, n)."""
    if isinstance(prior, Dirichlet):
        shares = rng.dirichlet(np.full(n + 1, prior.numbers[0]), size)
        return np.asarray(link.function(np.cumsum(shares, axis=1)[:, :-1]))
    drawn = prior.sample(rng, (size, n))
    # Independent ones, given that they are in order: of equal priors, those that are put in order.
    return np.sort(drawn, axis=1) if ordered else drawn


def labels_of_thresholds(categories: Sequence[Any]) -> tuple[str, ...]:
    """Name thresholds by the categories that they part: ``low|high``, as R's ordinal does."""
    return tuple(f"{below}|{above}" for below, above in pairwise(categories))
