"""Evaluation: terms of a formula on rows of data, through formulae, with memory.

formulae decides the coding of factors and keeps what stateful transforms learnt (the mean of
``center(x)``, the knots of ``bs(x)``), so that new rows are coded as the first ones were. It is
given explicit sums of terms only, complete rows only, and a namespace of exactly the names in use.
"""

from __future__ import annotations

import inspect
import io
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulae import design_matrices, model_description
from formulae.environment import Environment

from winstan.data.text import factor_as_numbers
from winstan.design.calls import check_calls
from winstan.errors import DataError, EmptyCellError
from winstan.formula.functions import transforms
from winstan.formula.monotonic import is_monotonic

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from winstan.formula.terms import Atom, Effects

_NOISE = "Unexpected error while trying to evaluate"
_STDOUT = (
    RLock()
)  # there is one for all threads, and each would put back what another had put there


MEAN = "mu"
"""The parameter of the first formula."""


def prefix_of(parameter: str) -> str:
    """Begin names in a parameter's linear predictor: with nothing of the mean, or ``sigma_``."""
    return "" if parameter == MEAN else f"{parameter}_"


def parameter_name(parameter: str, name: str) -> str:
    """Name what is in the linear predictor of a parameter: ``stim`` of the mean, ``sigma_stim``."""
    return f"{prefix_of(parameter)}{name}"


@dataclass(frozen=True, slots=True)
class Term:
    """A term and its columns.

    Attributes
    ----------
    name
        ``stim``, ``stim:cond``, ``np.log(x)``; ``1`` for the constant of a group term.
    labels
        Of each column: ``()`` for a single plain column, else the level (``b``, or ``b, c`` in
        interactions), or a number for the columns of ``poly(x, 3)`` and its like.
    columns
        Its columns in the design matrix.
    parameter
        Whose linear predictor it is in: ``mu``, the mean; ``sigma``.
    monotonic
        Which ``mo()`` its columns are products of; none of other terms.
    """

    name: str
    labels: tuple[str, ...]
    columns: tuple[int, ...]
    parameter: str = MEAN
    monotonic: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its parameters begin with."""
        return prefix_of(self.parameter)

    @property
    def variable(self) -> str:
        """The variable of its coefficients: ``stim``, ``sigma_stim``."""
        return parameter_name(self.parameter, self.name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """One name per column: ``stim``, ``cond[b]``, ``sigma_cond[c]``."""
        return tuple(f"{self.variable}[{label}]" for label in self.labels) or (self.variable,)


@dataclass(frozen=True, slots=True, eq=False)
class FittedEffects:
    """Effects that have seen their data and can be evaluated on new rows.

    Attributes
    ----------
    effects
        What was evaluated.
    terms
        Its terms, with their columns in the matrix *without* the constant.
    matrix
        formulae's matrix, None where there is nothing but a constant.
    empty : mapping of int to str
        Names of the columns of that matrix (without the constant) that are left out, since no row
        was in their cell.
    """

    effects: Effects
    terms: tuple[Term, ...]
    matrix: Any
    empty: Mapping[int, str] = field(default_factory=dict)

    def evaluate(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the columns for some rows, shape (n, K), without the constant."""
        if self.matrix is None:
            return np.empty((len(rows), 0))
        with _quiet():
            values = self.matrix.evaluate_new_data(rows).design_matrix
        return self._without_empty(_without_constant(values, self.matrix))

    def _without_empty(self, values: np.ndarray) -> np.ndarray:
        if not self.empty:
            return values
        for column, name in self.empty.items():
            if values[:, column].any():
                raise EmptyCellError(
                    f"'{name}' is a combination that no row of the data has: the model has no "
                    "mean of it, and nothing that needs it can be told. Fit one column of the "
                    f"combinations, such as {name.partition('[')[0].replace(':', '_')!r}, and "
                    "compare its levels."
                )
        return np.delete(values, list(self.empty), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class FittedExpression:
    """One expression (a response or an offset) that can be evaluated on new rows."""

    atom: Atom
    component: Any
    environment: Any

    def evaluate(self, rows: pd.DataFrame) -> Any:
        """Return the expression's value: a Series, an array or a number."""
        try:
            with _quiet():
                if hasattr(self.component, "call"):
                    return self.component.call.eval(rows, self.environment)
                return rows[self.component.name]
        except Exception as error:
            raise _failed(self.atom, rows, error) from error


def fit_effects(
    effects: Effects, rows: pd.DataFrame, names: Mapping[str, Any]
) -> tuple[FittedEffects, np.ndarray]:
    """Evaluate effects for the first time.

    Parameters
    ----------
    effects
        The sum of terms.
    rows
        D rows of the columns in use.
    names
        Functions and values beside columns.

    Returns
    -------
    fitted
        The terms, ready for new rows.
    X : ndarray of shape (D, K)
        Their columns, without the constant.
    """
    if not effects.terms:
        return FittedEffects(effects, (), None), np.empty((len(rows), 0))
    for atom in effects.atoms.values():
        check_calls(atom, rows, names)
    try:
        with _quiet():
            matrix = _design(effects.code, rows, names).common
    except Exception as error:
        raise _blame(effects, rows, names, error) from error
    # formulae drops the parentheses of arithmetic in its names, winstan keeps them.
    shown = {_first_component(atom.code).name: atom.name for atom in effects.atoms.values()}
    terms = []
    start = 0
    ordered = {name for name, atom in effects.atoms.items() if is_monotonic(atom.node)}
    for term in matrix.terms.values():
        if term.kind == "intercept":
            continue
        parts = [shown.get(part.name, part.name) for part in term.components]
        name = ":".join(parts)
        width = 1 if term.data.ndim == 1 else term.data.shape[1]
        if width == 0:
            raise DataError(
                f"'{name}' has only one level: it explains nothing. Leave it out of the formula."
            )
        columns = tuple(range(start, start + width))
        monotonic = tuple(part for part in parts if part in ordered)
        terms.append(Term(name, _labels(term, width), columns, monotonic=monotonic))
        start += width
    X = _without_constant(matrix.design_matrix, matrix)
    if X.shape != (len(rows), start):
        raise DataError(f"The terms {effects.text} do not give one value per row.")
    return FittedEffects(effects, tuple(terms), matrix), X


def fit_expression(atom: Atom, names: Mapping[str, Any]) -> FittedExpression:
    """Prepare one expression; what it remembers, it learns when first evaluated."""
    environment = Environment([transforms(), Names(names)])
    return FittedExpression(atom, _first_component(atom.code), environment)


def as_numbers(data: pd.DataFrame, coded: Container[str] = ()) -> pd.DataFrame:
    """Make numbers float64, so that no power or difference overflows or truncates.

    Columns that ``C()`` turns into labels stay as they are: ``C(dose)[2]``, not ``[2.0]``.
    """
    out = data.copy(deep=False)
    for name, column in data.items():  # DataFrame.astype() takes ten times as long
        if column.dtype.kind in "biu" and name not in coded:
            out[name] = column.astype(np.float64)
    return out


def one_per_row(values: Any, n: int, what: str) -> np.ndarray:
    """Turn what an expression gave into one float64 per row, shape (n,); a copy only if need be."""
    try:
        given = np.asarray(values, dtype=np.float64).reshape(-1)
        return given if given.shape == (n,) else np.array(np.broadcast_to(given, (n,)))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} is not one number per row.") from error


def sum_offsets(offsets: Sequence[FittedExpression], rows: pd.DataFrame) -> np.ndarray:
    """Add up the offsets of some rows, shape (n,)."""
    total = np.zeros(len(rows))
    for offset in offsets:
        what = f"The offset '{offset.atom.text}'"
        total = total + one_per_row(offset.evaluate(rows), len(rows), what)
    return total


class Names(dict[str, Any]):
    """A namespace that can be pickled although modules cannot: they go by name."""

    def __reduce__(self) -> tuple[Any, ...]:
        modules = {key: value.__name__ for key, value in self.items() if inspect.ismodule(value)}
        values = {key: value for key, value in self.items() if key not in modules}
        return _restored, (values, modules)


def _restored(values: dict[str, Any], modules: dict[str, str]) -> Names:
    return Names(values | {key: import_module(name) for key, name in modules.items()})


def _design(code: str, rows: pd.DataFrame, names: Mapping[str, Any]) -> Any:
    return design_matrices(code, rows, na_action="pass", env=Environment([Names(names)]))


def _first_component(code: str) -> Any:
    return model_description(f"0 + {code}").common_terms[-1].components[0]


def _without_constant(values: np.ndarray, matrix: Any) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    constant = matrix.slices.get("Intercept")
    return values if constant is None else np.delete(values, constant, axis=1)


def _labels(term: Any, width: int) -> tuple[str, ...]:
    if term.kind != "numeric" and term.levels is not None:
        return tuple(str(level) for level in term.levels)
    return tuple(str(i) for i in range(width)) if width > 1 else ()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence numpy's floating-point warnings and formulae's printing, and nothing else."""
    printed = io.StringIO()
    try:
        with _STDOUT, redirect_stdout(printed), np.errstate(all="ignore"):
            yield
    finally:
        lines = printed.getvalue().splitlines(keepends=True)
        print("".join(line for line in lines if not line.startswith(_NOISE)), end="")


def _blame(
    effects: Effects, rows: pd.DataFrame, names: Mapping[str, Any], error: Exception
) -> DataError:
    """Find the atom that cannot be evaluated."""
    for atom in effects.atoms.values():
        try:
            with _quiet():
                _design(f"0 + {atom.code}", rows, names)
        except Exception as own:  # a user's function raises what it likes
            return _failed(atom, rows, own)
    remedy = ""
    if isinstance(error, AttributeError) and "callee" in str(error):
        # formulae compares the calls' arguments, and a call with a column only the other way round
        remedy = (
            ". Two calls of one function stand in the wrong order: write the one of a plain column"
            " before the one of a call, sqrt(z) + sqrt(abs(x)), or make a column of either."
        )
    return DataError(f"Cannot evaluate the terms {effects.text}: {_reason(error)}{remedy}")


def _failed(atom: Atom, rows: pd.DataFrame, error: Exception) -> DataError:
    factors = [
        name
        for name in atom.columns
        if name in rows and isinstance(rows[name].dtype, pd.CategoricalDtype)
    ]
    hint = ""
    if factors:
        name = factors[0]
        numbers = factor_as_numbers(rows[name].array, name, f"data[{name!r}]", ordered=False)
        hint = f" Column '{name}' is text or a factor" + (
            f": {numbers} first."
            if numbers
            else ", whose levels are labels: a function of numbers cannot take them. For equal "
            "steps from level to level make a column of their places, 0, 1, ..., in your order."
        )
    return DataError(f"Cannot evaluate '{atom.text}': {_reason(error)}.{hint}")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
