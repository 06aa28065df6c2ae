"""How the formula codes a factor: the order of its levels, and the one that is the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan.formula.functions import CODINGS
from winstan.formula.tree import Call, Constant, Name, Node, walk

if TYPE_CHECKING:
    from winstan.effects.specification import Specified

# Place of each option among the arguments of formulae's codings.
_PLACES = {"contrast": 1, "ref": 1, "levels": 2}


@dataclass(frozen=True, slots=True)
class Coding:
    """A factor's coding.

    Attributes
    ----------
    levels : tuple
        The levels, the reference first where there is one.
    sums : bool
        Whether it is sum-to-zero: no level is the reference then, their average is.
    """

    levels: tuple[Any, ...]
    sums: bool = False


def coding_of(model: Specified, column: str) -> Coding:
    """Return a column's levels in the formula's order, its reference first.

    A column that stands in several different codings has no one reference: its levels are then in
    their own order, as they are without any coding.
    """
    values = model.design.predictors[column]
    is_factor = isinstance(values.dtype, pd.CategoricalDtype)
    levels = list(values.cat.categories) if is_factor else sorted(values.unique().tolist())
    calls = [
        node
        for atom in model.formula.atoms
        for node in walk(atom.node)
        if isinstance(node, Call)
        and node.function in CODINGS
        and node.arguments
        and node.arguments[0] == Name(column)
    ]
    if not calls or any(call != calls[0] for call in calls):
        return Coding(tuple(levels))
    call = calls[0]
    given = _constant(_option(call, "levels"))
    if isinstance(given, list | tuple) and set(given) == set(levels):
        levels = list(given)
    contrast = _option(call, "contrast")
    is_sum = call.function == "S" or (
        call.function == "C"
        and (contrast == Name("Sum") or (isinstance(contrast, Call) and contrast.function == "Sum"))
    )
    reference = None
    if call.function == "T":
        reference = _constant(_option(call, "ref"))
    elif call.function == "C" and isinstance(contrast, Call) and contrast.function == "Treatment":
        chosen = [*contrast.arguments, *(v for key, v in contrast.keywords if key == "reference")]
        reference = _constant(chosen[0]) if chosen else None
    if reference in levels:
        levels = [reference, *(level for level in levels if level != reference)]
    return Coding(tuple(levels), is_sum)


def _option(call: Call, name: str) -> Node | None:
    """Return an option of a coding, by its name or at its place."""
    by_name = dict(call.keywords)
    place = _PLACES[name]
    return by_name.get(name) or (call.arguments[place] if len(call.arguments) > place else None)


def _constant(node: Node | None) -> Any:
    return node.value if isinstance(node, Constant) else None
