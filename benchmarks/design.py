"""A design: what is timed, and what gain is aimed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True, slots=True)
class Design:
    """A question put to every engine.

    Attributes
    ----------
    name, title
        For the command line, and for readers.
    formula, family
        As `winstan.fit` takes them.
    data
        Makes or reads the data; the same at each call.
    goal
        ESS/s of winstan over that of the best peer.
    nearest
        What bambi fits, where it cannot express the formula: a different model, whose means are
        not compared.
    by_smaller
        Whether the goal is of the smaller of bulk and tail ESS/s, and not of bulk ESS/s.
    link
        Of the mean; None is the family's own.
    budget
        Seconds that one fit may take: a peer that has not ended by then is far behind the goal,
        were its every draw effective.
    """

    name: str
    title: str
    formula: str
    family: str
    data: Callable[[], pd.DataFrame]
    goal: int
    nearest: str | None = None
    by_smaller: bool = False
    link: str | None = None
    budget: float = 60.0
