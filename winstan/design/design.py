"""`Design`: the matrices of a linear predictor, one row per distinct row of predictors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.evaluation import MEAN, parameter_name, prefix_of

if TYPE_CHECKING:
    import pandas as pd

    from winstan.data.grouped import Grouped
    from winstan.design.evaluation import FittedEffects, FittedExpression, Term
    from winstan.design.grouping import Factor
    from winstan.design.monotonic import Monotone
    from winstan.design.random_terms import RandomTerm
    from winstan.design.residual import ResidualTerm
    from winstan.design.response import Response
    from winstan.design.smooths import FittedSmooth, Smooth


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What evaluating new rows needs."""

    common: FittedEffects
    groups: tuple[FittedEffects, ...]
    factors: tuple[Factor, ...]
    offsets: tuple[FittedExpression, ...]
    coded: frozenset[str]
    effect_columns: tuple[str, ...]
    grouping: frozenset[str] = frozenset()  # of them, those that may have new levels
    smooths: tuple[FittedSmooth, ...] = ()
    group_smooths: tuple[FittedSmooth | None, ...] = ()  # of each group term that is curves


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The matrices of a parameter. D is the number of distinct predictor rows, N that of data rows.

    That of the mean has in it those of other parameters that have a formula.

    Attributes
    ----------
    response
        Of all N rows.
    intercept
        Whether the common part has an intercept.
    anchored
        Whether the columns stand beside the mean's constant, as those of one threshold do: they
        are measured from their means where the mean's are.
    terms
        The common terms, without the intercept; columns index `X`.
    X : ndarray of shape (D, K)
        The common design, raw, without a column for the intercept: columns of the terms, and after
        them those of the curves.
    constant : ndarray of shape (K,), or None
        Without an intercept: weights with which columns of `X` (those of ``cond`` in ``0 + cond``)
        add up to the constant; None where none do, or there is an intercept.
    groups
        The group terms.
    smooths
        The curves of all rows; columns index `X`.
    offset : ndarray of shape (D,)
        Sum of the offsets, zero where there are none.
    row : ndarray of shape (N,)
        The design row of each data row.
    weights : ndarray of shape (N,), or None
        Frequency weights; of counts of categories, times these.
    frequency : ndarray of shape (rows of the data,), or None
        The user's frequency weights.
    kept : ndarray of int, shape (N,)
        Positions of the data rows in the user's data, counted from 0.
    n_given
        Rows of the data that came in, of which `n_rows` are complete (and have a weight, and
        trials).
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
    parameter
        What its linear predictor is of: ``mu``, the mean; ``sigma``.
    beside : mapping of str to Design
        Of other parameters that have a formula; of the mean's design alone.
    monotones : tuple of Monotone
        The ordered predictors of ``mo()``, V of them: their columns, products of which are in `X`
        and in those of group terms, are there with equal steps.
    steps : ndarray of int, shape (D, V)
        Their steps above the lowest category.
    drawn : tuple of (RandomTerm, ((parameter, place), ...))
        The group terms of the whole model as they are drawn: those of one label together, without
        rows, and of which parameters' terms each is made.
    residual : ResidualTerm or None
        How the residuals of the N rows are correlated.
    grouped : Grouped or None
        How the N rows stand for more, where an engine grouped them.
    ordered : frozenset of str
        Predictors whose levels the user ordered.
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
    frequency: np.ndarray | None
    kept: np.ndarray
    n_given: int
    missing: Mapping[str, int]
    weightless: int
    untried: int
    predictors: pd.DataFrame
    names: Mapping[str, Any]
    memory: Memory = field(repr=False)
    parameter: str = MEAN
    anchored: bool = False
    smooths: tuple[Smooth, ...] = ()
    beside: Mapping[str, Design] = field(default_factory=dict)
    monotones: tuple[Monotone, ...] = ()
    steps: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), int))
    drawn: tuple[tuple[RandomTerm, tuple[tuple[str, int], ...]], ...] = ()
    residual: ResidualTerm | None = None
    grouped: Grouped | None = None
    ordered: frozenset[str] = frozenset()

    @property
    def data_rows(self) -> slice | np.ndarray:
        """Take one of the N for each row of the data: all, unless rows count categories."""
        if self.response.counts is None:
            return slice(None)
        return np.unique(np.nonzero(self.response.counts)[0], return_index=True)[1]

    @property
    def responses(self) -> slice | np.ndarray:
        """Take one of the N for each response there was: as often as a row counts its category."""
        if (counts := self.response.counts) is None:
            return slice(None)
        times = counts[np.nonzero(counts)].astype(int)
        return np.repeat(np.arange(times.size), times)

    @property
    def response_weights(self) -> np.ndarray | None:
        """Return the user's frequency weight of each of these responses."""
        if self.response.counts is None or self.frequency is None:
            return self.frequency
        return self.frequency[np.nonzero(self.response.counts)[0]][self.responses]

    @property
    def n_rows(self) -> int:
        """Rows in use; of data that an engine grouped, the distinct ones."""
        return len(self.row if self.response.counts is None else self.response.counts)

    @property
    def n_used(self) -> int:
        """Rows of the user's data in use: of those that an engine grouped, all."""
        return self.n_rows if self.grouped is None else self.grouped.n

    @property
    def every(self) -> tuple[Design, ...]:
        """Itself, and the designs of other parameters."""
        return self, *self.beside.values()

    @property
    def prefix(self) -> str:
        """What the names of its parameters begin with: nothing of the mean, ``sigma_`` of sigma."""
        return prefix_of(self.parameter)

    @property
    def intercept_name(self) -> str:
        """The name of its intercept: ``Intercept``, ``sigma_Intercept``."""
        return parameter_name(self.parameter, "Intercept")

    @property
    def with_curves(self) -> tuple[Term, ...]:
        """The common terms, and those of curves: what each column of `X` is of."""
        return (*self.terms, *(smooth.term for smooth in self.smooths))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns of `X`: ``stim``, ``cond[b]``, ``s(t)[1]``."""
        return tuple(name for term in self.with_curves for name in term.column_names)
