"""Numerals: numbers that arrive as text, however they are written, and the code that reads them.

Labels are read as a whole, not one by one: ``1,234`` is a thousand or a little more than one,
according to what the others look like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

# How the text around a number is taken off: what it is, pattern, replacement.
_AROUND = (
    ("minus signs of typography", "\u2212", "-"),
    ("marks such as '<'", "^[<>\u2264\u2265~\u2248= ]+", ""),
    ("signs of currency", "[$\u20ac\u00a3\u00a5]", ""),
    ("percent signs", " *%$", ""),
)
_SPACES = ("spaces or apostrophes between thousands", "[\\s\u00a0\u202f'\u2019]", "")
_MARK = re.compile(_AROUND[1][1])
_GROUPED_BY_SPACES = re.compile("[+-]?[1-9]\\d{0,2}([\\s'\u2019]\\d{3})+([.,]\\d*)?")
_GROUPED_BY_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_GROUPED_BY_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?")
# One of a thousand and a quarter, or of one and three decimals.
_OF_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?|[+-]?\d+,")
_NO_COMMAS = ("commas between thousands", ",", "")
_EITHER = "commas, between thousands or decimal"
_NO_POINTS = ("points between thousands", r"\.", "")
_COMMAS = ("decimal commas", ",", ".")


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """How most of some labels are written as numbers.

    Attributes
    ----------
    is_number : ndarray of bool, shape (L,)
        Which labels are, once they are read so.
    what
        What stands in the way, such as ``decimal commas``; empty if nothing does.
    steps
        Pattern and replacement of each step that mends it.
    marked
        Whether some say "less than" or the like, so that the number is a limit.
    whole
        Whether nothing is written but digits and a sign.
    otherwise
        The steps of the other way to read them, where commas may be decimal or stand between
        thousands; empty where they can be only one.
    """

    is_number: np.ndarray
    what: str
    steps: tuple[tuple[str, str], ...]
    marked: bool
    whole: bool
    otherwise: tuple[tuple[str, str], ...] = ()

    def code(self, column: str) -> str:
        """Return the code that makes numbers of a column, of both readings where there are two.

        Parameters
        ----------
        column
            Code of a pandas Series of the text.
        """
        if not self.otherwise:
            return self._code(column, self.steps)
        return (
            f"{self._code(column, self.steps)} if they are thousands, or with "
            f"{self._code(column, self.otherwise)} if they are decimal commas"
        )

    def _code(self, column: str, steps: tuple[tuple[str, str], ...]) -> str:
        mended = "".join(
            f".str.replace({pattern!r}, {new!r}, regex=True)" for pattern, new in steps
        )
        coerced = "" if self.is_number.all() else ", errors='coerce'"
        return f"pd.to_numeric({column}{mended}{coerced})"


def written_numbers(labels: Sequence[str]) -> Written | None:
    """Say how labels are written as numbers, if most of them are.

    Parameters
    ----------
    labels
        Distinct ones, L of them.

    Returns
    -------
    Written or None
    """
    texts = [label.strip() for label in labels]
    steps: list[tuple[str, str]] = []
    if any(text != label for text, label in zip(texts, labels, strict=True)):
        steps.append((r"^\s+|\s+$", ""))
    if 2 * sum(any(c.isdigit() for c in text) for text in texts) <= len(texts):
        return None
    names: list[str] = []
    marked = any(_MARK.search(text) for text in texts)
    for name, pattern, new in _AROUND:
        again = [re.sub(pattern, new, text) for text in texts]
        if again != texts:
            texts = again
            names.append(name)
            steps.append((pattern, new))
    if any(_GROUPED_BY_SPACES.fullmatch(text) for text in texts):
        texts = [re.sub(_SPACES[1], "", text) for text in texts]
        names.append(_SPACES[0])
        steps.append(_SPACES[1:])
    otherwise: tuple[tuple[str, str], ...] = ()
    if all(_OF_EITHER.fullmatch(text) for text in texts):
        otherwise = (*steps, _COMMAS[1:])
    for name, pattern, new in _separators(texts):
        texts = [re.sub(pattern, new, text) for text in texts]
        names.append(name)
        steps.append((pattern, new))
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
    is_number = np.isfinite(numbers)
    if 2 * is_number.sum() <= len(texts):
        return None
    plain = [re.fullmatch(r"[+-]?\d+", label.strip()) for label in labels]
    return Written(
        is_number=is_number,
        what=" and ".join(_EITHER if otherwise and n == _NO_COMMAS[0] else n for n in names),
        steps=tuple(steps),
        marked=marked,
        whole=all(match for match, number in zip(plain, is_number, strict=True) if number),
        otherwise=otherwise,
    )


def _separators(texts: Sequence[str]) -> list[tuple[str, str, str]]:
    """Find out what commas and points mean, from all texts that have them."""
    commas = [text for text in texts if "," in text and re.search(r"\d", text)]
    if commas:
        if all(_GROUPED_BY_COMMAS.fullmatch(text) for text in commas):
            return [_NO_COMMAS]
        if any(_GROUPED_BY_POINTS.fullmatch(text) for text in commas):
            return [_NO_POINTS, _COMMAS]
        return [_COMMAS] if any(_DECIMAL_COMMA.fullmatch(text) for text in commas) else []
    twice = [text for text in texts if text.count(".") > 1]
    if twice and all(_GROUPED_BY_POINTS.fullmatch(text) for text in texts if "." in text):
        return [_NO_POINTS]
    return []
