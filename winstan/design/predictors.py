"""What each column of the right side is, stated once for all that asks of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from winstan.design.calls import levels_coded, levels_of
from winstan.formula.codings import encoding_of, sums_to_zero
from winstan.formula.functions import CODINGS
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.formula import Formula

type Role = Literal["effect", "factor", "arm", "offset", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Coding:
    """A factor's coding.

    Attributes
    ----------
    levels : tuple
        The levels, the reference first where there is one.
    reference : bool
        Whether its columns are zero at a level.
    sums : bool
        Whether they are sum-to-zero: no level is the reference then, their average is.
    """

    levels: tuple[Any, ...]
    reference: bool = True
    sums: bool = False


@dataclass(frozen=True, slots=True)
class Predictor:
    """A column of data in the formula of a parameter.

    Attributes
    ----------
    name : str
    role : {"effect", "factor", "arm", "offset", "elsewhere"}
        Whether common or group effects are of it; else whether it names groups, or their arms
        (``gr(g, by=arm)``); else whether it is in an offset; else it is of another parameter alone.
    names_groups : bool
        Whether it is among the columns of a group factor, whatever else it is.
    in_offset : bool
        Whether it is in an offset, whatever else it is.
    coding : Coding or None
        Of labels: text, or numbers inside ``C()`` and its like, which have no x + 1 and no slope;
        None of numbers.
    """

    name: str
    role: Role
    names_groups: bool
    in_offset: bool
    coding: Coding | None


def describe_predictors(
    formula: Formula, rows: pd.DataFrame, names: Mapping[str, Any]
) -> dict[str, Predictor]:
    """Say what each column of the rows of predictors is in a formula.

    Parameters
    ----------
    formula
        Of one parameter.
    rows
        The distinct rows of predictors, of all parameters.
    names
        Functions and values beside columns.
    """
    parts = formula.effects, *(group.design for group in formula.groups)
    effects = {c for part in parts for atom in part.atoms.values() for c in atom.columns}
    factors = {c for group in formula.groups for c in group.factor_columns}
    offsets = {c for atom in formula.offset_atoms for c in atom.columns}
    roles: tuple[tuple[Role, set[str]], ...] = (
        ("effect", effects),
        ("factor", factors),
        ("arm", {group.by for group in formula.groups}),
        ("offset", offsets),
    )
    coded = formula.coded_columns
    return {
        name: Predictor(
            name,
            next((role for role, columns in roles if name in columns), "elsewhere"),
            name in factors,
            name in offsets,
            _coding(formula, rows, names, name)
            if name in coded or isinstance(rows[name].dtype, pd.CategoricalDtype)
            else None,
        )
        for name in map(str, rows)
    }


def _coding(formula: Formula, rows: pd.DataFrame, names: Mapping[str, Any], column: str) -> Coding:
    """Find the coding of a column of labels.

    One that stands in several different codings has no one reference: its levels are then in their
    own order, as they are without any coding.
    """
    calls = [
        node
        for atom in formula.atoms
        for node in walk(atom.node)
        if isinstance(node, Call)
        and node.function in CODINGS
        and node.arguments
        and node.arguments[0] == Name(column)
    ]
    if not calls or any(call != calls[0] for call in calls) or calls[0].function not in "CST":
        return Coding(tuple(levels_of(rows[column])))
    levels = levels_coded(calls[0], rows, names)
    matrix = encoding_of(calls[0], names).code_without_intercept(levels).matrix
    if (zero := np.flatnonzero(~matrix.any(axis=1))).size:
        levels.insert(0, levels.pop(zero[0]))
        return Coding(tuple(levels))
    return Coding(tuple(levels), reference=False, sums=sums_to_zero(matrix))
