"""``bin(x, 200)``: a predictor at the nearest of evenly spaced values, so that rows share them.

The values go from the smallest to the largest that x had at first. Half a step is the most that x
is moved by, 1 / (2 (n - 1)) of its range, and so the linear predictor by that share of what x
changes it by from end to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.formula.numbers import numbers
from winstan.formula.tree import Call, Constant, Name, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from winstan._typing import Array
    from winstan.formula.tree import Node

BIN = "bin"
"""The name that a formula calls it by."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Evenly spaced values.

    Attributes
    ----------
    low, step : float
        The first, and the distance between neighbours.
    """

    low: float
    step: float

    @classmethod
    def of(cls, low: float, high: float, n: int) -> Grid:
        """Return n of them, the ends among them."""
        return cls(float(low), (float(high) - float(low)) / (n - 1))

    def nearest(self, x: Any, floor: Callable[[Any], Any]) -> Any:
        """Return the nearest of them to each value of an array, or of an engine's column."""
        if self.step == 0:
            return x
        return floor((x - self.low) / self.step + 0.5) * self.step + self.low


class Bins:
    """The nearest of n values; a function of formulae's that remembers its first rows."""

    __stateful_transform__ = True  # formulae makes one for each call in a formula

    def __init__(self) -> None:
        self._grid: Grid | None = None

    def __call__(self, x: Any, n: Any = 200) -> Array:
        """Return the value nearest to each row's, shape (N,).

        Parameters
        ----------
        x : Series or ndarray, shape (N,)
        n
            How many values there are, from 2 up.
        """
        values = numbers(x)
        if self._grid is None:
            if isinstance(n, bool) or not isinstance(n, int) or n < 2:
                raise ValueError(f"bin(x, n) takes a whole number of values from 2 up, not {n!r}")
            self._grid = Grid.of(values.min(), values.max(), n)
        return np.asarray(self._grid.nearest(values, np.floor))


def binned_columns(nodes: Iterable[Node]) -> dict[str, int]:
    """Return the columns that stand in ``bin(x, n)`` and nowhere else, and their n.

    Parameters
    ----------
    nodes
        Every expression of a formula's right side.
    """
    found: dict[str, set[int | None]] = {}
    for node in nodes:
        inside = set()
        for part in walk(node):
            match part:
                case Call(function=function, arguments=(Name(text) as name, *rest), keywords=()):
                    if function == BIN and (n := _number(rest)) is not None:
                        found.setdefault(text, set()).add(n)
                        inside.add(id(name))
                case Name(text) if id(part) not in inside:
                    found.setdefault(text, set()).add(None)
    return {name: n for name, own in found.items() if len(own) == 1 for n in own if n is not None}


def _number(rest: list[Node]) -> int | None:
    match rest:
        case []:
            return 200
        case [Constant(int() as n)] if not isinstance(n, bool) and n >= 2:
            return n
    return None
