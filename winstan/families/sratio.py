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

from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.namespace import NUMPY
from winstan.families.ordered import rows_beyond, step_thresholds
from winstan.families.ordinal import Ordinal, ordinal
from winstan.families.stopping import STOPPING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    assert link.log_complement is not None
    counts, further, by_cell = stats["counts"], rows_beyond(stats["counts"]), 0.0
    for k, threshold in enumerate(aux["threshold"]):
        at = threshold - eta
        by_cell = by_cell + counts[:, k] * link.log_inverse(at, xp)
        by_cell = by_cell + further[:, k] * link.log_complement(at, xp)
    return xp.total(by_cell) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by eta, shape (C,) each."""
    reach = stats["counts"].sum(axis=1)
    total, information = np.zeros_like(eta), np.zeros_like(eta)
    for by_threshold, of_step, go_on in _steps(stats, eta, aux["threshold"], link):
        total -= by_threshold
        information += reach * of_step
        reach = reach * go_on
    return total, information


def threshold_score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    """Differentiate the log density of all rows by each threshold, shape (K - 1,)."""
    return np.array([by.sum() for by, *_ in _steps(stats, eta, aux["threshold"], link)])


def step_scores(
    stats: Statistics, eta: Array, thresholds: Sequence[Any], link: Link
) -> tuple[Array, Array]:
    """Score and expected information by each step's predictor: steps have none in common."""
    n = len(thresholds)
    reach = stats["counts"].sum(axis=1)
    scores, information = np.zeros((n, eta.size)), np.zeros((n, n, eta.size))
    for k, (by_threshold, of_step, go_on) in enumerate(_steps(stats, eta, thresholds, link)):
        scores[k], information[k, k] = -by_threshold, reach * of_step
        reach = reach * go_on
    return scores, information


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


def log_probabilities(
    of: Iterable[int], eta: Array, thresholds: Sequence[Any], link: Link
) -> list[Array]:
    """Log probabilities of categories, counted from 0: of all steps before it, and of stopping."""
    assert link.log_complement is not None
    out = []
    for k in of:
        log_p = np.zeros_like(eta)
        for threshold in thresholds[:k]:
            log_p = log_p + link.log_complement(threshold - eta, NUMPY)
        if k < len(thresholds):
            log_p = log_p + link.log_inverse(thresholds[k] - eta, NUMPY)
        out.append(log_p)
    return out


def first_thresholds(shares: Array, link: Link) -> Array:
    """Return the thresholds that give the shares of all rows."""
    return np.asarray(link.function(shares[:-1] / np.cumsum(shares[::-1])[:0:-1]))


SRATIO = ordinal(
    "sratio",
    Ordinal(2, log_probabilities),
    ("logit", "probit", "cloglog"),
    step_thresholds(),
    aliases=("stopping_ratio", "continuation_ratio"),
    label="stopping-ratio ordinal",
    log_likelihood=log_likelihood,
    score=score,
    threshold_score=threshold_score,
    step_scores=step_scores,
    first_thresholds=first_thresholds,
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
    pymc=STOPPING,
    bambi=BambiFamily(name="sratio", mean="p"),
)
