"""The tree of a formula: its nodes, and the way back from a tree to text.

A node's `pos` is where it starts, for messages; it has no part in comparisons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# formulae reads no bare name that starts with an underscore.
_PLAIN_NAME = re.compile(r"[^\W\d_]\w*(?:\.\w+)*")
LITERALS = {"True": True, "False": False, "None": None}
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
# Binding strengths, for writing a tree back with no more parentheses than it needs.
_STRENGTH = {"+": 2, "-": 2, "*": 3, "/": 3, ":": 4, "**": 6} | dict.fromkeys(COMPARISONS, 1)
_UNARY = 5


@dataclass(frozen=True, slots=True)
class Name:
    """A bare or back-ticked name; `text` is without the back-ticks."""

    text: str
    pos: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, string, list, True, False or None; `text` is as the user wrote it."""

    value: object
    text: str
    pos: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `function` may be dotted. ``{x}`` is read as ``I(x)``."""

    function: str
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()
    pos: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign in front of an operand."""

    op: str
    operand: Node
    pos: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and the operator between them; `pos` is the operator's."""

    op: str
    left: Node
    right: Node
    pos: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """A group term ``(effects | factor)``; `correlated` is False for ``||``.

    `label` is the p of ``(effects | p | factor)``: terms of one label and factor are correlated.
    """

    effects: Node
    factor: Node
    correlated: bool
    pos: int = field(default=0, compare=False)
    label: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """``name[level]``: a response with the level that counts as success."""

    name: str
    level: object
    pos: int = field(default=0, compare=False)


type Node = Name | Constant | Call | Unary | Binary | Bar | Level


def quote_name(name: str) -> str:
    """Write a column's name as a formula needs it: in back-ticks unless it is a plain name."""
    return name if _PLAIN_NAME.fullmatch(name) and name not in LITERALS else f"`{name}`"


def walk(node: Node) -> list[Node]:
    """Return a node and everything below it, left to right."""
    match node:
        case Call(_, arguments, keywords):
            children: tuple[Node, ...] = arguments + tuple(value for _, value in keywords)
        case Unary(_, operand):
            children = (operand,)
        case Binary(_, left, right) | Bar(left, right):
            children = (left, right)
        case _:
            children = ()
    return [node, *(below for child in children for below in walk(child))]


def write(node: Node, *, ticks: bool = True, strength: int = 0) -> str:
    """Write a tree as text in one canonical form, with the parentheses that its meaning needs.

    Parameters
    ----------
    node
        The tree.
    ticks
        Whether unusual names get their back-ticks. Names of parameters go without.
    strength
        How tightly the surroundings bind.
    """
    match node:
        case Name(text):
            return quote_name(text) if ticks else text
        case Constant(value, text):
            # A number is written as Python would, so that 1.50 and 1.5 have one name.
            return str(value) if isinstance(value, int | float) else text
        case Call(function, arguments, keywords):
            inside = [write(argument, ticks=ticks) for argument in arguments]
            inside += [f"{key}={write(value, ticks=ticks)}" for key, value in keywords]
            return f"{function}({', '.join(inside)})"
        case Unary(op, operand):
            text, own = op + write(operand, ticks=ticks, strength=_UNARY), _UNARY
        case Binary(op, left, right):
            own = _STRENGTH[op]
            # Powers associate to the right, everything else to the left.
            first, second = (own + 1, own) if op == "**" else (own, own + 1)
            space = "" if op == ":" else " "
            text = space.join(
                (
                    write(left, ticks=ticks, strength=first),
                    op,
                    write(right, ticks=ticks, strength=second),
                )
            )
        case Bar(effects, factor, correlated, label=label):
            bar = f"|{label}|" if label else "|" if correlated else "||"
            return f"({write(effects, ticks=ticks)} {bar} {write(factor, ticks=ticks)})"
        case Level(name, level):
            return f"{quote_name(name) if ticks else name}[{level!r}]"
    return f"({text})" if own < strength else text


def addends(node: Node, sign: str = "+") -> list[tuple[str, Node]]:
    """Flatten a sum into signed addends, left to right."""
    flipped = "-" if sign == "+" else "+"
    after: list[list[tuple[str, Node]]] = []
    # A sum leans to the left: a loop, so that no number of terms is too deep.
    while isinstance(node, Binary) and node.op in ("+", "-"):
        after.append(addends(node.right, sign if node.op == "+" else flipped))
        node = node.left
    if isinstance(node, Unary):
        first = addends(node.operand, sign if node.op == "+" else flipped)
    else:
        first = [(sign, node)]
    return [*first, *(one for part in reversed(after) for one in part)]


def is_offset(node: Node) -> bool:
    """Whether it is an offset."""
    return isinstance(node, Call) and node.function == "offset"
