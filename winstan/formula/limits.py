"""What a left side says beside the response: limits by which it is known, and its known errors.

``censored(y, upper, status)`` and ``truncated(y, lb, ub)``, as bambi has them, and what brms puts
after a bar: ``y | cens(status, upper) + trunc(lb=, ub=)`` and ``y | se(s, sigma=TRUE)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.formula.foreign import foreign_call
from winstan.formula.functions import PROPORTIONS
from winstan.formula.syntax import Parser, Token, formula_error
from winstan.formula.terms import LimitSpec, ResponseSpec
from winstan.formula.tree import Binary, Call, Constant, Level, Name, Node, Unary, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.formula.atoms import AtomReader
    from winstan.formula.terms import Atom

LIMITS = frozenset({"censored", "truncated", "cens", "trunc", "se"})
"""Calls that stand on the left side alone."""
_FLAGS = {"TRUE": True, "T": True, "FALSE": False, "F": False}
_INFINITE = frozenset({"Inf", "inf", "np.inf"})
_ARGUMENTS = {
    "censored": "censored(y, status), or censored(y, upper, status) with intervals among the rows",
    "cens": "y | cens(status), or y | cens(status, upper) with intervals among the rows",
    "truncated": "truncated(y, lb, ub), or one of lb= and ub=",
    "trunc": "y | trunc(lb=, ub=), or one of them",
    "se": "y | se(s), or y | se(s, sigma=True)",
}


def read_left(left: Sequence[Token], source: str) -> tuple[Node, Node | None]:
    """Parse a left side: the response, and what stands after a bar."""
    depth = 0
    for at, token in enumerate(left):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.text in ("|", "||"):
            _check_after(left[at:], source)
            value = Parser(list(left[:at]), source).parse()
            beside = Parser(list(left[at + 1 :]), source).parse()
            return value, beside
    return Parser(list(left), source).parse(), None


def _check_after(rest: Sequence[Token], source: str) -> None:
    """Refuse what is no call after a bar on the left side.

    Raises
    ------
    FormulaError
    """
    bar, *after = rest
    if len(after) < 2 or after[1].text != "(" or bar.text == "||":
        raise formula_error(
            "after '|' the left side has cens(), trunc() or se() of the response, as in "
            "y | cens(status) ~ x. For trials write p(successes, trials) ~ ..., and give weights= "
            "to ws.fit.",
            source,
            bar.pos,
        )


def read_limited(node: Node, beside: Node | None, atoms: AtomReader, source: str) -> ResponseSpec:
    """Read a response with limits or known errors.

    Parameters
    ----------
    node, beside
        The left side, and what stands after its bar.
    atoms
        Makes the atoms.
    source
        The formula, for messages.
    """
    reader = _Reader(atoms, source)
    text = write(node)
    if beside is not None:
        text = f"{text} | {write(beside)}"
        reader.take_all(beside)
    value = atoms.atom(reader.read(node))
    limits = LimitSpec(**reader.found, with_sigma=reader.with_sigma)
    return ResponseSpec(text, value.name, value, limits=limits)


class _Reader:
    """Gathers what is said of the response, outermost first.

    Attributes
    ----------
    found, with_sigma
        Of `LimitSpec`.
    """

    def __init__(self, atoms: AtomReader, source: str) -> None:
        self._atoms = atoms
        self._source = source
        self._seen: set[str] = set()
        self.found: dict[str, Atom | None] = {}
        self.with_sigma = False

    def take_all(self, beside: Node) -> None:
        """Note what stands after the bar."""
        for call in self._calls(beside):
            self._take(call, list(call.arguments))

    def read(self, node: Node) -> Node:
        """Take off all that stands around the response, which is returned."""
        match node:
            case Call("censored" | "truncated", (value, *others)):
                self._take(node, others)
                return self.read(value)
            case Call("censored" | "truncated", pos=pos):
                raise self._error(f"it is {_ARGUMENTS[node.function]}.", pos)
            case Level(pos=pos) | Constant(pos=pos):
                raise self._error("limits and errors are those of a column of numbers.", pos)
            case Call(function, pos=pos) if function in PROPORTIONS | LIMITS | {"offset"}:
                raise self._error(f"{function}() has no limits or errors of its own.", pos)
        return node

    def _error(self, message: str, pos: int) -> Exception:
        return formula_error(message, self._source, pos)

    def _calls(self, node: Node) -> list[Call]:
        """Return the calls of a sum."""
        match node:
            case Binary("+", left, right):
                return [*self._calls(left), *self._calls(right)]
            case Call(function) if function.removeprefix("resp_") in ("cens", "trunc", "se"):
                return [node]
            case Call(function, pos=pos) if (said := foreign_call(function)) is not None:
                raise self._error(said, pos)
        raise self._error(
            f"'{write(node)}' is not understood after '|': cens(), trunc() and se() are.", node.pos
        )

    def _take(self, call: Call, others: list[Node]) -> None:
        """Note what a call says; `others` are its arguments but the response."""
        function = call.function.removeprefix("resp_")
        what = {"censored": "cens", "truncated": "trunc"}.get(function, function)
        if what in self._seen:
            raise self._error(f"{function}() says what another call has said already.", call.pos)
        self._seen.add(what)
        names = {"cens": ("status", "upper"), "trunc": ("lb", "ub"), "se": ("error", "sigma")}[what]
        if function == "censored" and len(others) == 2:
            names = ("upper", "status")
        keywords = dict(call.keywords)
        if "y2" in keywords:  # brms' word
            keywords["upper"] = keywords.pop("y2")
        positional = dict(zip(names, others, strict=False))
        given = positional | keywords
        needed = {"cens": {"status"}, "trunc": set(), "se": {"error"}}[what]
        wrong = set(given) - set(names) or needed - set(given) or positional.keys() & keywords
        if wrong or not given or len(others) > len(names):
            raise self._error(f"it is {_ARGUMENTS[function]}.", call.pos)
        for name, node in given.items():
            if name == "sigma":
                self.with_sigma = self._flag(node)
            elif name in ("lb", "ub"):
                self.found[name] = self._bound(node)
            else:
                self.found[name] = self._atoms.atom(node, inside_call=True)

    def _flag(self, node: Node) -> bool:
        match node:
            case Constant(bool() as value):
                return value
            case Name(text) if text in _FLAGS:
                return _FLAGS[text]
        raise self._error("sigma= of se() is True or False.", node.pos)

    def _bound(self, node: Node) -> Atom | None:
        """Make the atom of a bound; of one at infinity none."""
        inside = node.operand if isinstance(node, Unary) else node
        if isinstance(inside, Name) and inside.text in _INFINITE:
            return None
        if isinstance(inside, Constant) and inside.value is None:
            return None
        return self._atoms.atom(node, inside_call=True)
