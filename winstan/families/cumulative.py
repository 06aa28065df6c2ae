"""Ordered categories by a cumulative model: a latent variable that thresholds cut into categories.

P(Y <= k) = F(threshold_k - eta), with F the logistic, the normal or the (smallest) extreme-value
distribution function by the link. A cell needs how many of its rows have each category. The
probability between two thresholds is stated by its logarithm, which no tail rounds to zero.

References
----------
McCullagh (1980), J. Royal Statistical Society B 42, 109-142.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.namespace import NUMPY
from winstan.families.ordered import log_probability
from winstan.families.ordinal import Ordinal, ordinal
from winstan.families.parameter import Parameter
from winstan.priors import Dirichlet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    counts, by_cell = stats["counts"], 0.0
    # A category that no row has says nothing, though its probability may round to zero.
    for k in np.flatnonzero(counts.any(axis=0)):
        log_p = log_probability(int(k), eta, aux["threshold"], link, xp)
        by_cell = by_cell + counts[:, k] * log_p
    return xp.total(by_cell) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by eta, shape (C,) each."""
    counts = stats["counts"]
    n = counts.sum(axis=1)
    total, information = np.zeros_like(eta), np.zeros_like(eta)
    for k, (log_p, below, above) in enumerate(_parts(eta, aux["threshold"], link)):
        slope = below - above  # d log p / d eta
        total += counts[:, k] * slope
        information += n * np.exp(log_p) * np.square(slope)
    return total, information


def threshold_score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    """Differentiate the log density of all rows by each threshold, shape (K - 1,)."""
    counts = stats["counts"]
    out = np.zeros(counts.shape[1] - 1)
    for k, (_, below, above) in enumerate(_parts(eta, aux["threshold"], link)):
        if k > 0:
            out[k - 1] -= counts[:, k] @ below
        if k < len(out):
            out[k] += counts[:, k] @ above
    return out


def _parts(eta: Array, thresholds: Sequence[Any], link: Link) -> list[tuple[Array, Array, Array]]:
    """By category: its log probability, and the density at its lower and upper end, over it."""
    assert link.log_slope is not None
    out = []
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        ends = [link.log_slope(at - eta, NUMPY) for at in thresholds]
        for k in range(len(thresholds) + 1):
            log_p = log_probability(k, eta, thresholds, link, NUMPY)
            below = np.exp(ends[k - 1] - log_p) if k > 0 else np.zeros_like(eta)
            above = np.exp(ends[k] - log_p) if k < len(thresholds) else np.zeros_like(eta)
            out.append((log_p, np.nan_to_num(below), np.nan_to_num(above)))
    return out


def log_probabilities(
    of: Iterable[int], eta: Array, thresholds: Sequence[Any], link: Link
) -> list[Array]:
    """Log probabilities of categories, counted from 0."""
    return [log_probability(k, eta, thresholds, link, NUMPY) for k in of]


# Stan has the distributions of the other links.
ORDERED_CLOGLOG = (
    "real ordered_cloglog_lpmf(int y, real eta, vector threshold) {",
    "  int n = num_elements(threshold);",
    "  if (y == 1) return log1m_exp(-exp(threshold[1] - eta));",
    "  if (y > n) return -exp(threshold[n] - eta);",
    "  return log_diff_exp(-exp(threshold[y - 1] - eta), -exp(threshold[y] - eta));",
    "}",
)


THRESHOLD = Parameter(
    name="threshold", domain="ordered", label="thresholds", default_prior=Dirichlet(1.0)
)

CUMULATIVE = ordinal(
    "cumulative",
    Ordinal(1, log_probabilities),
    ("logit", "probit", "cloglog"),
    THRESHOLD,
    aliases=(
        "cumulative_logit",
        "clm",
        "clmm",
        "ordered",
        "ordered_logistic",
        "ordered_logit",
        "ordered_probit",
        "ordinal",
        "polr",
        "proportional_odds",
    ),
    label="cumulative ordinal",
    log_likelihood=log_likelihood,
    score=score,
    threshold_score=threshold_score,
    stan=Distribution(
        name="ordered_logistic",
        arguments="eta{i}, threshold",
        by_link={
            "logit": ("ordered_logistic", "eta{i}, threshold"),
            "probit": ("ordered_probit", "eta{i}, threshold"),
            "cloglog": ("ordered_cloglog", "eta{i}, threshold"),
        },
        definition=ORDERED_CLOGLOG,
        defined_for=("cloglog",),
    ),
    pymc=Distribution(
        name="OrderedLogistic",
        arguments="eta=eta, cutpoints=threshold",
        by_link={
            "logit": ("OrderedLogistic", "eta=eta, cutpoints=threshold"),
            "probit": ("OrderedProbit", "eta=eta, cutpoints=threshold"),
            "cloglog": ("Categorical", "logit_p=log_p"),
        },
        before={
            "cloglog": (  # of what is left beyond each threshold
                "rate = pm.math.exp(threshold - eta[:, None])",
                "none = pm.math.zeros_like(rate[:, :1])",
                "beyond = pm.math.concatenate([none, -rate], axis=1)",
                "gone = pm.math.log1mexp(beyond[:, 1:] - beyond[:, :-1])",
                "log_p = beyond + pm.math.concatenate([gone, none], axis=1)",
            )
        },
    ),
    bambi=BambiFamily(name="cumulative", mean="p"),
    usual=True,
)
