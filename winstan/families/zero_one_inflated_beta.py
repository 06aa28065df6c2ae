"""The zero-one-inflated beta distribution: at an end with probability zoi, there 1 with coi.

P(0) = zoi (1 - coi), P(1) = zoi coi, and else beta of mean mu and precision phi. The parts share no
parameter: the ends tell nothing of mu.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import beta
from winstan.families.auxiliary import mean, share
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.support import closed_unit_interval
from winstan.families.unit_ends import (
    beta_log_density,
    beta_score,
    end_statistics,
    rows_inside,
)
from winstan.families.zeros import LEAST, log_odds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Rows at either end, and the beta's statistics of the others, per cell."""
    return {"ordered_ends": 0, **end_statistics(sample, cell, n_cells)}


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    """Log density of all rows."""
    ends = stats["n_zero"] + stats["n_one"]
    at_end, inside = log_odds(aux["zoi"], xp)
    at_one, at_zero = log_odds(aux["coi"], xp)
    return (
        beta.log_likelihood(stats, eta, aux, link, xp)
        + xp.total(ends * at_end)
        + xp.total((ends + stats["n"]) * inside)
        + xp.total(stats["n_one"] * at_one)
        + xp.total(ends * at_zero)
    )


def score_of_zoi(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score and expected information by zoi, shape (C,) each."""
    return _of_share(stats["n_zero"] + stats["n_one"], stats["n"], aux["zoi"])


def score_of_coi(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> tuple[Array, Array]:
    """Score and information by coi, of as many rows at the ends as there are, shape (C,) each."""
    slope, information = _of_share(stats["n_one"], stats["n_zero"], aux["coi"])
    # A cell without such rows tells next to nothing of it.
    return slope, np.maximum(information, LEAST * stats["n"])


def _of_share(yes: Array, no: Array, p: Any) -> tuple[Array, Array]:
    return yes / p - no / (1 - p), (yes + no) / (p * (1 - p))


def log_density(y: Array, eta: Array, aux: Mapping[str, Any], link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    zoi, coi = aux["zoi"], aux["coi"]
    within = np.log1p(-zoi) + beta_log_density(y, eta, aux, link)
    ends = np.log(zoi) + np.where(y == 0, np.log1p(-coi), np.log(coi))
    return np.where((y == 0) | (y == 1), ends, within)


def draw(rng: np.random.Generator, mu: Array, aux: Mapping[str, Any], trials: Any) -> Array:
    """Draw a response for each mean between the ends."""
    at_end = rng.random(mu.shape) < aux["zoi"]
    one = rng.random(mu.shape) < aux["coi"]
    return np.where(at_end, one.astype(float), beta.draw(rng, mu, aux, trials))


def response_mean(mu: Array, aux: Mapping[str, Any]) -> Array:
    """Mean of all responses, zeros and ones among them."""
    return aux["zoi"] * aux["coi"] + (1 - aux["zoi"]) * mu


ZERO_ONE_INFLATED_BETA = Family(
    name="zero_one_inflated_beta",
    aliases=("zoib", "zero_one_inflated", "zeroone_inflated_beta", "beinf"),
    kind="proportion",
    label="zero-one-inflated beta",
    parameters=(
        mean("unit", "logit", "probit", "cloglog"),
        beta.PHI,
        share("zoi", "probability of a zero or a one"),
        share("coi", "probability of a one among these"),
    ),
    template="unit_ends",
    support=closed_unit_interval,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=partial(beta_score, beta.score),
    scores={
        "phi": partial(beta_score, beta.score_of_phi),
        "zoi": score_of_zoi,
        "coi": score_of_coi,
    },
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="beta_proportion",
        arguments="mu{i}, phi",
        zero="log(zoi) + log1m(coi)",
        one="log(zoi) + log(coi)",
        above="log1m(zoi) + {y}",
    ),
    pymc=Distribution(
        name="Beta",
        arguments="mu=mu, nu=phi",
        zero="pm.math.log(zoi) + pm.math.log1p(-coi)",
        one="pm.math.log(zoi) + pm.math.log(coi)",
        above="pm.math.log1p(-zoi) + {y}",
    ),
    response_mean=response_mean,
    scale_part=rows_inside,
    masses=(0.0, 1.0),
    precision="phi",
    usual=True,
)
