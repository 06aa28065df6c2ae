"""``cs(x + z)``: terms with a coefficient at each threshold of ordered categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.formula.syntax import formula_error
from winstan.formula.tree import Bar, Binary, Call, Constant, Node, Unary, write

if TYPE_CHECKING:
    from winstan.formula.terms import Effects

SPECIFIC = "cs"
"""The call around them, as in brms."""


def inside_specific(call: Call, sign: str, source: str) -> Node:
    """Return the sum inside the call, which was added (or subtracted, by `sign`).

    Raises
    ------
    FormulaError
        If it is subtracted, is none sum, or has a constant or a group term in it.
    """
    if sign == "-":
        raise formula_error("cs() cannot be subtracted: leave its terms out.", source, call.pos)
    if len(call.arguments) != 1 or call.keywords:
        raise formula_error("cs() takes one sum of terms: cs(x + z).", source, call.pos)
    (inside,) = call.arguments
    if _has_bar(inside):
        raise formula_error(
            f"{write(call)} is compound symmetry in glmmTMB; of residuals it is cs(visit, g) here, "
            "and (1 | g) makes the rows of a group equally correlated. As brms has it, cs(x) gives "
            "a predictor a coefficient at each threshold, and group effects are the same at all: "
            "(x | g) beside cs(x).",
            source,
            call.pos,
        )
    if _has_constant(inside):
        raise formula_error(
            "cs() has no 1 or 0 in it: the thresholds are a constant of each category already.",
            source,
            call.pos,
        )
    return inside


def misplaced(call: Call, source: str) -> Exception:
    """Refuse ``cs()`` inside an interaction, a power or a group term."""
    inside = ", ".join(map(write, call.arguments))
    return formula_error(
        f"{write(call)} stands by itself in the common part: interactions go inside it, "
        f"cs({inside}:z), and group effects are the same at all thresholds: ({inside} | g).",
        source,
        call.pos,
    )


def check_only_inside(specific: Effects, effects: Effects, source: str) -> None:
    """Refuse a term that is both inside ``cs()`` and outside.

    Raises
    ------
    FormulaError
    """
    outside = {frozenset(atom.name for atom in term) for term in effects.terms}
    for term in specific.terms:
        if frozenset(atom.name for atom in term) in outside:
            name = ":".join(atom.name for atom in term)
            raise formula_error(
                f"'{name}' is inside cs() and outside: the data tell the sum of both alone. Keep "
                f"cs({name}) for a coefficient at each threshold, or {name} for one at all.",
                source,
            )


def _has_bar(node: Node) -> bool:
    match node:
        case Bar():
            return True
        case Binary(_, left, right):
            return _has_bar(left) or _has_bar(right)
    return False


def _has_constant(node: Node) -> bool:
    match node:
        case Constant():
            return True
        case Unary(_, operand):
            return _has_constant(operand)
        case Binary("+" | "-", left, right):
            return _has_constant(left) or _has_constant(right)
    return False
