"""Codings of factors: the columns that levels become.

formulae has two, `Treatment` and `Sum`; these are R's and patsy's others, and any matrix. Where the
columns have to make up the constant too (``0 + C(g, Helmert)``), a column of ones goes before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulae.categorical import ENCODINGS, ContrastMatrix, Encoding

from winstan.errors import DataError
from winstan.formula.tree import Call, Constant, Name, Node

if TYPE_CHECKING:
    from winstan._typing import Array

_ZERO_SUM = 1e-9
_POWERS = ("linear", "quadratic", "cubic", "quartic")


class _Coding(Encoding):
    """Columns that leave the constant out."""

    def columns(self, levels: Sequence[Any]) -> tuple[Array, list[str]]:
        """Return the columns, shape (k, m), and their labels."""
        raise NotImplementedError

    def code_without_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """Return the columns beside a constant."""
        return ContrastMatrix(*self.columns(levels))

    def code_with_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """Return the columns with that of the constant, which is the mean of zero-sum ones."""
        matrix, labels = self.columns(levels)
        first = "mean" if sums_to_zero(matrix) else "constant"
        return ContrastMatrix(np.column_stack([np.ones(len(levels)), matrix]), [first, *labels])


class Helmert(_Coding):
    """Each level beside the mean of those before it: R's ``contr.helmert``.

    The coefficient of the j-th column is that difference divided by j + 1.
    """

    def columns(self, levels: Sequence[Any]) -> tuple[Array, list[str]]:  # noqa: D102
        k = len(levels)
        matrix = -np.triu(np.ones((k, k - 1)))
        matrix[np.arange(1, k), np.arange(k - 1)] = np.arange(1, k)
        return matrix, [str(level) for level in levels[1:]]


class Diff(_Coding):
    """Each level less the one before it: MASS' ``contr.sdif``, patsy's ``Diff``."""

    def columns(self, levels: Sequence[Any]) -> tuple[Array, list[str]]:  # noqa: D102
        k = len(levels)
        place = np.arange(1, k)
        later = np.arange(k)[:, None] >= place
        labels = [f"{b} - {a}" for a, b in pairwise(levels)]
        return later - (k - place) / k, labels


class Poly(_Coding):
    """Orthonormal polynomials of equally spaced levels, or of their `scores`: ``contr.poly``.

    Parameters
    ----------
    scores
        A number for each level, in their order.
    """

    def __init__(self, scores: Sequence[float] | None = None) -> None:
        self.scores = scores

    def columns(self, levels: Sequence[Any]) -> tuple[Array, list[str]]:  # noqa: D102
        k = len(levels)
        scores = np.asarray(range(k) if self.scores is None else self.scores, float)
        if scores.shape != (k,) or len(set(scores.tolist())) < k or not np.isfinite(scores).all():
            raise DataError(f"scores= takes {k} different numbers, one for each level.")
        x = (scores - scores.mean()) / np.ptp(scores) if k > 1 else scores
        basis = [np.full(k, 1 / np.sqrt(k))]
        for _ in range(1, k):
            column = x * basis[-1]
            for _ in range(2):  # once more, against rounding
                column = column - np.array(basis).T @ (np.array(basis) @ column)
            basis.append(column / np.linalg.norm(column))
        labels = [*_POWERS, *(f"degree {power}" for power in range(5, k))]
        return np.array(basis[1:]).T.reshape(k, k - 1), labels[: k - 1]


@dataclass(frozen=True, eq=False)
class Matrix(_Coding):
    """Columns of the caller's own.

    Attributes
    ----------
    values : ndarray, shape (k, m)
    labels : tuple of str
    levels : tuple, or None
        Whose the rows are; None where they are in the order of the factor's levels.
    """

    values: Array
    labels: tuple[str, ...]
    levels: tuple[Any, ...] | None = None

    def columns(self, levels: Sequence[Any]) -> tuple[Array, list[str]]:  # noqa: D102
        k, m = self.values.shape
        if k != len(levels):
            raise DataError(f"it has {k} rows, where {len(levels)} are needed, one for each level.")
        matrix = self.values
        if self.levels is not None:
            if set(self.levels) != set(levels):
                raise DataError(f"its rows are {', '.join(map(repr, self.levels))}.")
            matrix = matrix[[self.levels.index(level) for level in levels]]
        if np.linalg.matrix_rank(np.column_stack([np.ones(k), matrix])) <= m:
            raise DataError(
                f"its {m} columns and the constant repeat each other: {k} levels have at most "
                f"{k - 1} columns beside the constant, none a combination of others."
            )
        return matrix, list(self.labels)


CONTRASTS: Mapping[str, type[_Coding]] = MappingProxyType(
    {"Helmert": Helmert, "Poly": Poly, "Diff": Diff}
)
"""Codings that formulae does not have."""
KNOWN: Mapping[str, Any] = MappingProxyType({**ENCODINGS, **CONTRASTS})
"""All of them, by the name that a formula calls them."""


def sums_to_zero(matrix: Array) -> bool:
    """Whether the constant beside these columns, shape (k, m), is the mean over levels."""
    return bool(np.all(np.abs(matrix.sum(axis=0)) <= _ZERO_SUM * np.abs(matrix).max(axis=0)))


def own_matrix(value: Any) -> Matrix:
    """Make a coding of an array, a data frame, or columns by name.

    Parameters
    ----------
    value : array of shape (k, m), DataFrame, or mapping
        Rows are levels: in their order or, in a data frame whose index are the levels and in
        columns that are mappings of levels, by name.

    Raises
    ------
    ValueError
        If it is none of these, saying what is wrong.
    """
    levels: tuple[Any, ...] | None = None
    labels: tuple[str, ...] | None = None
    if isinstance(value, Mapping):
        by_level = all(isinstance(column, Mapping) for column in value.values())
        value = pd.DataFrame({str(k): pd.Series(v) if by_level else v for k, v in value.items()})
        if not by_level:
            labels, value = tuple(value.columns), value.to_numpy()
    if isinstance(value, pd.DataFrame):
        labels = tuple(map(str, value.columns))
        if not isinstance(value.index, pd.RangeIndex):
            levels = tuple(value.index.tolist())
    try:
        values = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("it is no matrix of numbers") from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"its shape is {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("some of its numbers are missing or infinite")
    labels = labels or tuple(map(str, range(values.shape[1])))
    if len(set(labels)) < len(labels):
        raise ValueError("two of its columns have one name")
    return Matrix(values, labels, levels)


def contrast_of(call: Call) -> Node | None:
    """Return the second argument of ``C(g, contrast)``; None where there is none."""
    if call.function != "C":
        return None
    given = dict(call.keywords).get("contrast")
    return given or (call.arguments[1] if len(call.arguments) > 1 else None)


def encoding_of(call: Call, names: Mapping[str, Any]) -> Any:
    """Return the coding that a call of ``C``, ``S`` or ``T`` says.

    Parameters
    ----------
    call
    names
        Functions and values beside columns: the caller's matrices are among them.
    """

    def value(node: Node) -> Any:
        return names.get(node.text) if isinstance(node, Name) else getattr(node, "value", None)

    if call.function in ("S", "T"):
        options = {"S": "omit", "T": "ref"}[call.function]
        given = dict(call.keywords).get(options) or (call.arguments[1:2] or (None,))[0]
        level = None if given is None else value(given)
        return KNOWN["Sum" if call.function == "S" else "Treatment"](level)
    match contrast_of(call):
        case Name(text):
            found = KNOWN.get(text) or names[text]
        case Call(text, arguments, keywords) if text in KNOWN:
            found = KNOWN[text](*map(value, arguments), **{k: value(v) for k, v in keywords})
        case _:
            found = KNOWN["Treatment"]
    return found() if callable(found) else found


def unknown_contrast(node: Node) -> str:
    """Say what may stand where a formula has an unknown coding."""
    name = node.text if isinstance(node, Name) else getattr(node, "function", "")
    foreign = {
        "contr.sum": "Sum",
        "contr.treatment": "Treatment",
        "contr.helmert": "Helmert",
        "contr.poly": "Poly",
        "contr.sdif": "Diff",
        "MASS.contr.sdif": "Diff",
    }
    if name in foreign:
        return f"there is no '{name}': write {foreign[name]}."
    same = next((known for known in KNOWN if known.lower() == str(name).lower()), None)
    what = f"'{name}'" if name else "this"
    hint = f" Did you mean {same}?" if same else ""
    own = " It is a number or a text." if isinstance(node, Constant) else ""
    return (
        f"{what} is no coding of a factor.{hint}{own} There are {', '.join(KNOWN)}; for another, "
        "give a matrix a name where the formula is written, with a row for each level and a "
        "column for each coefficient: M = np.array(...), or {'name': [...]}; then C(g, M)."
    )
