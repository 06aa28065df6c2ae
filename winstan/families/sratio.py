"""Ordered categories by stopping ratios: of each category that is reached, whether it is the last.

P(Y = k | Y >= k) = F(threshold_k - eta) for all categories but the last; the thresholds need not be
in order. It suits stages that are gone through one after another. A cell needs how many of its rows
have each category.

References
----------
Tutz (1990), British J. Mathematical and Statistical Psychology 43, 39-55.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import mean
from winstan.families.categories import category_counts, draw_category, no_mean, places
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.ordered import rows_beyond, step_thresholds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from winstan._typing import Array
    from winstan.families.family import Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Rows of each cell in each category."""
    return {**category_counts(sample, cell, n_cells), "form": 2}


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    """Log density of all rows."""
    assert link.log_complement is not None
    counts, further, by_cell = stats["counts"], rows_beyond(stats["counts"]), 0.0
    for k, threshold in enumerate(aux["threshold"]):
        at = threshold - eta
        by_cell = by_cell + counts[:, k] * link.log_inverse(at, xp)
        by_cell = by_cell + further[:, k] * link.log_complement(at, xp)
    return xp.total(by_cell) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link) -> tuple[Array, Array]:
    """Score and expected information by eta, shape (C,) each."""
    reach = stats["counts"].sum(axis=1)
    total, information = np.zeros_like(eta), np.zeros_like(eta)
    for by_threshold, of_step, go_on in _steps(stats, eta, aux["threshold"], link):
        total -= by_threshold
        information += reach * of_step
        reach = reach * go_on
    return total, information


def threshold_score(stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link) -> Array:
    """Differentiate the log density of all rows by each threshold, shape (K - 1,)."""
    return np.array([by.sum() for by, *_ in _steps(stats, eta, aux["threshold"], link)])


def _steps(
    stats: Statistics, eta: Array, thresholds: Sequence[Any], link: Link
) -> list[tuple[Array, Array, Array]]:
    """By step: its score by the threshold, its information of a row, and the share that goes on."""
    assert link.log_complement is not None
    assert link.log_slope is not None
    counts, further = stats["counts"], rows_beyond(stats["counts"])
    out = []
    for k, threshold in enumerate(thresholds):
        at = threshold - eta
        log_p, log_q = link.log_inverse(at, NUMPY), link.log_complement(at, NUMPY)
        slope = link.log_slope(at, NUMPY)
        up, down = np.exp(slope - log_p), np.exp(slope - log_q)
        out.append((counts[:, k] * up - further[:, k] * down, up * down, np.exp(log_q)))
    return out


def log_probability(k: int, eta: Array, thresholds: Sequence[Any], link: Link) -> Array:
    """Log probability of category k, counted from 0: of all steps before it, and of stopping."""
    assert link.log_complement is not None
    out = np.zeros_like(eta)
    for threshold in thresholds[:k]:
        out = out + link.log_complement(threshold - eta, NUMPY)
    return out if k == len(thresholds) else out + link.log_inverse(thresholds[k] - eta, NUMPY)


def category_probability(k: int, eta: Array, aux: Mapping[str, Any], link: Link) -> Array:
    """Probability of category k, counted from 0."""
    return np.exp(log_probability(k, eta, aux["threshold"], link))


def log_density(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    thresholds = aux["threshold"]
    out = np.zeros(np.broadcast_shapes(np.shape(y), np.shape(eta)))
    for k in range(len(thresholds) + 1):
        out = np.where(y == k, log_probability(k, eta, thresholds, link), out)
    return out


def first_thresholds(shares: Array, link: Link) -> Array:
    """Return the thresholds that give the shares of all rows."""
    return np.asarray(link.function(shares[:-1] / np.cumsum(shares[::-1])[:0:-1]))


SRATIO = Family(
    name="sratio",
    aliases=("stopping_ratio", "continuation_ratio"),
    kind="ordered",
    label="stopping-ratio ordinal",
    parameters=(mean("real", "logit", "probit", "cloglog"), step_thresholds()),
    template="cumulative",
    support=places,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    threshold_score=threshold_score,
    first_thresholds=first_thresholds,
    category_probability=category_probability,
    log_density=log_density,
    draw=draw_category,
    response_mean=no_mean,
    stan=Distribution(
        name="sratio",
        arguments="eta{i}, threshold",
        by_link=dict.fromkeys(("logit", "probit", "cloglog"), ("sratio", "eta{i}, threshold")),
        definition=(
            "real sratio_lpmf(int y, real eta, vector threshold) {",
            "  real lp = 0;",
            "  for (k in 1:(y - 1)) lp += log1m({inverse}(threshold[k] - eta));",
            "  if (y > num_elements(threshold)) return lp;",
            "  return lp + log({inverse}(threshold[y] - eta));",
            "}",
        ),
    ),
)
