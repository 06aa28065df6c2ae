"""Curves: their columns in a design, for the rows of the data and for new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.columns import how_many
from winstan.design.bases import BOUNDARY, COLUMNS, FUNCTIONS, Process, Spline, process, spline
from winstan.design.column_sds import ColumnSds
from winstan.design.evaluation import MEAN, Term, fit_expression, one_per_row, parameter_name
from winstan.design.grouping import arms_of
from winstan.design.random_terms import RandomTerm, SharedSds
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from winstan._typing import Array
    from winstan.design.evaluation import FittedExpression
    from winstan.formula.terms import SmoothSpec

# Labels of the columns of a group's curve that are its straight line.
LEVEL, SLOPE, BEND = "level", "slope", "bend"


@dataclass(frozen=True, slots=True, eq=False)
class FittedSmooth:
    """A curve that has seen its data.

    Attributes
    ----------
    spec : SmoothSpec
    along : FittedExpression
        Its covariate.
    basis : Spline or Process
    levels : tuple
        Of ``by=``: a curve of each; empty for one curve.
    """

    spec: SmoothSpec
    along: FittedExpression
    basis: Spline | Process
    levels: tuple[Any, ...] = ()

    def covariate(self, rows: pd.DataFrame) -> Array:
        """Return what it is along, shape (n,)."""
        return _covariate(self.spec, self.along, rows)

    def level(self, rows: pd.DataFrame) -> Array:
        """Return the place of each row's level of ``by=``, shape (n,)."""
        given = pd.Index(np.asarray(rows[self.spec.by]))
        return pd.Index(list(self.levels)).get_indexer(given)

    def evaluate(self, rows: pd.DataFrame) -> Array:
        """Return the columns for some rows, shape (n, k): level by level of ``by=``."""
        x = self.covariate(rows)
        columns = self.basis.columns(x)
        if self.spec.group:
            assert isinstance(self.basis, Spline)
            return np.column_stack([self.basis.straight(x), columns])
        if not self.levels:
            return columns
        place = self.level(rows)
        return np.hstack([columns * (place == a)[:, None] for a in range(len(self.levels))])


@dataclass(frozen=True, slots=True, eq=False)
class Smooth:
    """A curve of all rows in a design.

    Attributes
    ----------
    term : Term
        Its columns, which come after those of all other terms.
    levels : tuple
        Of ``by=``; empty for one curve.
    shared : tuple of SharedSds
        Of each level's columns.
    variables : tuple of str
        What its sds, and its length-scales, are reported as.
    """

    term: Term
    levels: tuple[Any, ...]
    shared: tuple[SharedSds, ...]
    variables: tuple[str, ...]

    @property
    def dims(self) -> dict[str, tuple[Any, ...]]:
        """Dim and labels of its sds; none of one curve."""
        return {f"{self.term.variable}__by_dim": self.levels} if self.levels else {}

    def parts(self, Z: Array) -> list[RandomTerm]:
        """Return the terms that are sampled: one of one level for each curve.

        Parameters
        ----------
        Z : ndarray, shape (D, k)
            Its columns.
        """
        width = Z.shape[1] // len(self.shared)
        columns = tuple(range(width))
        return [
            RandomTerm(
                factor=self.term.variable,
                levels=("",),
                effects=(
                    Term(self.term.name, tuple(map(str, columns)), columns, self.term.parameter),
                ),
                Z=Z[:, a * width : (a + 1) * width],
                level=np.zeros(len(Z), dtype=int),
                correlated=False,
                arms=self.levels[a : a + 1],
                shared=shared,
            )
            for a, shared in enumerate(self.shared)
        ]


def fit_smooth(
    spec: SmoothSpec,
    rows: pd.DataFrame,
    weight: Array,
    names: Mapping[str, Any],
    coded: Collection[str] = (),
) -> tuple[FittedSmooth, Array]:
    """Lay the basis of a curve through the data.

    Parameters
    ----------
    spec
    rows
        D rows of the columns in use.
    weight : ndarray, shape (D,)
        Rows of data of each.
    names
        Functions and values beside columns.
    coded
        Columns of numbers that are labels.

    Returns
    -------
    fitted
        Ready for new rows.
    columns : ndarray, shape (D, k)

    Raises
    ------
    DataError
        Where the covariate is no number, or has too few values, or ``by=`` has no labels.
    """
    along = fit_expression(spec.covariate, names)
    x = _covariate(spec, along, rows)
    n = np.unique(x).size
    if spec.kind == "s":
        basis: Spline | Process = _spline(spec, x, weight, n)
    else:
        if n < 3:
            raise DataError(_too_few(spec, n, "a Gaussian process needs 3 or more"))
        m, c = spec.size or FUNCTIONS, spec.boundary or BOUNDARY
        basis = process(x, m, c)
    levels: tuple[Any, ...] = ()
    if spec.by:
        levels = _levels(spec, rows[spec.by], coded)
    fitted = FittedSmooth(spec, along, basis, levels)
    return fitted, fitted.evaluate(rows)


def smooth_of(fitted: FittedSmooth, start: int, width: int, parameter: str = MEAN) -> Smooth:
    """Say what a curve's columns are, which begin at `start` and are `width` many."""
    spec, curves = fitted.spec, max(1, len(fitted.levels))
    k = width // curves
    each = [str(i + 1) for i in range(k)]
    labels = [f"{level}, {i}" for level in fitted.levels for i in each] or each
    term = Term(spec.name, tuple(labels), tuple(range(start, start + width)), parameter)
    whole = parameter_name(parameter, spec.name)
    names = (f"sds_{whole}",) if spec.kind == "s" else (f"sdgp_{whole}", f"lscale_{whole}")
    shared = []
    for level in fitted.levels or (None,):
        labelled = () if level is None else (str(level),)
        variables = tuple((name, labelled) for name in names)
        if isinstance(fitted.basis, Spline):
            columns = ColumnSds(1, np.zeros(k, int), np.full(k, -1), np.zeros(k))
            shared.append(SharedSds(variables, columns, ("level",)))
        else:
            columns = ColumnSds(2, np.zeros(k, int), np.ones(k, int), fitted.basis.frequency)
            kinds = ("level", "length")
            shared.append(SharedSds(variables, columns, kinds, fitted.basis.span))
    return Smooth(term, fitted.levels, tuple(shared), names)


def curves_of_groups(
    fitted: FittedSmooth, term: RandomTerm, Z: Array, parameter: str = MEAN
) -> RandomTerm:
    """Make a group term the curves of its groups: level, slope and what bends, of an sd each.

    Parameters
    ----------
    fitted
    term
        Of this factor, whatever its effects are.
    Z : ndarray, shape (D, k)
        From `fit_smooth`.
    """
    k = Z.shape[1]
    labels = (LEVEL, SLOPE, *(f"{BEND} {i + 1}" for i in range(k - 2)))
    effect = Term(fitted.spec.name, labels, tuple(range(k)), parameter)
    name = f"sds_{effect.variable}|{term.factor}"
    of = np.minimum(np.arange(k), 2)
    shared = SharedSds(
        ((name, (LEVEL, SLOPE, BEND)),),
        ColumnSds(3, of, np.full(k, -1), np.zeros(k)),
        ("level", "slope", "slope"),
    )
    return replace(term, effects=(effect,), Z=Z, shared=shared)


def _spline(spec: SmoothSpec, x: Array, weight: Array, n: int) -> Spline:
    k = spec.size or COLUMNS
    if n < k:
        needs = f"{spec.text} has {k} columns" + ("" if spec.size else " where k= is not given")
        raise DataError(_too_few(spec, n, needs))
    return spline(x, weight, spec.basis, k)


def _too_few(spec: SmoothSpec, n: int, needs: str) -> str:
    name = spec.covariate.name
    smaller = f"s({name}, k={n})" if n >= 4 else ""
    remedy = f"Write {smaller}, or" if smaller and spec.kind == "s" else "Write"
    return (
        f"'{name}' has {how_many(n, 'distinct value')}, and {needs}. {remedy} C({name}), which has "
        f"an effect of each value, or {name} for a straight line."
    )


def _covariate(spec: SmoothSpec, along: FittedExpression, rows: pd.DataFrame) -> Array:
    values = along.evaluate(rows)
    if getattr(values, "dtype", None) is not None and isinstance(values.dtype, pd.CategoricalDtype):
        raise DataError(
            f"{spec.text} is a curve along a number, and '{spec.covariate.name}' has labels: make "
            f"it numbers, or write {spec.covariate.name} for an effect of each level."
        )
    return one_per_row(values, len(rows), f"The covariate of {spec.text}")


def _levels(spec: SmoothSpec, column: pd.Series, coded: Collection[str]) -> tuple[Any, ...]:
    is_number = column.dtype.kind in "iuf" if hasattr(column.dtype, "kind") else False
    if is_number and spec.by not in coded:
        raise DataError(
            f"by= of {spec.text} takes a column of labels, and '{spec.by}' has numbers: a curve of "
            f"each is C({spec.by}) + {spec.text}; curves that grow with a number are in mgcv."
        )
    levels, _ = arms_of(column)
    if len(levels) < 2:
        raise DataError(
            f"'{spec.by}' of {spec.text} has only one level: write "
            f"{spec.kind}({spec.covariate.text})."
        )
    return levels
