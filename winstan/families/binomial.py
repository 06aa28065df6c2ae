"""The binomial distribution: successes among trials, each of probability mu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.auxiliary import mean
from winstan.families.cellwise import log_factorial, quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.support import counts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample
    from winstan.families.support import Support


def support(sample: Sample) -> Support:
    """Return the rows that are not whole numbers from 0 up to the row's trials."""
    assert sample.size is not None
    not_counts, _, _ = counts(sample)
    above = sample.y > sample.size
    if np.any(not_counts):
        remedy = "Give counts, not proportions."
        if np.all((sample.y >= 0) & (sample.y <= 1)):
            ends = np.any((sample.y == 0) | (sample.y == 1))
            others = "'ordered_beta' or 'zero_one_inflated_beta'" if ends else "'beta'"
            remedy = (
                "If these are proportions, multiply them by the trials; proportions that are not "
                f"of trials fit family={others}."
            )
        return not_counts, "whole numbers of successes from 0 up", remedy
    return above, "successes no larger than trials", "Mend the counts, or the trials."


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Trials and successes per cell."""
    constant = sample.log_jacobian
    if sample.size is not None:  # of single trials the binomial coefficient is one
        constant += sample.total(log_factorial(sample.size))
        constant -= sample.total(log_factorial(sample.y))
        constant -= sample.total(log_factorial(sample.size - sample.y))
    return {
        "n": sample.by_cell(cell, n_cells, sample.size),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "log_constant": constant,
    }


def log_probabilities(eta: Any, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Log probabilities of success and of failure, exact far out in both tails."""
    assert link.log_complement is not None
    return link.log_inverse(eta, xp), link.log_complement(eta, xp)


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    successes, failures = stats["sum_y"], stats["n"] - stats["sum_y"]
    log_p, log_q = log_probabilities(eta, link, xp)
    return xp.dot(successes, log_p) + xp.dot(failures, log_q) + stats["log_constant"]


def score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = _inside(link.inverse(eta))
    excess = stats["sum_y"] - stats["n"] * mu
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), variance(mu))


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    n = np.ones_like(y) if trials is None else trials
    log_p, log_q = log_probabilities(eta, link)
    coefficient = -np.log(n + 1) - special.betaln(y + 1, n - y + 1)
    # Of no successes nothing is counted, though their probability be zero to rounding.
    successes = np.where(y > 0, y * log_p, 0.0)
    return coefficient + successes + np.where(y < n, (n - y) * log_q, 0.0)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a number of successes for each probability."""
    assert trials is not None
    return rng.binomial(np.asarray(trials, np.int64), mu, mu.shape).astype(float)


def variance(mu: Array) -> Array:
    """Variance of a trial."""
    mu = _inside(mu)
    return mu * (1 - mu)


def excess_kurtosis(mu: Array, size: Array) -> Array:
    """Excess kurtosis of a row's successes among `size` trials."""
    of_trial = variance(mu)
    return (1 - 6 * of_trial) / (size * of_trial)


def _inside(mu: Array) -> Array:
    """Keep a probability that rounds to 0 or 1 from having no variance to divide by."""
    return np.clip(mu, 1e-12, 1 - 1e-12)


BINOMIAL = Family(
    name="binomial",
    kind="successes",
    label="binomial",
    parameters=(mean("unit", "logit", "probit", "cloglog"),),
    template="binomial",
    support=support,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="binomial",
        arguments="{trials}{i}, mu{i}",
        by_link={"logit": ("binomial_logit", "{trials}{i}, eta{i}")},
    ),
    pymc=Distribution(name="Binomial", arguments="n={trials}, {p}"),
    bambi=BambiFamily(name="binomial", mean="p"),
    variance=variance,
    excess_kurtosis=excess_kurtosis,
    wider="beta_binomial",
    zeros=("zero_inflated_binomial",),
    exponential_family=True,
    usual=True,
)
