"""Numbers, levels and contrasts as a figure writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

WRAP = 24
"""Longest line of a level's name, in characters."""


def minus(text: str) -> str:
    """Return a number's text with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def percent(prob: float) -> str:
    """Return a probability as a percentage."""
    if not 0 < prob < 1:
        raise DataError(f"prob={prob!r} must lie between 0 and 1.")
    return f"{100 * prob:.6g}%"


def number(value: float) -> str:
    """Return a number of three digits or so."""
    if not 1e-3 <= abs(value) < 1e5:
        return minus(f"{value:.3g}")
    places = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return minus(f"{value:.{places}f}")


def contrast_text(contrast: object, treatment: str | None) -> str:
    """Return a contrast such as ``1 - 0`` as text, after the treatment's name if given."""
    text = str(contrast).replace(" - ", " \N{MINUS SIGN} ")
    return text if not treatment or text.startswith(treatment) else f"{treatment} {text}"


def level_of(column: object, level: object) -> str:
    """Return a level after its column's name, unless it begins so: ``drug``, ``dose 2``."""
    text = str(level)
    return text if text.startswith(str(column)) else f"{column} {text}"


def level_texts(levels: Iterable[object]) -> list[str]:
    """Return levels as labels: numbers with four significant digits, or as many as tell them apart.

    Whole numbers have all their digits.
    """
    given = list(levels)
    texts = [str(level) for level in given]
    known = len(set(given))
    for digits in range(4, 18):
        texts = [
            _significant(float(v), digits) if isinstance(v, float | np.floating) else str(v)
            for v in given
        ]
        if len(set(texts)) == known:
            break
    return texts


def _significant(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return minus(f"{value:.0f}") if value else "0"
    before_point = int(np.floor(np.log10(abs(value)))) + 1
    return minus(f"{value:.{max(digits, before_point) if before_point < 7 else digits}g}")


def broken(text: str, width: int) -> list[str]:
    """Return a name on lines of a width, broken where a reader expects it.

    Lines end after a space, a hyphen within a word, or the punctuation of a parameter's name, such
    as ``1|mouse_sigma``. A piece without any of these is cut only where it is itself longer than a
    line. Lines that were broken stay so.
    """
    lines = []
    for given in text.split("\n"):
        line = ""
        for whole in re.split(r"(?<=[ \[_|:,])|(?<=\w-)(?=[^\W\d])", given):
            for piece in [whole[i : i + width] for i in range(0, len(whole.rstrip()), width)] or [
                whole
            ]:
                if line and len(line + piece.rstrip()) > width:
                    lines.append(line.rstrip())
                    line = ""
                line += piece if line else piece.lstrip()
        lines.append(line.rstrip())
    return lines


def wrap(name: object) -> str:
    """Return a level's name on two lines at most."""
    lines = broken(" ".join(str(name).split()), WRAP)
    return "\n".join(lines if len(lines) <= 2 else [lines[0], f"{lines[1][: WRAP - 1]}…"])


def join_words(values: Iterable[object]) -> str:
    """Return the first few distinct values, and how many more there are."""
    names = [repr(v) for v in dict.fromkeys(values)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
