"""Design: the matrices of a model, one row per distinct row of predictors.

Rows of data that share every predictor share their design row, so formulae sees each kind of row
once. `Design.row` says which design row each row of data has; ``X[design.row]`` is the full matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.columns import distinct_rows
from winstan.design.checks import check_crossing, check_finite, check_groups, check_rank
from winstan.design.constants import constant_weights
from winstan.design.empty_cells import combined_column, without_empty_cells
from winstan.design.evaluation import (
    FittedEffects,
    FittedExpression,
    Names,
    Term,
    as_numbers,
    fit_effects,
    fit_expression,
    sum_offsets,
)
from winstan.design.grouping import Factor, find_levels, group_term
from winstan.design.new_rows import NewRows, evaluate
from winstan.design.random_terms import RandomTerm, lay_out
from winstan.design.response import Response, make_response
from winstan.formula import evaluation_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from winstan.data import Frame
    from winstan.formula import Formula

__all__ = [
    "Design",
    "NewRows",
    "RandomTerm",
    "Response",
    "Term",
    "build_design",
    "evaluate",
]


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """What evaluating new rows needs."""

    common: FittedEffects
    groups: tuple[FittedEffects, ...]
    factors: tuple[Factor, ...]
    offsets: tuple[FittedExpression, ...]
    coded: frozenset[str]
    effect_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The matrices of a model. D is the number of distinct predictor rows, N that of data rows.

    Attributes
    ----------
    response
        Of all N rows.
    intercept
        Whether the common part has an intercept.
    terms
        The common terms, without the intercept; columns index `X`.
    X : ndarray of shape (D, K)
        The common design, raw, without a column for the intercept.
    constant : ndarray of shape (K,), or None
        Without an intercept: weights with which columns of `X` (those of ``cond`` in ``0 + cond``)
        add up to the constant; None where none do, or there is an intercept.
    groups
        The group terms.
    offset : ndarray of shape (D,)
        Sum of the offsets, zero where there are none.
    row : ndarray of shape (N,)
        The design row of each data row.
    weights : ndarray of shape (N,), or None
        Frequency weights.
    kept : ndarray of int, shape (N,)
        Positions of the data rows in the user's data, counted from 0.
    n_given
        Rows of the data that came in, of which N are complete (and have a weight, and trials).
    missing
        Missing values per column, for columns that have any.
    weightless
        Complete rows that are left out because their weight is zero.
    untried
        Complete rows that are left out because they have 0 trials.
    predictors
        The D distinct rows of the right side's columns, group factors included.
    names
        The functions and values, beside columns, that the formula's terms need.
    memory
        Private: what `evaluate` needs.
    """

    response: Response
    intercept: bool
    terms: tuple[Term, ...]
    X: np.ndarray
    constant: np.ndarray | None
    groups: tuple[RandomTerm, ...]
    offset: np.ndarray
    row: np.ndarray
    weights: np.ndarray | None
    kept: np.ndarray
    n_given: int
    missing: Mapping[str, int]
    weightless: int
    untried: int
    predictors: pd.DataFrame
    names: Mapping[str, Any]
    memory: _Memory = field(repr=False)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Names of the population-level coefficients, the Intercept first."""
        return ("Intercept",) * self.intercept + self.column_names

    def roots(self, sd: Any, factors: Sequence[Any]) -> list[Any]:
        """Cholesky factor of each group term's covariance: see `RandomTerm.root`."""
        return [group.root(sd, factors) for group in self.groups]

    @property
    def n_correlations(self) -> int:
        """Free correlations of all group terms."""
        return sum(len(group.pairs) for group in self.groups)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns of `X`: ``stim``, ``cond[b]``."""
        return tuple(name for term in self.terms for name in term.column_names)


def build_design(
    formula: Formula, frame: Frame, namespace: Mapping[str, Any] | None = None
) -> Design:
    """Make the matrices of a model.

    Parameters
    ----------
    formula
        What to model.
    frame
        The data, from `winstan.data.frame_from`.
    namespace
        The caller's own functions and values, as given to `winstan.formula.parse_formula`.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        When a term cannot be evaluated, or columns repeat each other.
    FormulaError
        When the response has more than two levels.

    Warns
    -----
    DesignWarning
        When a grouping factor has few levels, or no row is in a cell whose mean is wanted.
    """
    names = evaluation_names(formula, namespace)
    response = make_response(formula, frame, names)
    columns = [name for name in formula.predictor_columns if name in frame.data]
    if _shares_rows(formula, columns, names):
        first, row = distinct_rows(frame.data, columns)
    else:
        first = row = np.arange(len(frame.data))
    predictors = frame.data[columns]
    if len(first) < len(row):
        predictors = predictors.iloc[first]
    predictors = predictors.reset_index(drop=True)

    coded = formula.coded_columns
    rows = as_numbers(predictors, coded)
    common, X = fit_effects(formula.effects, rows, names)
    if not formula.effects.intercept:
        common, X = without_empty_cells(common, X, predictors, coded)
    column_names = [name for term in common.terms for name in term.column_names]
    check_finite(X, column_names, row, frame.kept)
    check_rank(
        X,
        column_names,
        intercept=formula.effects.intercept,
        remedy=lambda redundant: combined_column(
            formula.effects,
            [t for t in common.terms if redundant.intersection(t.columns)],
            predictors,
            coded,
        ),
    )

    offsets = tuple(fit_expression(atom, names) for atom in formula.offset_atoms)
    offset = sum_offsets(offsets, rows)
    check_finite(offset[:, None], [" + ".join(formula.offset)], row, frame.kept, "offset")

    groups, fitted, factors = [], [], []
    for spec in formula.groups:
        factor = find_levels(spec, predictors)
        effects, Z = fit_effects(spec.design, rows, names)
        group = group_term(spec, factor, effects, Z, predictors)
        group_names = [name for term in group.effects for name in term.column_names]
        check_finite(group.Z, group_names, row, frame.kept)
        known = any(
            {c for a in term for c in a.columns} == set(spec.factor_columns)
            for term in formula.effects.terms
        )
        check_groups(
            spec.factor, factor.levels, [term.name for term in group.effects], common=known
        )
        groups.append(group)
        fitted.append(effects)
        factors.append(factor)
    check_crossing(groups)

    return Design(
        response=response,
        intercept=formula.effects.intercept,
        terms=common.terms,
        X=X,
        constant=None if formula.effects.intercept else constant_weights(X, common.terms),
        groups=lay_out(groups),
        offset=offset,
        row=row,
        weights=frame.weights,
        kept=frame.kept,
        n_given=frame.n_rows,
        missing=frame.missing,
        weightless=frame.weightless,
        untried=frame.untried,
        predictors=predictors,
        names=Names(names),
        memory=_Memory(
            common=common,
            groups=tuple(fitted),
            factors=tuple(factors),
            offsets=offsets,
            coded=coded,
            effect_columns=tuple(
                dict.fromkeys(c for atom in formula.atoms for c in atom.columns if c in predictors)
            ),
        ),
    )


def _shares_rows(formula: Formula, columns: list[str], names: Mapping[str, Any]) -> bool:
    """Whether rows that share all predictor values share their design row."""
    # An array of the caller's own has a value for each row, equal predictors or not.
    return formula.elementwise and all(
        name in columns or np.ndim(names.get(name, 0)) == 0 for name in formula.ambient
    )
