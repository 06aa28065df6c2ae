"""The zero-inflated binomial distribution: with probability zi no success, else binomial.

Of n trials with success probability mu, P(0) = zi + (1 - zi) (1 - mu)^n. A cell needs the trials
and successes of its rows with some success, and of those with none how many have each number of
trials.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import binomial
from winstan.families.auxiliary import ZI, mean
from winstan.families.cellwise import of_rows
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.trials import named_tally, no_tally, sum_of_tally
from winstan.families.zeros import log_odds, log_sum

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Trials and successes of the rows with some, and a tally of the others' trials, per cell."""
    assert sample.size is not None
    none = sample.y == 0
    return {
        "inflated": 1,
        **binomial.statistics(sample, cell, n_cells),
        "n": sample.by_cell(cell, n_cells, np.where(none, 0.0, sample.size)),
        "n_rows": sample.by_cell(cell, n_cells),
        **no_tally("success"),
        **no_tally("failure"),
        **named_tally("trials", replace(sample, y=np.where(none, sample.size, 0.0)), cell),
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    some = binomial.log_likelihood(stats, eta, aux, link, xp)
    odds, log_rest = log_odds(aux["zi"], xp)
    _, log_q = binomial.log_probabilities(eta, link, xp)
    cell = stats["trials_cell"] - 1
    log_f0 = stats["trials_value"] * log_q[cell]
    zeros = log_sum(of_rows(odds, cell), log_f0, xp)
    return some + xp.dot(stats["trials_tally"], zeros) + xp.total(log_rest * stats["n_rows"])


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by eta, shape (C,) each; the latter at the mean trials."""
    mu, slope = _inside(link.inverse(eta)), link.inverse_derivative(eta)
    rest, trials = 1 - mu, stats["trials_value"]
    cell = stats["trials_cell"] - 1
    own = _own(trials * np.log(rest)[cell], of_rows(aux["zi"], cell))
    failures = stats["n"] - stats["sum_y"] + sum_of_tally("trials", stats, trials * own, eta.size)
    by_mu = stats["sum_y"] / mu - failures / rest
    rows, n, log_f0 = _at_mean_trials(stats, rest)
    doubt = np.exp(log_f0) * (1 - _own(log_f0, aux["zi"]))
    by_row = n / (mu * rest) - doubt * np.square(n / rest)
    return by_mu * slope, rows * (1 - aux["zi"]) * by_row * np.square(slope)


def score_of_zi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by zi, shape (C,) each; the latter at the mean trials."""
    rest, zi = 1 - _inside(link.inverse(eta)), aux["zi"]
    cell = stats["trials_cell"] - 1
    f0 = np.exp(stats["trials_value"] * np.log(rest)[cell])
    share = of_rows(zi, cell)
    of_none = sum_of_tally("trials", stats, (1 - f0) / (share + (1 - share) * f0), eta.size)
    none = sum_of_tally("trials", stats, np.ones_like(f0), eta.size)
    rows, _, log_f0 = _at_mean_trials(stats, rest)
    some = -np.expm1(log_f0)
    information = rows * some / ((1 - (1 - zi) * some) * (1 - zi))
    return of_none - (stats["n_rows"] - none) / (1 - zi), information


def _own(log_f0: Array, zi: Any) -> Array:
    """Return the probability that a row without success is the binomial's own."""
    return special.expit(log_f0 - special.logit(zi))


def _at_mean_trials(stats: Statistics, rest: Array) -> tuple[Array, Array, Array]:
    """Return each cell's rows, their mean number of trials, and there log (1 - mu)^n."""
    trials = stats["n"] + sum_of_tally("trials", stats, stats["trials_value"], rest.size)
    n = trials / np.maximum(stats["n_rows"], np.finfo(float).tiny)
    return stats["n_rows"], n, n * np.log(rest)


def _inside(mu: Array) -> Array:
    """Keep a probability from rounding to 0 or 1."""
    return np.clip(mu, 1e-12, 1 - 1e-12)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    zi = aux["zi"]
    binomials = binomial.log_density(y, eta, aux, link, trials)
    above = np.log1p(-zi) + binomials
    return np.where(y == 0, np.logaddexp(np.log(zi), above), above)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a number of successes for each probability."""
    some = rng.random(mu.shape) >= aux["zi"]
    return np.where(some, binomial.draw(rng, mu, aux, trials), 0.0)


def response_mean(mu: Array, aux: Aux) -> Array:
    """Mean share of successes of all rows, those of extra zeros among them."""
    return (1 - aux["zi"]) * mu


ZERO_INFLATED_BINOMIAL = Family(
    name="zero_inflated_binomial",
    aliases=("zib", "zi_binomial", "zeroinflatedbinomial"),
    kind="successes",
    label="zero-inflated binomial",
    parameters=(mean("unit", "logit", "probit", "cloglog", label="mean beside added zeros"), ZI),
    template="trials",
    support=binomial.support,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"zi": score_of_zi},
    log_density=log_density,
    draw=draw,
    stan=Distribution(
        name="binomial",
        arguments="{trials}{i}, mu{i}",
        by_link={"logit": ("binomial_logit", "{trials}{i}, eta{i}")},
        zero="log_mix(zi, 0, {f0})",
        above="log1m(zi) + {y}",
    ),
    pymc=Distribution(name="ZeroInflatedBinomial", arguments="psi=1 - zi, n={trials}, p=mu"),
    bambi=BambiFamily(name="zero_inflated_binomial", mean="p", complements={"zi": "psi"}),
    response_mean=response_mean,
    usual=True,
)
