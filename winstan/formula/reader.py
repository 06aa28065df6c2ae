"""What a formula's tree means: terms, group terms, offsets and a response."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, Protocol

from winstan.formula.atoms import AtomReader
from winstan.formula.factors import check_group_terms, groups_of_curves, read_groups
from winstan.formula.foreign import check_left, check_wrapped, second_tilde
from winstan.formula.functions import COUNTS, PROPORTIONS
from winstan.formula.limits import LIMITS, read_left, read_limited
from winstan.formula.monotonic import is_monotonic
from winstan.formula.residual import ResidualSpec, is_residual, read_residual, the_only
from winstan.formula.smooths import SMOOTHS, SmoothSpec, read_smooth, with_lines
from winstan.formula.specific import SPECIFIC, check_only_inside, inside_specific, misplaced
from winstan.formula.syntax import Parser, Token, formula_error, tokenize
from winstan.formula.terms import Atom, Effects, GroupSpec, ResponseSpec, Terms
from winstan.formula.tree import (
    Bar,
    Binary,
    Call,
    Constant,
    Level,
    Name,
    Node,
    Unary,
    addends,
    is_offset,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 10_000
"""Terms that one operator may make."""
_NOTHING = "nothing is on the right side: write y ~ 1 for an intercept alone."


class Written(Protocol):
    """A part of a formula that knows how it is written."""

    @property
    def text(self) -> str:
        """The same, whatever its spaces were."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of one formula.

    Attributes
    ----------
    response
        The left side.
    effects, offsets, groups, smooths, specific, residual
        The right side: common terms, offsets, group terms, curves of all rows, the terms inside
        ``cs()``, and the term of residual correlation.
    functions, constants, ambient
        What its code needs beside columns, see `AtomReader`.
    """

    response: ResponseSpec
    effects: Effects
    offsets: tuple[Atom, ...]
    groups: tuple[GroupSpec, ...]
    smooths: tuple[SmoothSpec, ...]
    specific: Effects | None
    residual: ResidualSpec | None
    functions: tuple[str, ...]
    constants: tuple[tuple[str, object], ...]
    ambient: tuple[str, ...]


def read_formula(
    source: str, namespace: Mapping[str, Any], constants: Mapping[str, object] | None = None
) -> Reading:
    """Read a formula and expand its operators.

    Parameters
    ----------
    source
        The formula.
    namespace
        The caller's functions and values.
    constants
        Those of the formulas before it, whose names are taken.
    """
    left, right = _sides(source)
    atoms = AtomReader(source, namespace, constants)
    response = _read_response(*read_left(left, source), atoms, source)
    whole = _Right(atoms, source)
    effects, offsets, groups, smooths = whole.read(Parser(right, source).parse())
    specific = whole.specific()
    residual = the_only(whole.residuals, source)
    given = (effects.names, groups, offsets, smooths, specific is not None, residual is not None)
    if not any(given):
        raise formula_error(_NOTHING, source)
    if response.value.name in (*effects.names, *(specific.names if specific else ())):
        raise formula_error(
            f"the response '{response.value.name}' is also a predictor; remove it from one side.",
            source,
        )
    _check_names((effects, *(group.design for group in groups)), source)
    if specific is not None:
        _check_names((specific,), source)
        check_only_inside(specific, effects, source)
    check_group_terms(groups, source)
    return Reading(
        response=response,
        effects=effects,
        offsets=offsets,
        groups=groups,
        smooths=smooths,
        specific=specific,
        residual=residual,
        functions=tuple(atoms.functions),
        constants=tuple(atoms.constants.items()),
        ambient=atoms.ambient,
    )


def _sides(source: str) -> tuple[list[Token], list[Token]]:
    if not source:
        raise formula_error("it is empty: write response ~ predictors.", source)
    tokens = tokenize(source)
    check_wrapped(tokens, source)
    tildes = [i for i, token in enumerate(tokens) if token.text == "~"]
    if not tildes:
        raise formula_error("there is no '~': write response ~ predictors.", source)
    if len(tildes) > 1:
        raise second_tilde(source, tokens[tildes[1]])
    left, right = tokens[: tildes[0]], tokens[tildes[0] + 1 :]
    if not left:
        raise formula_error("the response, left of '~', is missing.", source, 0)
    if not right:
        raise formula_error(_NOTHING, source)
    check_left(left, source)
    return left, right


def _read_response(node: Node, beside: Node | None, atoms: AtomReader, source: str) -> ResponseSpec:
    if beside is not None or (isinstance(node, Call) and node.function in LIMITS):
        return read_limited(node, beside, atoms, source)
    match node:
        case Level(name, level, pos):
            value = atoms.atom(Name(name, pos))
            return ResponseSpec(write(node), name, value, success=(level,))
        case Call(function, arguments, keywords, pos) if function in PROPORTIONS:
            if len(arguments) != 2 or keywords:
                raise formula_error(
                    f"{function}(successes, trials) takes two columns.", source, pos
                )
            successes, trials = (atoms.atom(part, inside_call=True) for part in arguments)
            return ResponseSpec(write(node), write(node, ticks=False), successes, trials=trials)
        case Call(function, arguments, keywords, pos) if function in COUNTS:
            if keywords or len(arguments) < 2 or not all(isinstance(a, Name) for a in arguments):
                takes = f"{function}(a, b, ...) takes a column of counts for each category."
                raise formula_error(takes, source, pos)
            counts = tuple(atoms.atom(part) for part in arguments)
            name = write(node, ticks=False)
            return ResponseSpec(write(node), name, counts[0], counts=counts)
        case Constant(_, text, pos):
            raise formula_error(f"the response must be a column, not {text}.", source, pos)
        case Call("offset" | "mo" as function, pos=pos):
            raise formula_error(f"{function}() belongs on the right side.", source, pos)
    value = atoms.atom(node)
    return ResponseSpec(value.text, value.name, value)


class _Right:
    """Expands a right side.

    Parameters
    ----------
    atoms
        Makes the atoms.
    source
        The formula, for messages.
    """

    def __init__(self, atoms: AtomReader, source: str) -> None:
        self._atoms = atoms
        self._source = source
        self._specific: list[Terms] = []
        self.residuals: list[ResidualSpec] = []

    def specific(self) -> Effects | None:
        """Return the terms inside ``cs()`` that were read, beside a constant; None without any."""
        terms = [item for one in self._specific for item in one.items.values()]
        return Terms(terms).effects() if terms else None

    def read(
        self, node: Node
    ) -> tuple[Effects, tuple[Atom, ...], tuple[GroupSpec, ...], tuple[SmoothSpec, ...]]:
        """Part a right side into common terms, offsets, group terms and curves."""
        terms = Terms()
        offsets: list[Atom] = []
        groups: list[GroupSpec] = []
        smooths: list[SmoothSpec] = []
        for sign, addend in addends(node):
            if is_residual(addend):
                self._change(self.residuals, [self._residual(addend)], sign, addend)
            elif isinstance(addend, Bar):
                self._change(groups, self._groups(addend), sign, addend)
            elif isinstance(addend, Call) and self._is_smooth(addend):
                smooth = read_smooth(addend, self._atoms, self._source)
                self._change(smooths, [smooth], sign, addend)
            elif is_offset(addend):
                self._change(offsets, [self._offset(addend)], sign, addend)
            elif isinstance(addend, Call) and addend.function == SPECIFIC:
                inside = inside_specific(addend, sign, self._source)
                self._specific.append(self._accumulate(Terms(), "+", inside))
            else:
                terms = self._accumulate(terms, sign, addend)
        terms += Terms(with_lines(tuple(smooths), terms.effects(), self._source))
        groups += [groups_of_curves(spec) for spec in smooths if spec.group]
        common = tuple(spec for spec in smooths if not spec.group)
        return terms.effects(), tuple(offsets), tuple(groups), common

    def _change[T: Written](self, there: list[T], own: list[T], sign: str, addend: Node) -> None:
        """Add what is no common term, or take away what is written alike."""
        if sign == "+":
            there += own
            return
        for one in own:
            known = [another.text for another in there]
            if one.text not in known:
                of_offsets = "offset({})" if is_offset(addend) else "{}"
                has = f"; there is {', '.join(map(of_offsets.format, known))}" if known else ""
                what = of_offsets.format(one.text)
                raise self._error(f"there is no {what} to remove{has}.", addend.pos)
            there.pop(known.index(one.text))

    def _is_smooth(self, node: Node) -> bool:
        """Whether it is a curve: ``s`` is none where the caller has a function of that name."""
        if not isinstance(node, Call) or node.function not in SMOOTHS:
            return False
        return node.function != "s" or not self._atoms.is_own("s")

    def _residual(self, addend: Node) -> ResidualSpec:
        spec = read_residual(addend, self._source)
        self._atoms.must_be_columns(spec.columns)
        return spec

    def _error(self, message: str, pos: int) -> Exception:
        return formula_error(message, self._source, pos)

    def _accumulate(self, terms: Terms, sign: str, addend: Node) -> Terms:
        """Add an addend to the terms so far, or take it away from them."""
        if isinstance(addend, Constant):
            if addend.value not in (0, 1) or isinstance(addend.value, bool):
                raise self._error(
                    f"{addend.text} is not a term. Only 1 and 0 (with and without intercept) may "
                    "stand alone; arithmetic goes inside I(): I(x + 2).",
                    addend.pos,
                )
            return terms + Terms(intercept=(addend.value == 1) == (sign == "+"))
        more = self._expand(addend)
        if sign == "+":
            return terms + more
        unknown = [item for key, item in more.items.items() if key not in terms.items]
        if unknown:
            name = ":".join(atom.name for atom in unknown[0])
            raise self._error(f"there is no term '{name}' to remove.", addend.pos)
        kept = [item for key, item in terms.items.items() if key not in more.items]
        return Terms(kept, False if more.intercept else terms.intercept)

    def _expand(self, node: Node) -> Terms:
        match node:
            case Name() | Call():
                return self._single(node)
            case Binary("+" | "-") | Unary():
                terms = Terms()
                for sign, addend in addends(node):
                    terms = self._accumulate(terms, sign, addend)
                return terms
            case Binary("**", base, Constant(order), pos):
                return self._power(base, order, pos)
            case Binary(":" | "*" | "/" as op, left, right, pos):
                return self._product(op, left, right, pos)
            case Bar(pos=pos):
                raise self._error("a group term can only be added, not crossed or nested.", pos)
            case Level(name, pos=pos):
                raise self._error(f"'{name}[...]' is understood only as a response.", pos)
        raise self._error(
            f"'{write(node)}' is not a term. Arithmetic and comparisons go inside I(): "
            f"I({write(node)}).",
            node.pos,
        )

    def _single(self, node: Name | Call) -> Terms:
        if isinstance(node, Call) and node.function in PROPORTIONS | LIMITS:
            raise self._error(f"{node.function}() belongs on the left side.", node.pos)
        if isinstance(node, Call) and is_residual(node):
            raise self._error(
                f"{node.function}() is the correlation of residuals: it can only be added to the "
                "formula of the mean, and has no coefficient.",
                node.pos,
            )
        if isinstance(node, Call) and node.function == SPECIFIC:
            raise misplaced(node, self._source)
        if isinstance(node, Call) and self._is_smooth(node):
            raise self._error(
                f"{node.function}() can only be added, not crossed, nested or put inside a group "
                f"term: {node.function}(t, by=cond) has a curve for each condition, and "
                's(t, mouse, bs="fs") one for each mouse.',
                node.pos,
            )
        if is_offset(node):
            raise self._error(
                "offset() can only be added to the common part; it is no part of an interaction "
                "or of a group term.",
                node.pos,
            )
        return Terms([(self._atoms.atom(node),)])

    def _product(self, op: str, left: Node, right: Node, pos: int) -> Terms:
        for node in (left, right):
            if isinstance(node, Constant):
                advice = "arithmetic goes inside I()."
                if is_monotonic(left) or is_monotonic(right):
                    advice = "the size of a monotonic effect is estimated: leave the number out."
                raise self._error(f"'{op}' with {node.text} makes no term; {advice}", node.pos)
        first, second = self._expand(left), self._expand(right)
        if op != "/":
            self._check_number(len(first.items) * len(second.items), pos)
        match op:
            case ":":
                return first.cross(second)
            case "/":
                return first.nest(second)
        return first + second + first.cross(second)

    def _power(self, base: Node, order: object, pos: int) -> Terms:
        if not isinstance(order, int) or order < 1:
            raise self._error("the order of '^' is a whole number, 1 or more.", pos)
        terms = self._expand(base)
        if len(terms.items) == 1:
            text = write(base)
            advice = f"for the power write I({text}**{order})."
            if is_monotonic(base):
                advice = f"{text} alone has any shape that only rises or only falls."
            raise self._error(
                f"'{text}^{order}' crosses '{text}' with itself, which is '{text}' again; {advice}",
                pos,
            )
        n = len(terms.items)
        self._check_number(sum(comb(n, size) for size in range(2, min(order, n) + 1)), pos)
        return terms.power(order)

    def _check_number(self, n: int, pos: int) -> None:
        """Refuse more interactions than anybody can mean."""
        if n > _MOST:
            raise self._error(f"that makes {n:,} terms, and {_MOST:,} are the most.", pos)

    def _offset(self, node: Node) -> Atom:
        if not isinstance(node, Call) or len(node.arguments) != 1 or node.keywords:
            raise self._error("offset() takes one argument.", node.pos)
        return self._atoms.atom(node.arguments[0], inside_call=True)

    def _groups(self, bar: Bar) -> list[GroupSpec]:
        effects = self._accumulate(Terms(), "+", bar.effects).effects()
        if not effects.names:
            raise self._error("the group term has no effect: write (1 | group).", bar.pos)
        return read_groups(bar, effects, self._atoms, self._source)


def _check_names(parts: tuple[Effects, ...], source: str) -> None:
    """Refuse columns whose coefficients would have the name of a constant."""
    for part in parts:
        for name in part.atoms:
            if name in ("Intercept", "1"):
                raise formula_error(
                    f"'{name}' is the name of the constant and cannot be a predictor's. Rename the "
                    "column, or write 1 for an intercept.",
                    source,
                )
