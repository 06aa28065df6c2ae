"""The numbers of the approximate fit, and the population design that it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.problem import Problem
from winstan.approximation.simplexes import fit_simplexes
from winstan.centering import centered_design
from winstan.coordinates.monotonic import CurvedColumn, curved_columns, raw_columns
from winstan.monotonic import Simplexes

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.building.centering import Centering
    from winstan.building.statement import Statement
    from winstan.cells import Cells
    from winstan.coefficients import Coefficients
    from winstan.priors import Priors
    from winstan.tuning import Tuning


@dataclass(frozen=True, slots=True, eq=False)
class Predictors:
    """The population design of all coefficients, and what bends it.

    Attributes
    ----------
    population : ndarray, shape (B * C, coefficients)
        Where there are monotonic effects, at simplexes near the data's.
    simplexes : Simplexes or None
    curved : tuple of CurvedColumn
        The population columns that depend on the simplexes.
    """

    population: Array
    simplexes: Simplexes | None = None
    curved: tuple[CurvedColumn, ...] = ()


def pose_problem(
    statement: Statement,
    centering: Centering,
    coefficients: Coefficients,
    priors: Priors,
    tuning: Tuning,
) -> tuple[Problem, Predictors]:
    """Return the problem of the approximate fit, and the population design of all coefficients.

    Where there are monotonic effects, both are at simplexes near the data's.
    """
    stacked, cells = statement.stacked, statement.cells

    def problem_at(near: Cells) -> tuple[Problem, Array]:
        whole = centered_design(stacked, near, centering.predictor_mean, centering.level_means)
        own = _problem(statement, whole, coefficients, priors, tuning)
        return replace(own, Z=near.Z), whole

    problem, population = problem_at(cells)
    simplexes = Simplexes.of(stacked, priors)
    if simplexes is None:
        return problem, Predictors(population)
    raw = raw_columns(simplexes, stacked, cells, coefficients)
    simplexes = fit_simplexes(simplexes, problem, *raw)
    problem, population = problem_at(simplexes.at_reference(cells))
    curved = curved_columns(simplexes, stacked, cells, coefficients, priors, population)
    return problem, Predictors(population, simplexes, curved)


def _problem(
    statement: Statement,
    population: Array,
    coefficients: Coefficients,
    priors: Priors,
    tuning: Tuning,
) -> Problem:
    """Put the problem together; the population design is that of all coefficients."""
    stacked, cells, scales = statement.stacked, statement.cells, statement.scales
    likelihood = statement.likelihood
    vector = likelihood.family.thresholds
    return Problem(
        X=population[:, coefficients.sampled],
        Z=cells.Z,
        level=cells.level,
        n_levels=tuple(len(group.levels) for group in stacked.groups),
        correlated=tuple(group.correlated for group in stacked.groups),
        column_sds=stacked.column_sds,
        offset=cells.offset + population @ coefficients.constant,
        likelihood=likelihood,
        beta_prior=scales.normal_priors(stacked, cells, priors),
        sd_guess=np.concatenate([[], *scales.group_sds(stacked, cells)]),
        sd_prior=tuple(priors[name] for group in stacked.groups for name in group.sd_names),
        aux_prior=tuple(priors.of(number.name) for number in likelihood.scalars),
        aux_guess=scales.numbers(likelihood.scalars),
        start=scales.eta_mean,
        tuning=tuning,
        threshold_prior=None if vector is None else priors[vector.name],
    )
