"""Checks of the calls in a term, for which formulae has no message or one that names nothing."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd
from formulae.transforms import TRANSFORMS

from winstan.data.columns import how_many, some_levels
from winstan.errors import DataError, FormulaError, near_matches
from winstan.formula.codings import encoding_of
from winstan.formula.functions import CODINGS
from winstan.formula.tree import Call, Constant, Name, Node, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.formula.terms import Atom

_ABSENT = object()
# The argument that names a level, by the coding function.
_REFERENCE = {
    "Treatment": (0, "reference"),
    "Sum": (0, "omit"),
    "T": (1, "ref"),
    "S": (1, "omit"),
    "B": (1, "success"),
    "binary": (1, "success"),
}


def check_calls(atom: Atom, rows: pd.DataFrame, names: Mapping[str, Any]) -> None:
    """Refuse references to levels that a column has not, and polynomials of too few values.

    Parameters
    ----------
    atom
        The term, or the part of an interaction.
    rows
        D rows of the columns in use.
    names
        Functions and values beside columns.

    Raises
    ------
    DataError
        Naming the column, what it has, and what was wanted of it.
    FormulaError
        If this formulae's ``bs()`` makes other columns.
    """
    for call in walk(atom.node):
        if not isinstance(call, Call):
            continue
        if call.function in CODINGS:
            _check_levels(atom, call, rows, names)
        elif call.function in ("poly", "scale", "standardize"):
            _check_distinct(atom, call, rows, names)
        elif call.function == "bs":
            _check_splines(atom)


def _argument(call: Call, place: int, keyword: str, names: Mapping[str, Any]) -> Any:
    """Return an argument's value; `_ABSENT` where it was not given or is no plain value."""
    node: Node | None = dict(call.keywords).get(keyword)
    if node is None and place < len(call.arguments):
        node = call.arguments[place]
    if isinstance(node, Constant):
        return node.value
    return names.get(node.text, _ABSENT) if isinstance(node, Name) else _ABSENT


def _check_splines(atom: Atom) -> None:
    """Refuse splines of another basis, which make another model of the same formula."""
    if "center" in inspect.signature(TRANSFORMS["bs"].__call__).parameters:
        raise FormulaError(
            f"{atom.text!r} means other columns with formulae {version('formulae')}: its bs() is "
            "centred over the data, so that coefficients and their priors are not those of R, "
            "patsy and bambi. Install formulae below 0.8, as winstan asks for: "
            "pip install 'formulae<0.8'."
        )


def _check_levels(atom: Atom, call: Call, rows: pd.DataFrame, names: Mapping[str, Any]) -> None:
    column = call.arguments[0] if call.arguments else None
    if not isinstance(column, Name) or column.text not in rows:
        return
    levels = levels_of(rows[column.text])
    parts = [node for node in walk(call) if isinstance(node, Call) and node.function in _REFERENCE]
    wanted = [_argument(part, *_REFERENCE[part.function], names) for part in parts]
    if call.function == "C" and isinstance(order := _argument(call, 2, "levels", names), list):
        wanted += order
        if left_out := [level for level in levels if level not in order]:
            raise DataError(
                f"'{atom.text}' leaves out {how_many(len(left_out), 'level')} of column "
                f"'{column.text}': {some_levels(left_out, 10)}. Name every level, in their order."
            )
    for level in wanted:
        if level is _ABSENT or level is None or level in levels:
            continue
        hint = ""
        if isinstance(level, str) and all(isinstance(known, str) for known in levels):
            found = near_matches(level, levels)
            hint = "" if found.startswith(" Known") else found
        raise DataError(
            f"Column '{column.text}' has no level {level!r}, which '{atom.text}' names.{hint} It "
            f"has {how_many(len(levels), 'level')}: {some_levels(levels, 10)}."
        )
    if call.function != "C":
        return
    try:
        encoding_of(call, names).code_without_intercept(levels_coded(call, rows, names))
    except DataError as error:
        raise DataError(
            f"'{atom.text}' cannot code column '{column.text}': {str(error).rstrip('.')}. The "
            f"column has {how_many(len(levels), 'level')}: {some_levels(levels, 10)}."
        ) from None


def levels_coded(call: Call, rows: pd.DataFrame, names: Mapping[str, Any]) -> list[Any]:
    """Return the levels of the column that a coding takes, in the order that it says.

    Parameters
    ----------
    call
        Of ``C``, ``S`` or ``T``, with a column first.
    rows
        That show every level.
    names
        Functions and values beside columns.
    """
    given = _argument(call, 2, "levels", names)
    if isinstance(given, list | tuple):
        return list(given)
    column = call.arguments[0]
    return levels_of(rows[column.text if isinstance(column, Name) else ""])


def levels_of(values: pd.Series) -> list[Any]:
    """Return a column's levels in their own order."""
    is_factor = isinstance(values.dtype, pd.CategoricalDtype)
    return values.cat.categories.tolist() if is_factor else sorted(values.unique().tolist())


def _check_distinct(atom: Atom, call: Call, rows: pd.DataFrame, names: Mapping[str, Any]) -> None:
    columns = {node.text for node in walk(call) if isinstance(node, Name) and node.text in rows}
    if len(columns) != 1:
        return
    # A function of one column has no more distinct values than the column.
    name = columns.pop()
    distinct = rows[name].nunique()
    needed = 2
    if call.function == "poly":
        degree = _argument(call, 1, "degree", names)
        needed = degree + 1 if isinstance(degree, int) else 2
    if distinct < needed:
        remedy = "Leave the term out."
        if distinct > 1:
            remedy = f"Use a degree of {distinct - 1} at most, or C({name})."
        raise DataError(
            f"Column '{name}' has too few distinct values for '{atom.text}': {distinct}, where "
            f"{needed} are needed. {remedy}"
        )
