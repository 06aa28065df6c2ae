"""A formula that says what is to change of another: ``. ~ . + age``, as R's ``update`` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.formula.joining import apart
from winstan.formula.residual import is_residual
from winstan.formula.smooths import SMOOTHS
from winstan.formula.syntax import Parser, formula_error, tokenize
from winstan.formula.tree import Bar, Call, addends, is_offset, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan.formula.syntax import Token
    from winstan.formula.tree import Node


def updated(
    new: str | Iterable[str],
    new_by_name: Mapping[str, str],
    old: str | Iterable[str],
    old_by_name: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the formulas that are asked for, that of the mean first.

    A dot left of ``~``, or nothing, is the response of the old formula; a dot right of it, its
    right side. Where the formula of the mean has one, those of other parameters stay, unless they
    are given anew.

    Parameters
    ----------
    new, old
        As `apart` takes them.
    new_by_name, old_by_name
        Right sides of other parameters.

    Raises
    ------
    FormulaError
        If a dot is of a parameter without a formula.
    """
    asked, stood = apart(new, new_by_name), apart(old, old_by_name)
    before = {_left(formula): formula for formula in stood[1:]}
    first = asked[0] if _left(asked[0]) else f". {asked[0]}"
    mean = _cancelled(_filled(first, stood[0]))
    others = {_left(f): _filled(f, before.get(_left(f))) for f in asked[1:]}
    if mean != asked[0]:
        others = before | others
    return mean, *others.values()


def _left(formula: str) -> str:
    return formula.partition("~")[0].strip()


def _filled(formula: str, old: str | None) -> str:
    """Put the sides of the old formula where dots are."""
    tokens = tokenize(formula)
    tilde = next((i for i, token in enumerate(tokens) if token.text == "~"), len(tokens))
    out, end = "", len(formula)
    for i in reversed(range(len(tokens))):
        token = tokens[i]
        if (token.kind, token.text) != ("op", "."):
            continue
        if old is None:
            raise formula_error(
                f"'.' stands for the formula that '{_left(formula)}' has had, and it has had none: "
                "write its predictors out.",
                formula,
                token.pos,
            )
        left, right = _sides(old)
        text = left if i < tilde else right if _is_added(tokens, i) else f"({right})"
        out, end = text + formula[token.pos + 1 : end] + out, token.pos
    return formula[:end] + out


def _cancelled(formula: str) -> str:
    """Leave out what is no common term and is added and subtracted: ``(1|g) - (1|g)``."""
    left, right = _sides(formula)
    signed = addends(Parser(tokenize(right), right).parse())
    gone = {write(node) for sign, node in signed if sign == "-" and _is_apart(node)}
    added = {write(node) for sign, node in signed if sign == "+"}
    if not gone & added:
        return formula
    kept = [(sign, write(node)) for sign, node in signed if write(node) not in gone & added]
    text = " ".join(f"{sign} {node}" for sign, node in kept).removeprefix("+ ")
    return f"{left} ~ {text or 1}"


def _is_apart(node: Node) -> bool:
    """Whether it is a group term, an offset, a curve or a residual correlation."""
    is_curve = isinstance(node, Call) and node.function in SMOOTHS
    return isinstance(node, Bar) or is_offset(node) or is_residual(node) or is_curve


def _sides(formula: str) -> tuple[str, str]:
    tilde = next(token.pos for token in tokenize(formula) if token.text == "~")
    return formula[:tilde].strip(), formula[tilde + 1 :].strip()


def _is_added(tokens: list[Token], i: int) -> bool:
    """Whether what stands there is a summand, and the first of all."""
    after = tokens[i + 1].text if i + 1 < len(tokens) else "+"
    return tokens[i - 1].text == "~" and after in "+-"
