"""How the formula codes a factor: the order of its levels, and the one that is the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design import levels_coded, levels_of, ordered_levels
from winstan.formula.codings import encoding_of, sums_to_zero
from winstan.formula.functions import CODINGS
from winstan.formula.monotonic import MONOTONIC
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from winstan.effects.specification import Specified


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


def coding_of(model: Specified, column: str) -> Coding:
    """Return a column's levels in the formula's order, its reference first.

    A column that stands in several different codings has no one reference: its levels are then in
    their own order, as they are without any coding.
    """
    levels = levels_of(model.design.predictors[column])
    calls = [
        node
        for atom in model.formula.atoms
        for node in walk(atom.node)
        if isinstance(node, Call)
        and node.function in CODINGS
        and node.arguments
        and node.arguments[0] == Name(column)
    ]
    if calls and all(call.function == MONOTONIC for call in calls):
        return Coding(ordered_levels(model.design.predictors[column]))
    if not calls or any(call != calls[0] for call in calls) or calls[0].function not in "CST":
        return Coding(tuple(levels))
    names = model.design.names
    levels = levels_coded(calls[0], model.design.predictors, names)
    matrix = encoding_of(calls[0], names).code_without_intercept(levels).matrix
    if (zero := np.flatnonzero(~matrix.any(axis=1))).size:
        levels.insert(0, levels.pop(zero[0]))
        return Coding(tuple(levels))
    return Coding(tuple(levels), reference=False, sums=sums_to_zero(matrix))
