"""Families: one table of names, links, auxiliary parameters, support, statistics and templates.

Everything that the rest of winstan needs to know of a response distribution stands in its row of
`FAMILIES`. A row's functions live in `likelihoods.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from winstan.errors import FamilyError, near_matches
from winstan.families import foreign
from winstan.families import likelihoods as lik
from winstan.families.likelihoods import Array, Statistics
from winstan.families.links import LINKS, Link
from winstan.families.sample import Sample


@dataclass(frozen=True, slots=True)
class Family:
    """A response distribution.

    Attributes
    ----------
    name : str
    links : tuple of str
        The links it can have, its default first.
    auxiliary : tuple of str
        Parameters beside the mean, all positive: ``sigma``, ``alpha``, ``nu``.
    template : str
        The Stan program that serves it, in ``stan/``.
    support : callable
        ``support(sample)`` gives a mask of the rows whose response the family cannot produce, the
        words for what they should have been, and what to do.
    statistics : callable
        ``statistics(sample, cell, n_cells)``: what the likelihood needs of the rows of each cell,
        named as in the template.
    log_likelihood : callable
        ``log_likelihood(statistics, eta, auxiliary, link)``: the log density of all rows.
    score : callable
        ``score(statistics, eta, auxiliary, link)``: per cell, the derivative of the log density
        by eta, and its expected information.
    absorbs_offset : mapping
        Per link under which an offset can be moved into the response: the function that moves it.
        Rows that differ by their offset alone then share a cell.
    positive_mean : bool
        The mean is positive, so that the identity and inverse links confine eta.
    trials : bool
        The response counts successes among trials.
    response_mean : callable
        ``response_mean(mu, auxiliary)``: the mean response (per trial) where the inverse link
        gives mu.
    mean_link : str or None
        The link by which the mean response follows the linear predictor, where it is not the
        response's own: ``log`` of lognormal.
    """

    name: str
    links: tuple[str, ...]
    auxiliary: tuple[str, ...]
    template: str
    support: Callable[[Sample], tuple[np.ndarray, str, str]]
    statistics: Callable[[Sample, np.ndarray, int], Statistics]
    log_likelihood: Callable[[Statistics, Array, Mapping[str, Any], Link], Any]
    score: Callable[[Statistics, Array, Mapping[str, float], Link], tuple[Array, Array]]
    absorbs_offset: Mapping[str, Callable[[Sample], Sample]]
    positive_mean: bool = False
    trials: bool = False
    response_mean: Callable[[Array, Mapping[str, Any]], Array] = lik.mean_itself
    mean_link: str | None = None

    def link(self, name: str | None) -> Link:
        """Return the family's link of this name; None is its default.

        Raises
        ------
        FamilyError
            If the family has no such link.
        """
        if name is None:
            return LINKS[self.links[0]]
        if name not in self.links:
            raise FamilyError(
                f"The {self.name} family has no link {name!r}; it has {', '.join(self.links)}."
                + foreign.link_remedy(str(name), self.links)
            )
        return LINKS[name]


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="gaussian",
            links=("identity", "log", "inverse"),
            auxiliary=("sigma",),
            template="gaussian",
            support=lik.any_real,
            statistics=lik.gaussian_statistics,
            log_likelihood=lik.gaussian_log_likelihood,
            score=lik.gaussian_score,
            absorbs_offset={"identity": lik.subtract_offset},
        ),
        Family(
            name="student",
            links=("identity", "log", "inverse"),
            auxiliary=("sigma", "nu"),
            template="student",
            support=lik.any_real,
            statistics=lik.student_statistics,
            log_likelihood=lik.student_log_likelihood,
            score=lik.student_score,
            absorbs_offset={"identity": lik.subtract_offset},
        ),
        Family(
            name="lognormal",
            links=("identity",),
            auxiliary=("sigma",),
            template="gaussian",
            support=lik.positive_real,
            statistics=lik.lognormal_statistics,
            log_likelihood=lik.gaussian_log_likelihood,
            score=lik.gaussian_score,
            absorbs_offset={"identity": lik.divide_by_exp_offset},
            response_mean=lik.lognormal_mean,
            mean_link="log",
        ),
        Family(
            name="gamma",
            links=("log", "identity", "inverse"),
            auxiliary=("alpha",),
            template="gamma",
            support=lik.positive_real,
            statistics=lik.gamma_statistics,
            log_likelihood=lik.gamma_log_likelihood,
            score=lik.gamma_score,
            absorbs_offset={"log": lik.divide_by_exp_offset},
            positive_mean=True,
        ),
        Family(
            name="poisson",
            links=("log", "identity", "sqrt"),
            auxiliary=(),
            template="poisson",
            support=lik.counts,
            statistics=lik.poisson_statistics,
            log_likelihood=lik.poisson_log_likelihood,
            score=lik.poisson_score,
            absorbs_offset={"log": lik.offset_to_exposure},
            positive_mean=True,
        ),
        Family(
            name="negative_binomial",
            links=("log", "identity", "sqrt"),
            auxiliary=("alpha",),
            template="negative_binomial",
            support=lik.counts,
            statistics=lik.negative_binomial_statistics,
            log_likelihood=lik.negative_binomial_log_likelihood,
            score=lik.negative_binomial_score,
            absorbs_offset={},
            positive_mean=True,
        ),
        Family(
            name="bernoulli",
            links=("logit", "probit", "cloglog"),
            auxiliary=(),
            template="binomial",
            support=lik.zero_or_one,
            statistics=lik.binomial_statistics,
            log_likelihood=lik.binomial_log_likelihood,
            score=lik.binomial_score,
            absorbs_offset={},
        ),
        Family(
            name="binomial",
            links=("logit", "probit", "cloglog"),
            auxiliary=(),
            template="binomial",
            support=lik.successes_of_trials,
            statistics=lik.binomial_statistics,
            log_likelihood=lik.binomial_log_likelihood,
            score=lik.binomial_score,
            absorbs_offset={},
            trials=True,
        ),
    )
}


def family_named(name: str) -> Family:
    """Return the family of this name.

    Raises
    ------
    FamilyError
        If there is none, with what comes near it, or the names that are near.
    """
    if not isinstance(name, str):
        raise FamilyError(
            f"family must be a name, such as 'gamma'; got {type(name).__name__}."
            + near_matches("", FAMILIES)
        )
    key = foreign.key_of(name)
    key = foreign.ALIASES.get(key, key)
    if key in FAMILIES:
        return FAMILIES[key]
    if key in foreign.FOREIGN:
        raise FamilyError(f"There is no family {name!r}: {foreign.FOREIGN[key]}.")
    alone, bracket, inside = name.partition("(")
    if bracket:
        called = foreign.key_of(alone)
        called = foreign.ALIASES.get(called, called)
        if called in foreign.FOREIGN:
            raise FamilyError(f"There is no family {alone!r}: {foreign.FOREIGN[called]}.")
        link = inside.rstrip(") ").rpartition("=")[2].strip(" '\"")
        raise FamilyError(
            f"There is no family {name!r}: the link is an option of its own. Write "
            f"family={called!r}, link={link or None!r}."
        )
    raise FamilyError(f"There is no family {name!r}." + near_matches(key, FAMILIES))


def check_support(family: Family, sample: Sample, name: str, positions: np.ndarray) -> None:
    """Refuse a response that the family cannot have produced.

    Parameters
    ----------
    family
    sample
        The response, N rows.
    name
        The response's name.
    positions : ndarray of int, shape (N,)
        Of the rows, in the user's data frame.

    Raises
    ------
    FamilyError
        With the count of bad rows, the first few of them, and a family that would fit.
    """
    bad, wanted, remedy = family.support(sample)
    count = int(np.count_nonzero(bad))
    if not count:
        return
    where = np.flatnonzero(bad)[:5]
    rows = ", ".join(f"row {positions[i]}: {sample.y[i]:g}" for i in where)
    raise FamilyError(
        f"family={family.name!r} needs {wanted}, but {name!r} has {count} of {sample.y.size} rows "
        f"that are not ({rows}{', ...' if count > where.size else ''}). {remedy}"
    )
