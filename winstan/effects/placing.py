"""Rows placed in the groups that an estimand asks for: their own, typical, new or all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.design import NewRows, evaluate
from winstan.effects.covariances import Covariances, covariances
from winstan.effects.joint_population import JointTerm, covariance_of, joint_mean, joint_terms
from winstan.effects.means import curves_of, mean_response
from winstan.effects.new_levels import draw_new_levels
from winstan.effects.population import has_joint_mean, population_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.effects.estimands import Estimand
    from winstan.effects.specification import Specified


INTEGRATED_TOGETHER = 20


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """A group term whose effects are integrated out.

    Attributes
    ----------
    of : Covariances
        Of its effects.
    place : int
        Among the group terms of a design.
    design : Design
    """

    of: Covariances
    place: int
    design: Design

    def curves(self, posterior: Mapping[str, Array], steps: np.ndarray) -> Array | None:
        """Return what its columns are multiplied by, shape (q, S, n); None without ``mo()``."""
        return curves_of(self.design, self.place, posterior, steps)


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRows:
    """Rows with the groups that an estimand asks for.

    Attributes
    ----------
    posterior : mapping of str to ndarray
        Draws by variable; the effects of new groups stand after those of the fitted ones.
    rows : NewRows
        Rows whose levels index these effects; -1 where an effect is zero or integrated out.
    terms : tuple of Integrated
        The group terms that are integrated out.
    joint : tuple of JointTerm
        Those of all linear predictors, where the mean is over several that groups move.
    """

    posterior: Mapping[str, Array]
    rows: NewRows
    terms: tuple[Integrated, ...]
    joint: tuple[JointTerm, ...] = ()

    @property
    def integrated(self) -> bool:
        """Whether there are effects to integrate out."""
        return bool(self.terms)

    @property
    def times(self) -> int:
        """Chunks of rows that are worked on at once: what is integrated out takes draws apart."""
        if self.joint:  # each chunk has all linear predictors
            return max(1, INTEGRATED_TOGETHER // len(self.rows.every))
        return INTEGRATED_TOGETHER if self.integrated else 1

    def mean(self, model: Specified, beside: Mapping[str, Array], part: slice, eta: Array) -> Array:
        """Return the mean response at linear predictors, shape (S, rows of the part).

        `beside` has the other parameters, from `auxiliary`; what is to be is integrated out.
        """
        if self.joint:
            return joint_mean(model, beside, eta, *self.joint_covariance([self.rows], part))
        if self.integrated:
            return population_mean(model, beside, eta, self.variance(part))
        return mean_response(model, beside, eta)

    def joint_covariance(self, several: Sequence[NewRows], part: slice) -> tuple[Array, np.ndarray]:
        """Return `covariance_of` for the part of each of several rows, one after the other."""
        found, numbers, n = [], [], 0
        for rows in several:
            own, number = covariance_of(self.joint, self.posterior, rows.every, part)
            found.append(own)
            numbers.append(n + number)
            n += own.shape[1]
        return np.concatenate(found, axis=1), np.concatenate(numbers)

    def variance(self, part: slice) -> Array:
        """Return the variance of eta over the population, shape (S, rows of the part)."""
        parts = (self._products(term, self.rows.Z[term.place][part], part) for term in self.terms)
        # Rounding of the products may leave less than nothing.
        return np.maximum(sum(parts), 0.0)

    def variance_rise(self, part: slice, rise: NewRows) -> Array:
        """Return the derivative of the variance, where that of the columns is `rise`."""
        parts = (self._products(term, rise.Z[term.place][part], part) for term in self.terms)
        return np.asarray(2 * sum(parts))

    def _products(self, term: Integrated, other: Array, part: slice) -> Array:
        arm, Z = self.rows.arm[term.place], self.rows.Z[term.place][part]
        return term.of.products(
            Z,
            other,
            None if arm is None else arm[part],
            term.curves(self.posterior, self.rows.steps[part]),
        )


def place(
    model: Specified,
    posterior: Mapping[str, Array],
    rows: pd.DataFrame,
    levels: Sequence[tuple[np.ndarray, ...]],
    estimand: Estimand,
    seed: int = 0,
) -> GroupedRows:
    """Code rows of predictors, and put them into the groups that the estimand asks for.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    rows
        n rows with all columns of the formula's right side.
    levels : sequence of tuple of ndarray of int, shape (n,)
        Of each group term, the level that counts under ``"these"``: of the mean, and of other
        parameters that the mean response depends on.
    estimand
    seed
        Of the effects of new groups: one new level of each factor, for all rows.
    """
    coded = evaluate(model.design, rows, beside=len(levels) > 1)
    own, *others = levels
    beside = {
        name: replace(one, level=level)
        for (name, one), level in zip(coded.beside.items(), others, strict=True)
    }
    coded = replace(coded, level=own, beside=beside)
    new = set(estimand.of("new"))
    coded = keep_levels(model, coded, set(estimand.of("these")))
    if new:
        every = rows_designs(model, coded)
        columns = {c for one in every for factor in one.memory.factors for c in factor.columns}
        one = pd.DataFrame(dict.fromkeys(columns, np.zeros(len(rows), int)))
        posterior, coded = draw_new_levels(
            model, posterior, coded, one, np.random.default_rng(seed), new
        )
    return grouped_rows(model, posterior, coded, estimand)


def grouped_rows(
    model: Specified, posterior: Mapping[str, Array], rows: NewRows, estimand: Estimand
) -> GroupedRows:
    """Return coded rows with what is to be integrated out of their means."""
    whole = set(estimand.of("population"))
    joint: tuple[JointTerm, ...] = ()
    if has_joint_mean(model) and any(
        group.factor in whole for one in rows_designs(model, rows)[1:] for group in one.groups
    ):
        joint = joint_terms(model.design, posterior, whole)
    return GroupedRows(posterior, rows, integrated_terms(model, posterior, estimand), joint)


def rows_designs(model: Specified, rows: NewRows) -> tuple[Design, ...]:
    """Return the designs that rows were coded by."""
    return model.design.every[: len(rows.every)]


def keep_levels(model: Specified, rows: NewRows, factors: set[str]) -> NewRows:
    """Keep the levels of some factors; of the others no row has a level, nor an effect."""
    kept = []
    for one, own in zip(model.design.every, rows.every, strict=False):
        pairs = zip(one.groups, own.level, strict=True)
        level = tuple(x if g.factor in factors else np.full_like(x, -1) for g, x in pairs)
        kept.append(replace(own, level=level))
    return replace(kept[0], beside=dict(zip(rows.beside, kept[1:], strict=True)))


def integrated_terms(
    model: Specified, posterior: Mapping[str, Array], estimand: Estimand
) -> tuple[Integrated, ...]:
    """Return the group terms that are integrated out."""
    whole = set(estimand.of("population"))
    if not whole:
        return ()
    return tuple(
        Integrated(covariances(group, posterior), k, model.design)
        for k, group in enumerate(model.design.groups)
        if group.factor in whole
    )
