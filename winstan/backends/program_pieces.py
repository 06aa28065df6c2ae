"""What a program for readers is made of, named: columns, linear predictors, thresholds, groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from winstan.design import Design, RandomTerm
    from winstan.families.links import Link
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of the data.

    Attributes
    ----------
    name, text
        What the program calls it, and what the user does.
    kind : str
        Of its values: that of a response (`winstan.families.consistency.Kind`), ``level``,
        ``status``, or ``basis``: the columns of a curve, a matrix.
    values : ndarray, shape (N,) or (N, k)
        By row; levels and categories count from 0.
    levels
        How many there are, for the column of a group factor, or of categories; k of a basis.
    """

    name: str
    text: str
    kind: str
    values: np.ndarray
    levels: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """What a linear predictor of ordered categories is held against, in place of an Intercept.

    Attributes
    ----------
    name
    labels
        One for each.
    prior
        Of all of them, where the linear predictor is zero.
    stan
        How Stan declares such a vector.
    """

    name: str
    labels: tuple[str, ...]
    prior: Prior
    stan: str


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """The linear predictor of a parameter, but for its group terms.

    Attributes
    ----------
    design
        Its terms, and the names that they give.
    link
    coefficients
        The columns of its terms, K of them.
    offset
    intercept_prior
        None without an Intercept.
    priors
        The coefficients'.
    center
        Whether its Intercept is at the mean of its columns.
    moves
        Of each coefficient, what its prior's location loses for others: their places, and the means
        of their columns (`Model.level_means`).
    curves
        Of each coefficient, what multiplies its column: none but in monotonic effects, whose
        columns are of equal steps.
    thresholds
        None unless it is held against some.
    """

    design: Design
    link: Link
    coefficients: tuple[Column, ...]
    offset: Column | None
    intercept_prior: Prior | None
    priors: tuple[Prior, ...]
    center: bool
    moves: tuple[Mapping[int, float], ...]
    curves: tuple[tuple[str, ...], ...]
    thresholds: Thresholds | None = None

    @property
    def parameter(self) -> str:
        """What it is of: ``mu``, ``sigma``."""
        return self.design.parameter

    @property
    def has_constant(self) -> bool:
        """Whether its constant is its own: not so of what a single threshold is less by."""
        return not self.design.anchored

    @property
    def intercept(self) -> str:
        """The name of its Intercept; nothing without one, or where thresholds stand for it."""
        has_one = self.design.intercept and self.thresholds is None
        return self.design.intercept_name if has_one else ""

    def slope(self, column: Column) -> str:
        """Name the coefficient of a column, as a wish: ``b_stim``, ``b_sigma_stim``."""
        return f"b_{self.design.prefix}{column.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group term.

    Attributes
    ----------
    term
        As the model has it: the effects of one label, on whatever parameters, are one term.
    level
        The column of its factor.
    tail
        What follows sd_, z_, u_ and L_ in the names of its parameters.
    columns
        Of its effects; None is the constant.
    of
        The parameter that each effect is on.
    curves
        Of each effect, what multiplies its column: see `Predictor`.
    effects
        Their names, in ASCII: some of Stan's tools take nothing else.
    sd_priors
        One for each effect.
    lkj
        The LKJ prior's number; None without correlations.
    """

    term: RandomTerm
    level: Column
    tail: str
    columns: tuple[Column | None, ...]
    of: tuple[str, ...]
    curves: tuple[tuple[str, ...], ...]
    effects: tuple[str, ...]
    sd_priors: tuple[Prior, ...]
    lkj: float | None

    def on(self, parameter: str) -> list[tuple[int, Column | None]]:
        """Return the effects on a parameter: their places, counted from 0, and columns."""
        pairs = enumerate(self.columns)
        return [(i, column) for i, column in pairs if self.of[i] == parameter]
