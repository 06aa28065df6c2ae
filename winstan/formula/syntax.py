"""The grammar of formulas: text -> tokens -> a tree.

Only syntax lives here; what the tree *means* (terms, groups, offsets) is in
`winstan.formula.reader`.
One grammar serves both sides of a formula and the arguments of calls::

    bar        := comparison [("|" | "||" | "|" name "|") comparison]   only inside parentheses
    comparison := sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]
    sum        := product (("+" | "-") product)*
    product    := crossing (("*" | "/") crossing)*
    crossing   := unary (":" unary)*
    unary      := ("+" | "-") unary | power
    power      := primary [("**" | "^") unary]
    primary    := number | string | `name` | name | name "(" arguments ")" | "(" bar ")"
                | "{" bar "}" | "[" items "]" | name "[" level "]"
"""

from __future__ import annotations

import re
from ast import literal_eval
from dataclasses import dataclass
from math import isfinite

from winstan.errors import FormulaError
from winstan.formula.tree import (
    COMPARISONS,
    LITERALS,
    Bar,
    Binary,
    Call,
    Constant,
    Level,
    Name,
    Node,
    Unary,
)

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*(?:\.\w+)*)
    | (?P<ticked>`[^`]*`)
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<op>\|\||\*\*|==|!=|<=|>=|//|[-+*/^:|~()\[\]{},=<>.%])
    """,
    re.VERBOSE,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the formula: its kind, its text, and the position of its first character."""

    kind: str
    text: str
    pos: int


def formula_error(message: str, source: str, pos: int | None = None) -> FormulaError:
    """Make a `FormulaError` that quotes the formula and says where reading stopped."""
    place = "" if pos is None else f" (at character {pos + 1})"
    return FormulaError(f"In the formula '{source}'{place}: {message}")


def normalise(text: str) -> str:
    """Collapse white space, except inside back-ticks and quotes."""
    pieces = re.split(r"""(`[^`]*`|"[^"]*"|'[^']*')""", text)
    pieces[::2] = [re.sub(r"\s+", " ", piece) for piece in pieces[::2]]
    return "".join(pieces).strip()


def tokenize(source: str) -> list[Token]:
    """Split a formula into tokens, and check that its brackets match."""
    tokens: list[Token] = []
    pos = 0
    while pos < len(source):
        match = _TOKEN.match(source, pos)
        if match is None:
            raise _bad_character(source, pos)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), pos))
        pos = match.end()
    _check_brackets(tokens, source)
    return tokens


def _bad_character(source: str, pos: int) -> FormulaError:
    character = source[pos]
    if character in "`'\"":
        kind = "back-tick" if character == "`" else "quotation mark"
        return formula_error(f"this {kind} is never closed.", source, pos)
    return formula_error(
        f"unexpected character {character!r}. A column whose name is not a plain word is written "
        "in back-ticks: `Log power`.",
        source,
        pos,
    )


def _check_brackets(tokens: list[Token], source: str) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "op":
            continue
        if token.text in _CLOSES:
            opened.append(token)
        elif token.text in _CLOSES.values():
            if not opened:
                raise formula_error(
                    f"unbalanced brackets: '{token.text}' closes nothing.", source, token.pos
                )
            if _CLOSES[(start := opened.pop()).text] != token.text:
                raise formula_error(
                    f"unbalanced brackets: '{start.text}' at character {start.pos + 1} is closed "
                    f"by '{token.text}'.",
                    source,
                    token.pos,
                )
    if opened:
        raise formula_error(
            f"unbalanced brackets: '{opened[-1].text}' is never closed.", source, opened[-1].pos
        )


class Parser:
    """Recursive descent over the tokens of one side of a formula.

    Parameters
    ----------
    tokens
        The side's tokens.
    source
        The whole formula, for messages.
    """

    def __init__(self, tokens: list[Token], source: str) -> None:
        self._tokens = tokens
        self._source = source
        self._next = 0

    def parse(self) -> Node:
        """Read the whole side."""
        node = self._comparison()
        token = self._peek()
        if token is None:
            return node
        if token.text in ("|", "||"):
            raise self._error("a group term stands in parentheses: (1 | group).", token)
        previous = self._tokens[self._next - 1]
        name = self._spaced_name() or "`Log power`"
        raise self._error(
            f"unexpected '{token.text}' after '{previous.text}'. Join terms with '+'; write a "
            f"column whose name has spaces in back-ticks: {name}.",
            token,
        )

    def _spaced_name(self) -> str | None:
        """Return the words around this place in back-ticks, if they may be a name with spaces."""
        start = end = self._next
        words = ("name", "number")
        while start > 0 and self._tokens[start - 1].kind in words:
            start -= 1
        while end < len(self._tokens) and self._tokens[end].kind in words:
            end += 1
        if not start < self._next < end:
            return None
        last = self._tokens[end - 1]
        return f"`{self._source[self._tokens[start].pos : last.pos + len(last.text)]}`"

    def _error(self, message: str, token: Token | None = None) -> FormulaError:
        pos = len(self._source) if token is None else token.pos
        return formula_error(message, self._source, pos)

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _accept(self, *operators: str) -> Token | None:
        token = self._peek()
        if token is not None and token.kind == "op" and token.text in operators:
            self._next += 1
            return token
        return None

    def _expect(self, operator: str, what: str) -> None:
        if self._accept(operator) is None:
            token = self._peek()
            found = "the end" if token is None else f"'{token.text}'"
            name = self._spaced_name()
            hint = f" Write a column whose name has spaces in back-ticks: {name}." if name else ""
            raise self._error(f"expected '{operator}' after {what}, found {found}.{hint}", token)

    def _bar(self) -> Node:
        left = self._comparison()
        if (bar := self._accept("|", "||")) is None:
            return left
        factor, label = self._comparison(), ""
        if (again := self._accept("|", "||")) is not None:
            if bar.text + again.text != "||" or not isinstance(factor, Name):
                raise self._error(
                    "a group term has one '|' or one '||'; (x | p | g) correlates its effects with "
                    "those of other terms that have the label p, which is a word.",
                    again,
                )
            label, factor = factor.text, self._comparison()
        return Bar(left, factor, bar.text == "|", bar.pos, label)

    def _comparison(self) -> Node:
        left = self._sum()
        if (op := self._accept(*COMPARISONS)) is None:
            return left
        return Binary(op.text, left, self._sum(), op.pos)

    def _sum(self) -> Node:
        node = self._product()
        while (op := self._accept("+", "-")) is not None:
            node = Binary(op.text, node, self._product(), op.pos)
        return node

    def _product(self) -> Node:
        node = self._crossing()
        while (op := self._accept("*", "/", "//", "%")) is not None:
            if op.text in ("//", "%"):
                remedy = "use np.floor_divide(a, b) or np.mod(a, b)"
                after = self._peek()
                if op.text == "%" and after is not None and after.text == "in":
                    remedy = "b %in% a, levels of b within those of a, is written a:b"
                raise self._error(f"'{op.text}' is not understood; {remedy}.", op)
            node = Binary(op.text, node, self._crossing(), op.pos)
        return node

    def _crossing(self) -> Node:
        node = self._unary()
        while (op := self._accept(":")) is not None:
            node = Binary(":", node, self._unary(), op.pos)
        return node

    def _unary(self) -> Node:
        if (op := self._accept("+", "-")) is not None:
            return Unary(op.text, self._unary(), op.pos)
        node = self._primary()
        if (op := self._accept("**", "^")) is not None:
            return Binary("**", node, self._unary(), op.pos)
        return node

    def _primary(self) -> Node:
        token = self._peek()
        if token is None:
            raise self._error("a term is missing at the end.")
        self._next += 1
        match token.kind:
            case "number":
                return Constant(self._number(token), token.text, token.pos)
            case "string":
                return Constant(token.text[1:-1], token.text, token.pos)
            case "name":
                return self._named(token)
            case "ticked":
                if not token.text[1:-1].strip():
                    raise self._error("the name in back-ticks is empty.", token)
                return self._subscript(token.text[1:-1], token)
        return self._bracketed(token)

    def _number(self, token: Token) -> float:
        value = float(token.text)
        if not isfinite(value):
            raise self._error(f"the number {token.text[:20]}... is too large.", token)
        # Beyond 2^53 not every whole number is a double.
        return int(token.text) if token.text.isdigit() and value < 2**53 else value

    def _named(self, token: Token) -> Node:
        if token.text in LITERALS:
            return Constant(LITERALS[token.text], token.text, token.pos)
        if self._accept("(") is not None:
            return self._call(token)
        return self._subscript(token.text, token)

    def _subscript(self, name: str, token: Token) -> Node:
        if self._accept("[") is None:
            return Name(name, token.pos)
        level = self._primary()
        self._expect("]", "the level")
        match level:
            case Constant(value):
                return Level(name, value, token.pos)
            case Name(text):
                return Level(name, text, token.pos)
        raise self._error(f"'{name}[...]' takes one level of '{name}'.", token)

    def _bracketed(self, token: Token) -> Node:
        match token.text:
            case "(":
                if self._accept(")") is not None:
                    raise self._error("empty parentheses.", token)
                node = self._bar()
                if (comma := self._accept(",")) is not None:
                    raise self._error(
                        "a group term has a bar between its effects and its group, not a comma: "
                        "(1 | group).",
                        comma,
                    )
                self._expect(")", "the expression in parentheses")
                return node
            case "{":
                node = self._bar()
                self._expect("}", "the expression in braces")
                return Call("I", (node,), (), token.pos)
            case "[":
                return self._list(token)
            case ".":
                raise self._error(
                    "'.' (all other columns) is not supported: name the columns, "
                    "such as y ~ x1 + x2.",
                    token,
                )
        before = self._tokens[self._next - 2].text if self._next > 1 else "the beginning"
        raise self._error(f"a term is missing between '{before}' and '{token.text}'.", token)

    def _call(self, name: Token) -> Node:
        arguments: list[Node] = []
        keywords: list[tuple[str, Node]] = []
        while self._accept(")") is None:
            if arguments or keywords:
                self._expect(",", "an argument")
            argument = self._bar()
            if (equals := self._accept("=")) is not None:
                if not isinstance(argument, Name):
                    raise self._error("the left of '=' must be an argument's name.", equals)
                keywords.append((argument.text, self._bar()))
            elif keywords:
                raise self._error("an argument without a name follows one with a name.", name)
            else:
                arguments.append(argument)
        return Call(name.text, tuple(arguments), tuple(keywords), name.pos)

    def _list(self, start: Token) -> Node:
        items: list[Constant] = []
        while self._accept("]") is None:
            if items:
                self._expect(",", "an item")
            item = self._unary()
            if isinstance(item, Unary) and isinstance(item.operand, Constant):
                text = item.op + item.operand.text
                item = Constant(literal_eval(text), text, item.pos)
            if not isinstance(item, Constant):
                raise self._error("a list holds only numbers and strings.", start)
            items.append(item)
        text = f"[{', '.join(item.text for item in items)}]"
        return Constant([item.value for item in items], text, start.pos)
