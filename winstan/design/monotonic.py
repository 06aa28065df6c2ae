"""Ordered predictors whose effect is monotonic, ``mo(dose)``: their categories, and rows' steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels, some_rows
from winstan.design.evaluation import MEAN, parameter_name
from winstan.design_warnings import warn_design
from winstan.errors import DataError
from winstan.formula.functions import CODINGS
from winstan.formula.monotonic import column_and_id, is_monotonic
from winstan.formula.tree import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from winstan._typing import Array
    from winstan.data import Frame
    from winstan.formula import Formula
    from winstan.formula.terms import Effects


@dataclass(frozen=True, slots=True)
class Monotone:
    """An ordered predictor of a linear predictor, whose steps share a simplex.

    Attributes
    ----------
    name
        As terms have it: ``mo(dose)``.
    column
        Of the data.
    levels : tuple
        Its categories, the lowest first, those that no row has among them: 1 + D of them.
    own
        The id of ``mo(dose, id="a")``, or nothing.
    parameter
        In whose linear predictor it is.
    """

    name: str
    column: str
    levels: tuple[Any, ...]
    own: str = ""
    parameter: str = MEAN

    @property
    def n(self) -> int:
        """Steps from the lowest category to the highest, D."""
        return len(self.levels) - 1

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.parameter, self.name

    @property
    def variable(self) -> str:
        """The variable of its simplex: ``simo_dose``, ``sigma_simo_dose``."""
        return parameter_name(
            self.parameter, "_".join(filter(None, ["simo", self.column, self.own]))
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Of each step, the category that it leads to."""
        return tuple(map(str, self.levels[1:]))

    def steps(self, rows: pd.DataFrame) -> np.ndarray:
        """Count the steps of each row above the lowest category, shape (n,).

        Raises
        ------
        DataError
            For numbers that are none of its categories.
        """
        values = rows[self.column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            return values.cat.codes.to_numpy().astype(int)
        lowest = int(self.levels[0])
        at = values.to_numpy(float) - lowest
        bad = np.flatnonzero((at != np.round(at)) | (at < 0) | (at > self.n))
        if bad.size:
            raise DataError(
                f"Column '{self.column}' of the new data has {values.iloc[bad[0]]}, in "
                f"{some_rows(bad)}, and '{self.name}' knows whole numbers from {lowest} to "
                f"{self.levels[-1]}."
            )
        return at.astype(int)

    def heights(self, shares: Array) -> Array:
        """Return what each category's number of steps is multiplied by, shape (..., 1 + D).

        It is D (shares_1 + ... + shares_x) / x in category x; one in the lowest, of no steps.

        Parameters
        ----------
        shares : ndarray, shape (..., D)
            The simplex.
        """
        whole = self.n * np.cumsum(shares, axis=-1) / np.arange(1, self.n + 1)
        return np.concatenate([np.ones((*whole.shape[:-1], 1)), whole], axis=-1)


def product_of_heights(
    monotones: Iterable[Monotone],
    names: Sequence[str],
    steps: np.ndarray,
    shares: Mapping[str, Array],
) -> Array:
    """Return what a column of some monotonic predictors is multiplied by, shape (..., n).

    Parameters
    ----------
    monotones
        Those of a design.
    names
        Of the ones that the column is a product of.
    steps : ndarray of int, shape (n, V)
        Of all.
    shares : mapping of str to ndarray, shape (..., D) each
        Simplexes, by variable.
    """
    out: Any = 1.0
    for v, one in enumerate(monotones):
        if one.name in names:
            out = out * one.heights(shares[one.variable])[..., steps[:, v]]
    return np.asarray(out)


def find_monotones(
    formula: Formula, predictors: pd.DataFrame, parameter: str
) -> tuple[Monotone, ...]:
    """Return the monotonic predictors of a formula that have several steps, in its order.

    Of two categories the one step is the whole change: there is nothing to be shared.
    """
    calls = {
        atom.name: atom.node
        for atom in formula.atoms
        if isinstance(atom.node, Call) and is_monotonic(atom.node)
    }
    out = []
    for name, call in calls.items():
        found = column_and_id(call)
        assert found is not None
        column, own = found
        one = Monotone(name, column, ordered_levels(predictors[column]), own, parameter)
        if one.n > 1:
            out.append(one)
    return tuple(out)


def of_parameter(monotones: Iterable[Monotone], parameter: str) -> tuple[Monotone, ...]:
    """Return the same in the linear predictor of another parameter."""
    return tuple(replace(one, parameter=parameter) for one in monotones)


def ordered_levels(values: pd.Series) -> tuple[Any, ...]:
    """Return the categories of an ordered column: declared ones, or whole numbers in a range."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return tuple(values.cat.categories.tolist())
    return tuple(range(int(values.min()), int(values.max()) + 1))


def steps_of(monotones: Sequence[Monotone], rows: pd.DataFrame) -> np.ndarray:
    """Count the steps of rows in each, shape (n, V)."""
    columns = [one.steps(rows) for one in monotones]
    return np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0), int)


def one_of_two_shapes(effects: Effects, redundant: Iterable[str], predictors: pd.DataFrame) -> str:
    """Say what to do where a monotonic effect's column is in the formula as well.

    Parameters
    ----------
    effects
        The common ones.
    redundant
        Names of the terms with columns that repeat others.
    predictors

    Returns
    -------
    str
        A sentence, or nothing where no such column is to blame.
    """
    atoms = [
        atom
        for term in effects.terms
        if ":".join(atom.name for atom in term) in {*redundant}
        for atom in term
    ]
    blamed = {column for atom in atoms for column in atom.columns}
    for own in effects.atoms.values():
        if not is_monotonic(own.node) or not blamed.intersection(own.columns):
            continue
        (column,) = own.columns
        for other in effects.atoms.values():
            if is_monotonic(other.node) or other.columns != own.columns:
                continue
            is_coded = isinstance(other.node, Call) and other.node.function in CODINGS
            if is_coded or isinstance(predictors[column].dtype, pd.CategoricalDtype):
                what = "A monotonic effect is one of those that a factor can have"
            else:
                what = "A straight line is one shape of a monotonic effect"
            return f" {what}: write {own.name} or {other.name}, not both."
    return ""


def check_monotonic(formula: Formula, frame: Frame) -> None:
    """Refuse columns that have no order, or are numbers without categories.

    Raises
    ------
    DataError
        Naming the column, what is wrong with how many rows, and the remedy.

    Warns
    -----
    DesignWarning
        ``unmeasured_steps``, of categories that no row has.
    """
    for column in sorted(formula.monotonic_columns):
        values = frame.data[column]
        code = frame.column.format(column)
        if isinstance(values.dtype, pd.CategoricalDtype):
            if column not in frame.ordered:
                levels = values.cat.categories.tolist()
                raise DataError(
                    f"mo({column}) needs an order, and the {how_many(len(levels), 'level')} of "
                    f"column '{column}' ({some_levels(levels)}) have none that was declared, in "
                    f"{how_many(len(values), 'row')}. Put them in theirs: "
                    f"pd.Categorical({code}, [...], ordered=True) with every level, the lowest "
                    "first."
                )
        else:
            _check_numbers(column, values.to_numpy(float), frame.kept, code)
        _tell_unmeasured(column, values, code)


def _tell_unmeasured(column: str, values: pd.Series, code: str) -> None:
    """Warn of steps that no row tells: those to and from a category that no row has."""
    levels = ordered_levels(values)
    seen = {*values.unique()}
    has_rows = np.array([level in seen for level in levels])
    if has_rows.all():
        return
    unmeasured = ~(has_rows[1:] & has_rows[:-1])
    n, n_steps = int(unmeasured.sum()), len(levels) - 1
    absent = [level for level, there in zip(levels, has_rows, strict=True) if not there]
    kept = [level for level, there in zip(levels, has_rows, strict=True) if there]
    warn_design(
        f"mo({column}) has {how_many(len(absent), 'level')} that no row has: "
        f"{some_levels(absent)}. Nobody measured {n} of its {how_many(n_steps, 'step')}: the data "
        f"tell at most sums of these, and the prior of simo_{column} the rest. If only the other "
        f"levels are meant, write pd.Categorical({code}, {kept!r}, ordered=True).",
        "unmeasured_steps",
    )


def _check_numbers(column: str, values: Array, kept: np.ndarray, code: str) -> None:
    distinct = np.unique(values)
    declare = f"pd.Categorical({code}, {[float(f'{x:.12g}') for x in distinct[:6]]}, ordered=True)"
    if distinct.size > 6:
        declare = f"pd.Categorical({code}, [...], ordered=True) with every value, the lowest first"
    bad = np.flatnonzero(values != np.round(values))
    if bad.size:
        raise DataError(
            f"mo({column}) takes categories, and column '{column}' has "
            f"{how_many(bad.size, 'row')} that {'is' if bad.size == 1 else 'are'} no whole number, "
            f"in {some_rows(kept[bad])}. Make its {distinct.size:,} values categories: {declare}; "
            f"or take the number itself, {column}."
        )
    if distinct.size < 2:
        raise DataError(
            f"'mo({column})' has only one level: it explains nothing. Leave it out of the formula."
        )
    whole = int(distinct[-1] - distinct[0]) + 1
    if whole > 2 * distinct.size:  # each would be a step of its own
        raise DataError(
            f"mo({column}) counts every whole number from {distinct[0]:.0f} to {distinct[-1]:.0f} "
            f"as a category, {whole:,} of them, and the {how_many(len(values), 'row')} of column "
            f"'{column}' have {distinct.size:,}. Make these its categories: {declare}."
        )
