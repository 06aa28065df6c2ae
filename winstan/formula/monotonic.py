"""``mo(x)``: the effect of an ordered category, or of whole numbers, that only rises or only falls.

A formula's column of it is the number of steps above the lowest category, which is a line; the
shares of the whole change that each step takes, a simplex, are sampled (`winstan.monotonic`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.formula.syntax import formula_error
from winstan.formula.tree import Call, Constant, Name, Node, write

if TYPE_CHECKING:
    from winstan._typing import Array

MONOTONIC = "mo"
"""The name that a formula calls it by."""


class Steps:
    """Steps above the lowest category; a function of formulae's that remembers its first rows."""

    __stateful_transform__ = True  # formulae makes one for each call in a formula

    def __init__(self) -> None:
        self._lowest: float | None = None

    def __call__(self, x: Any, id: Any = None) -> Array:  # noqa: A002 - brms' name
        """Return the steps of each row, as floats, shape (n,).

        Parameters
        ----------
        x : Series
            An ordered category, or whole numbers.
        id
            Calls of one variable and different ids have simplexes of their own.
        """
        if isinstance(x.dtype, pd.CategoricalDtype):
            return x.cat.codes.to_numpy(float)
        values = np.asarray(x, float)
        if self._lowest is None:
            self._lowest = float(values.min())
        return values - self._lowest


def is_monotonic(node: Node) -> bool:
    """Whether a tree is a call of ``mo``."""
    return isinstance(node, Call) and node.function == MONOTONIC


def column_and_id(call: Call) -> tuple[str, str] | None:
    """Return the column of ``mo(x, id="a")``, and the id (or nothing); None if it is otherwise."""
    match call:
        case Call(_, (Name(text),), ()):
            return text, ""
        case Call(_, (Name(text), Constant(str(own))), ()):
            return text, own
        case Call(_, (Name(text),), (("id", Constant(str(own))),)):
            return text, own
    return None


def check_monotonic(call: Call, source: str, *, inside: bool) -> None:
    """Refuse ``mo`` where it is no term, and of what is no column.

    Raises
    ------
    FormulaError
    """
    if inside:
        raise formula_error(
            f"{write(call)} is a term, or part of an interaction, by itself: no function, offset "
            "or arithmetic can take it, for its values are estimated.",
            source,
            call.pos,
        )
    if column_and_id(call) is None:
        raise formula_error(
            f"mo(x) takes one column, an ordered category or whole numbers, and at most id= in "
            f"quotes (terms of one column and different ids have shapes of their own), not "
            f"{write(call)}.",
            source,
            call.pos,
        )
