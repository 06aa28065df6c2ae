"""Atoms: checking the columns and calls of a formula, and writing them so that formulae reads them.

formulae's own reader gives signs, powers, numbers such as ``1e-3`` and lists other meanings than
Python does, and stops silently at what it does not know. So it is only given code whose every
operation is bracketed, whose names are in back-ticks, and whose unusual constants are names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formulae.categorical import Encoding

from winstan.formula.codings import CONTRASTS, KNOWN, contrast_of, own_matrix, unknown_contrast
from winstan.formula.counted import code_name
from winstan.formula.functions import resolve_function, unknown_function, would_overwrite
from winstan.formula.group_means import GROUP_MEANS
from winstan.formula.monotonic import check_monotonic, column_and_id, is_monotonic
from winstan.formula.syntax import formula_error
from winstan.formula.terms import Atom, unique
from winstan.formula.tree import Bar, Binary, Call, Constant, Name, Node, Unary, walk, write

if TYPE_CHECKING:
    from collections.abc import Mapping


class AtomReader:
    """Makes atoms of nodes, and notes what they use.

    Parameters
    ----------
    source
        The formula, for messages.
    namespace
        The caller's functions and values.
    constants
        Those of formulas read before, by name.

    Attributes
    ----------
    functions, constants
        Names of the functions called; values that stand as names in the code.
    """

    def __init__(
        self,
        source: str,
        namespace: Mapping[str, Any],
        constants: Mapping[str, object] | None = None,
    ) -> None:
        self._source = source
        self._namespace = namespace
        self.functions: dict[str, None] = {}
        self.constants: dict[str, object] = dict(constants or {})
        self._ambient: dict[str, None] = {}
        self._certain: set[str] = set()
        self._grouping: list[str] = []

    @property
    def ambient(self) -> tuple[str, ...]:
        """Names that may be columns or values of the caller's: seen inside calls only."""
        return tuple(name for name in self._ambient if name not in self._certain)

    def is_own(self, function: str) -> bool:
        """Whether the caller defined a function of this name."""
        return callable(self._namespace.get(function))

    def must_be_columns(self, names: tuple[str, ...]) -> None:
        """Note names that stand outside calls."""
        self._certain.update(names)

    def atom(self, node: Node, *, inside_call: bool = False) -> Atom:
        """Make an atom of a column, a call, or arithmetic.

        Parameters
        ----------
        node
            Its tree.
        inside_call
            Whether it was the argument of a call, as the ``t`` of ``offset(t)`` is.
        """
        if isinstance(node, Name) and not inside_call:
            self.must_be_columns((node.text,))
        self._grouping = []
        for below in walk(node):
            if isinstance(below, Call) and is_monotonic(below):
                check_monotonic(below, self._source, inside=inside_call or below is not node)
        if isinstance(node, Call) and is_monotonic(node) and (found := column_and_id(node)):
            self.must_be_columns(found[:1])
        columns = unique(self._names(node, inside_call=inside_call))
        code = self._code(node)
        if not isinstance(node, Name | Call):
            code = f"I({code})"
        grouping = unique(self._grouping)
        return Atom(write(node, ticks=False), write(node), code, columns, node, grouping)

    def _names(self, node: Node, *, inside_call: bool) -> list[str]:
        """Return the names that come from data or namespace, after checking everything else."""
        match node:
            case Constant():
                return []
            case Name(text):
                return self._name(text, inside_call=inside_call)
            case Call(function, arguments, keywords):
                called = self._called(node)
                below: tuple[Node, ...] = (*arguments, *(value for _, value in keywords))
                if (contrast := contrast_of(node)) is not None:
                    below = tuple(part for part in below if part is not contrast)
                    below += self._contrast(contrast)
                if function in GROUP_MEANS and called is GROUP_MEANS[function]:
                    below = (self._averaged(node),)
                inside_call = True
            case Unary(_, operand):
                below = (operand,)
            case Binary(":", pos=pos) | Bar(pos=pos):
                symbol = "|" if isinstance(node, Bar) else ":"
                raise formula_error(f"'{symbol}' has no meaning in arithmetic.", self._source, pos)
            case Binary(_, left, right):
                below = (left, right)
            case _:
                raise formula_error(f"'{write(node)}' has no meaning here.", self._source, node.pos)
        return [name for part in below for name in self._names(part, inside_call=inside_call)]

    def _called(self, call: Call) -> Any:
        """Find the function of a call, and note it."""
        function = resolve_function(call.function, self._namespace)
        wrong = None
        if function is None:
            wrong = unknown_function(call.function, self._namespace)
        elif would_overwrite(call, function):
            wrong = (
                f"{write(call)} gives {call.function}() a place for its result, which a column is "
                "not: leave the other arguments out."
            )
        if wrong is not None:
            raise formula_error(wrong, self._source, call.pos)
        self.functions[call.function] = None
        return function

    def _averaged(self, call: Call) -> Node:
        """Note the columns that are the groups of ``within(x, g)``, and return x."""
        columns = [node.text for node in call.arguments[1:] if isinstance(node, Name)]
        if not columns or call.keywords or len(columns) + 1 != len(call.arguments):
            raise formula_error(
                f"{call.function}(x, g) takes a predictor and the column of its groups (or several "
                f"columns, whose combinations are the groups), not {write(call)}.",
                self._source,
                call.pos,
            )
        self.must_be_columns(tuple(columns))
        self._grouping += columns
        return call.arguments[0]

    def _contrast(self, node: Node) -> tuple[Node, ...]:
        """Note the coding of ``C(g, coding)``, and return what else is in it."""
        match node:
            case Constant(None):
                return ()
            case Name(text) | Call(text) if text in KNOWN:
                if text in CONTRASTS:
                    self.constants[text] = CONTRASTS[text]
                if isinstance(node, Name):
                    return ()
                inside = (*node.arguments, *(value for _, value in node.keywords))
                named = [n for n in inside if isinstance(n, Name) and n.text in self._namespace]
                self.constants |= {n.text: self._namespace[n.text] for n in named}
                return tuple(part for part in inside if part not in named)
            case Name(text) if text in self._namespace:
                self.constants[text] = self._own_coding(node, self._namespace[text])
                return ()
        raise formula_error(unknown_contrast(node), self._source, node.pos)

    def _own_coding(self, node: Name, value: object) -> object:
        """Take a coding from the caller's values: an array, columns by name, or one of formulae."""
        if isinstance(value, Encoding) or (isinstance(value, type) and issubclass(value, Encoding)):
            return value
        if isinstance(value, type) or callable(value):
            raise formula_error(unknown_contrast(node), self._source, node.pos)
        try:
            return own_matrix(value)
        except ValueError as error:
            raise formula_error(
                f"'{node.text}' cannot code a factor: {error}. It takes a matrix with a row for "
                "each level and a column for each coefficient.",
                self._source,
                node.pos,
            ) from None

    def _name(self, text: str, *, inside_call: bool) -> list[str]:
        if inside_call and text in self._namespace and not text.startswith("__"):
            self._ambient[text] = None
        return [text]

    def _code(self, node: Node) -> str:
        match node:
            case Name(text):
                return f"`{text}`"
            case Constant(value):
                return self._constant(value)
            case Call(function, arguments, keywords):
                inside = [self._code(argument) for argument in arguments]
                inside += [f"{key}={self._code(value)}" for key, value in keywords]
                return f"{code_name(function)}({', '.join(inside)})"
            case Unary(op, operand):
                return f"{op}{self._bracketed(operand)}"
            case Binary(op, left, right):
                return f"{self._bracketed(left)} {op} {self._bracketed(right)}"
        raise AssertionError(node)  # _names has refused everything else

    def _bracketed(self, node: Node) -> str:
        code = self._code(node)
        return f"I({code})" if isinstance(node, Unary | Binary) else code

    def _constant(self, value: object) -> str:
        is_plain = isinstance(value, float) and str(value).replace(".", "").isdigit()
        if isinstance(value, int) or value is None or is_plain:
            return str(value)
        name = f"constant {len(self.constants)}"
        self.constants[name] = value
        return f"`{name}`"
