"""The names of the guards, and how each is silenced."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

from winstan.errors import DesignWarning, OptionError, near_matches, warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GUARDS: Mapping[str, str] = MappingProxyType(
    {
        "random_slopes": "a predictor varies within groups, but only their intercepts vary",
        "pseudoreplication": "rows repeat a response, or come from units that the formula omits",
        "confounding": "a predictor cannot be told apart from the groups",
        "skew": "a gaussian fit of positive, strongly skewed data",
        "raw_exposure": "an exposure in offset() that should be its logarithm",
        "missing_code": "responses of -9, -999 or the like, far from all others",
        "heap": "many rows have the smallest or the largest response, as at a limit",
        "unequal_spread": "residuals spread more at one level of a predictor than at another",
        "group_spread": "residuals spread more in some groups than in others",
        "serial_correlation": "residuals of rows that follow each other are correlated",
        "overdispersion": "counts vary more than a binomial or Poisson model allows",
        "unreached_direction": "angles point where the half-tangent does not reach",
        "excess_zeros": "counts have more zeros than their means and variance let one expect",
        "scores": "a gaussian fit of scores of few ordered categories",
        "shares": "a gaussian fit of shares or percentages, whose ends it goes beyond",
        "angles": "a gaussian fit of angles that go through the whole circle",
        "few_levels": "a grouping factor has few levels",
        "same_groups": "two grouping factors part the rows in the same way",
        "single_rows": "units of correlated residuals have one row, which says nothing of it",
        "empty_cells": "cells of an interaction that no row has are left out",
        "unidentified": "the data cannot tell the standard deviations of a group term",
        "summed_response": "the left side adds columns up, as another package writes two responses",
        "missing_rows": "rows are left out for missing values",
        "missing_words": "a file has words such as NA: missing among numbers, labels in text",
        "unused_levels": "a factor declares levels that no row has",
        "unmeasured_steps": "mo() has categories that no row has, and steps that no row tells",
        "alike_levels": "levels of a text column differ in capitals or spaces alone",
        "numbers_as_labels": "a predictor is text, and its few values are written as numbers",
        "many_levels": "a predictor is text, with few rows to each of its many levels",
        "level_order": "an Arrow dictionary is not marked as ordered, and its levels are sorted",
        "category_order": "the categories of an ordered response are in the order of the alphabet",
        "unjudged_rows": "a sample of grouped rows cannot be modelled, so that none was judged",
        "fractional_weights": "frequency weights are no whole numbers",
        "zero_weights": "rows are left out because they weigh nothing",
        "zero_trials": "rows are left out because they have no trials, or counts",
        "incomplete_groups": "a paired analysis of variance leaves out groups that lack a cell",
        "type_3_numbers": "an analysis of variance of type 3 has numbers in an interaction",
        "extrapolation": "values beyond the data are compared or predicted",
        "event_status": "a status of 0 and 1 may say which rows were seen, not which are censored",
        "level_ranks": "a contrast of ranks has levels in the order of the alphabet",
        "censored_loo": "leave-one-out of censored rows has probabilities among densities",
        "conditional_loo": "leave-one-out of correlated rows is given the others of their unit",
        "lone_predictors": "a coefficient is told by one unit alone, which is left out",
        "far_units": "what is left out lies where hardly any draw of the fit without it goes",
        "influential_rows": "rows weigh too much on a posterior for leave-one-out",
    }
)
"""Every `DesignWarning`, by the name that silences it."""

ALL = "all"

_SILENT: ContextVar[frozenset[str]] = ContextVar("winstan_silent_guards", default=frozenset())


def silent_names(silence: str | Iterable[str] | None) -> frozenset[str]:
    """Read a ``silence=`` option.

    Parameters
    ----------
    silence
        The name of a guard, several of them, ``"all"``, or None.

    Raises
    ------
    OptionError
        When there is no guard of a name.
    """
    if silence is None:
        return frozenset()
    names = [silence] if isinstance(silence, str) else silence
    if not isinstance(names, Iterable):
        raise OptionError(
            f"silence= takes names of guards, not {type(silence).__name__}. "
            f"Known: {', '.join(map(repr, GUARDS))}, 'all'."
        )
    chosen: set[str] = set()
    for name in names:
        if name == ALL:
            chosen.update(GUARDS)
        elif isinstance(name, str) and name in GUARDS:
            chosen.add(name)
        else:
            raise OptionError(
                f"silence= names {name!r}, which is no guard."
                + near_matches(str(name), [*GUARDS, ALL])
            )
    return frozenset(chosen)


@contextmanager
def silenced(silence: str | Iterable[str] | None) -> Iterator[None]:
    """Silence guards, besides those that are silent already, in this context and thread.

    Parameters
    ----------
    silence
        As for `silent_names`.
    """
    token = _SILENT.set(_SILENT.get() | silent_names(silence))
    try:
        yield
    finally:
        _SILENT.reset(token)


def is_silent(guard: str) -> bool:
    """Whether a guard is silenced here."""
    return guard in _SILENT.get()


def warn_design(message: str, guard: str) -> None:
    """Warn of the data, unless the guard is silenced.

    Parameters
    ----------
    message
        What was found, and the remedy.
    guard
        A name in `GUARDS`.
    """
    if not is_silent(guard):
        warn_user(DesignWarning(f'{message} (silence="{guard}" hides this.)', guard))
