"""The Bernoulli distribution: 0 or 1, with probability mu of 1. A binomial of one trial a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import binomial
from winstan.families.auxiliary import mean
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux
    from winstan.families.sample import Sample
    from winstan.families.support import Support


def support(sample: Sample) -> Support:
    """Return the rows that are neither 0 nor 1."""
    bad = ~np.isin(sample.y, (0.0, 1.0))
    whole = np.all((sample.y >= 0) & (sample.y == np.floor(sample.y)))
    remedy = "Counts of successes fit family='binomial' with trials=." if whole else ""
    return bad, "a response of 0 and 1", remedy


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw 0 or 1 for each probability."""
    return (rng.random(mu.shape) < mu).astype(float)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of 0 or 1."""
    return np.asarray(mu * (1 - mu))


BERNOULLI = Family(
    name="bernoulli",
    kind="binary",
    label="Bernoulli",
    parameters=(mean("unit", "logit", "probit", "cloglog"),),
    template="binomial",
    support=support,
    statistics=binomial.statistics,
    log_likelihood=binomial.log_likelihood,
    score=binomial.score,
    log_density=binomial.log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(
        name="bernoulli", arguments="mu{i}", by_link={"logit": ("bernoulli_logit", "eta{i}")}
    ),
    pymc=Distribution(name="Bernoulli", arguments="{p}"),
    bambi=BambiFamily(name="bernoulli", mean="p"),
    exponential_family=True,
    usual=True,
)
