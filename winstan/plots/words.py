"""Numbers, levels and contrasts as a figure writes them."""

from __future__ import annotations

import textwrap
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


def wrapped(name: object) -> str:
    """Return a level's name on two lines at most."""
    lines = textwrap.wrap(str(name), WRAP) or [""]
    return "\n".join(lines if len(lines) <= 2 else [lines[0], f"{lines[1][: WRAP - 1]}…"])


def listed(values: Iterable[object]) -> str:
    """Return the first few distinct values, and how many more there are."""
    names = [repr(v) for v in dict.fromkeys(values)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
