"""Ordered categories by adjacent ones: the odds of each category against the one below it.

log(P(Y = k + 1) / P(Y = k)) = eta - threshold_k: the thresholds need not be in order. A cell needs
how many of its rows have each category.

References
----------
Agresti (2010), Analysis of Ordinal Categorical Data, second edition, section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.distribution import Distribution
from winstan.families.family import ACCEPT_OPEN
from winstan.families.namespace import NUMPY
from winstan.families.ordered import rows_beyond, step_thresholds
from winstan.families.ordinal import Ordinal, ordinal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace


def log_weights(eta: Any, thresholds: Sequence[Any], xp: Namespace) -> tuple[list[Any], Any]:
    """Return the logarithms of what probabilities are proportional to, and that of their sum."""
    weights, total = [0.0 * eta], 0.0 * eta
    for threshold in thresholds:
        weights.append(weights[-1] + eta - threshold)
        total = total - xp.log_expit(total - weights[-1])  # log(exp(a) + exp(b))
    return weights, total


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    counts = stats["counts"]
    weights, total = log_weights(eta, aux["threshold"], xp)
    by_cell = -counts.sum(axis=1) * total
    for k, weight in enumerate(weights):
        by_cell = by_cell + counts[:, k] * weight
    return xp.total(by_cell) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each: the place of the category is sufficient."""
    counts, shares = stats["counts"], _shares(eta, aux["threshold"])
    place = np.arange(counts.shape[1])
    n, middle = counts.sum(axis=1), shares @ place
    spread = shares @ np.square(place) - np.square(middle)
    return counts @ place - n * middle, n * np.maximum(spread, 1e-300)


def threshold_score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    """Differentiate the log density of all rows by each threshold, shape (K - 1,)."""
    counts, shares = stats["counts"], _shares(eta, aux["threshold"])
    expected = counts.sum(axis=1)[:, None] * rows_beyond(shares)
    return np.asarray((expected - rows_beyond(counts)).sum(axis=0))


def step_scores(
    stats: Statistics, eta: Array, thresholds: Sequence[Any], link: Link
) -> tuple[Array, Array]:
    """Score and information by each step's predictor: rows beyond each step are sufficient."""
    counts, shares = stats["counts"], _shares(eta, thresholds)
    beyond, total = rows_beyond(shares).T, counts.sum(axis=1)
    later = np.maximum.outer(np.arange(len(thresholds)), np.arange(len(thresholds)))
    information = total * (beyond[later] - beyond[:, None] * beyond[None])
    return rows_beyond(counts).T - total * beyond, information


def _shares(eta: Array, thresholds: Sequence[Any]) -> Array:
    weights, total = log_weights(eta, thresholds, NUMPY)
    return np.exp(np.stack(weights, axis=-1) - total[..., None])


def log_probabilities(
    of: Iterable[int], eta: Array, thresholds: Sequence[Any], link: Link
) -> list[Array]:
    """Log probabilities of categories, counted from 0."""
    weights, total = log_weights(eta, thresholds, NUMPY)
    return [weights[k] - total for k in of]


def first_thresholds(shares: Array, link: Link) -> Array:
    """Return the thresholds that give the shares of all rows."""
    return -np.diff(np.log(shares))


def category_strip(n: int) -> float:
    """Return how near to the real line 1 + exp(eta - t_1) + ... has a zero: pi over its degree."""
    return float(np.pi / (n - 1))


ACAT = ordinal(
    "acat",
    Ordinal(3, log_probabilities),
    ("logit",),
    step_thresholds(),
    aliases=("adjacent_category", "adjacent_categories"),
    label="adjacent-category ordinal",
    log_likelihood=log_likelihood,
    score=score,
    threshold_score=threshold_score,
    step_scores=step_scores,
    first_thresholds=first_thresholds,
    category_strip=category_strip,
    stan=Distribution(
        name="acat",
        arguments="eta{i}, threshold",
        by_link={"logit": ("acat", "eta{i}, threshold")},
        definition=(
            "real acat_lpmf(int y, real eta, vector threshold) {",
            "  vector[num_elements(threshold) + 1] lp",
            "    = append_row(0, cumulative_sum(eta - threshold));",
            "  return lp[y] - log_sum_exp(lp);",
            "}",
        ),
    ),
    pymc=Distribution(
        name="Categorical",
        arguments="logit_p=log_weight",
        by_link={"logit": ("Categorical", "logit_p=log_weight")},
        before={
            "logit": (
                "log_odds = eta[:, None] - threshold",
                "none = pm.math.zeros_like(log_odds[:, :1])",
                "total = pm.math.cumsum(log_odds, axis=1)",
                "log_weight = pm.math.concatenate([none, total], axis=1)",
            )
        },
    ),
    target_accept=ACCEPT_OPEN,
)
