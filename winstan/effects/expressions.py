"""Arithmetic on parameters, as written in hypotheses: read and evaluated without Python's eval.

Names of parameters (``cond[b]``, ``1|mouse_sigma``, ``np.log(x)``) are no Python names: at each
place the longest known name is taken, and the rest is read by precedence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._text import find_name
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from winstan._typing import Array

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}
COMPARISONS = (">", "<", ">=", "<=")
RANGE_REMEDY = (
    "A range is one, by its middle and half its width: 0 < stim < 1 is 'abs(stim - 0.5) < 0.5'. "
    "Several hypotheses, each with a probability of its own, are a list: "
    "['stim > 0', 'stim < 1']."
)
# More parentheses and powers than anyone writes, and fewer than Python's stack holds.
DEEPEST = 50

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_OPERATOR = re.compile(r"\*\*|==|!=|>=|<=|[-+*/()<>=^]")
_CONNECTIVE = re.compile(r"&&?|\|\|?|~|!(?!=)|(?:and|or|not)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\s+*/()<>=^-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a hypothesis.

    Attributes
    ----------
    kind : {"name", "number", "function", "operator"}
    text : str
    """

    kind: str
    text: str


def read_tokens(text: str, names: Mapping[str, Any]) -> list[Token]:
    """Cut a hypothesis into tokens.

    Parameters
    ----------
    text
    names
        The known parameters.

    Raises
    ------
    OptionError
        For a name that is none of them, with those that are near.
    """
    longest_first = sorted(names, key=len, reverse=True)
    tokens = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token, at = _next_token(text, at, names, longest_first)
        tokens.append(token)
    return tokens


def _next_token(
    text: str, at: int, names: Mapping[str, Any], longest_first: list[str]
) -> tuple[Token, int]:
    if text[at] == "`" and (name := find_name(quoted := _quoted(text, at), names)):
        return Token("name", name), at + len(quoted) + 2
    if written := _written(text, at, longest_first):
        return written
    if number := _NUMBER.match(text, at):
        if _ends(text, number.end(), number.group()):
            return Token("number", number.group()), number.end()
    elif operator := _OPERATOR.match(text, at):
        return Token("operator", operator.group()), operator.end()
    if connective := _CONNECTIVE.match(text, at):
        raise OptionError(
            f"The hypothesis {text!r} joins statements by {connective.group()!r}, and a hypothesis "
            f"is one comparison. {RANGE_REMEDY}"
        )
    word = _WORD.match(text, at)
    found = word.group() if word else text[at]
    end = at + len(found)
    if found in FUNCTIONS and text[end:].lstrip().startswith("("):
        return Token("function", found), end
    found = _quoted(text, at) if found.startswith("`") else found.strip("`")
    hint = near_matches(found, names)
    if hint.startswith(" Known"):  # group effects are many
        hint = " fit.summary() lists the parameters; functions are abs(), exp(), log() and sqrt()."
    raise OptionError(
        f"The hypothesis {text!r} names {found!r}, which is no parameter of the model.{hint}"
    )


def _quoted(text: str, at: int) -> str:
    """Return what stands between a back-tick and its pair."""
    end = text.find("`", at + 1)
    if end < 0:
        raise OptionError(f"The hypothesis {text!r} has a back-tick without its pair.")
    return text[at + 1 : end]


def _written(text: str, at: int, longest_first: list[str]) -> tuple[Token, int] | None:
    """Find a name; a call also as a formula may have it: ``I(x/10)`` is ``I(x / 10)``."""
    for name in longest_first:
        if text.startswith(name, at) and _ends(text, at + len(name), name):
            return Token("name", name), at + len(name)
    for name in longest_first:
        if name[0] == text[at] and "(" in name and (found := _spelt(name).match(text, at)):
            return Token("name", name), found.end()
    return None


@lru_cache(maxsize=10_000)
def _spelt(name: str) -> re.Pattern[str]:
    """Match a name with other blanks about its signs, other quotes, or a tree's slash."""
    signs = {"/": "[/\N{FRACTION SLASH}]", "'": "['\"]", '"': "['\"]"}
    parts = [
        signs.get(part, re.escape(part)) if not part.isspace() else r"\s+"
        for part in re.findall(r"\w+|[^\w\s]|(?<=\w)\s+(?=\w)", name)
    ]
    return re.compile(r"\s*".join(parts))


def _ends(text: str, end: int, name: str) -> bool:
    """Whether what stands before `end` is a whole name: ``stim`` is not, in ``stimulus``."""
    if end >= len(text) or not (name[-1].isalnum() or name[-1] == "_"):
        return True
    after = text[end]
    return not (after.isalnum() or after in "_[|:.(`")


def evaluate_tokens(tokens: list[Token], names: Mapping[str, Array], text: str) -> Any:
    """Evaluate arithmetic, draw by draw.

    Parameters
    ----------
    tokens
        Without comparisons.
    names
        Draws of each parameter, shape (S,).
    text
        The hypothesis, for messages.

    Returns
    -------
    ndarray of shape (S,), or float
    """
    reader = _Reader(tokens, names, text)
    with np.errstate(all="ignore"):
        value = reader.sum(0)
    if reader.at < len(tokens):
        raise reader.wrong(f"{tokens[reader.at].text!r} is not expected there")
    return value


class _Reader:
    """Reads by recursive descent: sums of products of signed powers."""

    def __init__(self, tokens: list[Token], names: Mapping[str, Array], text: str) -> None:
        self.tokens, self.names, self.text = tokens, names, text
        self.at = 0

    def wrong(self, why: str) -> OptionError:
        return OptionError(f"The hypothesis {self.text!r} cannot be read: {why}.")

    def take(self, *operators: str) -> str | None:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "operator" and token.text in operators:
                self.at += 1
                return token.text
        return None

    def sum(self, depth: int) -> Any:
        value = self.product(depth)
        while sign := self.take("+", "-"):
            other = self.product(depth)
            value = value + other if sign == "+" else value - other
        return value

    def product(self, depth: int) -> Any:
        value = self.signed(depth)
        while sign := self.take("*", "/"):
            other = self.signed(depth)
            value = value * other if sign == "*" else np.divide(value, other)
        return value

    def signed(self, depth: int) -> Any:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        value = self.power(depth)
        return -value if negative else value

    def power(self, depth: int) -> Any:
        value = self.atom(depth)
        if self.take("**", "^"):
            # To the right first, and closer than a sign before: -x**2 is -(x**2).
            value = np.power(value, self.signed(depth + 1))
        return value

    def atom(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise self.wrong(f"it has more than {DEEPEST} parentheses or powers in each other")
        if self.at >= len(self.tokens):
            raise self.wrong("it ends too early")
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "name":
            return self.names[token.text]
        if token.kind == "number":
            return np.float64(token.text)
        if token.kind == "function":
            self.at += 1  # its parenthesis, which the tokens were read by
        elif token.text != "(":
            raise self.wrong(f"{token.text!r} is not expected there")
        value = self.sum(depth + 1)
        if not self.take(")"):
            raise self.wrong("a parenthesis is not closed")
        return FUNCTIONS[token.text](value) if token.kind == "function" else value
