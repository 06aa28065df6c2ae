"""Half a million rows of a repeated design beside five hundred, for every family that there is.

    python -m benchmarks.many_rows
    python -m benchmarks.many_rows --families gamma,student --repeats 5

The layout is that of `benchmarks.family_designs`: twenty groups, two conditions within each, and
responses of the family's own draws, so that a family that is added is measured by being one. What
the likelihood is a sum over, cells or a tally of distinct values, is counted on both sides: time is
to grow no faster than that, and at most twice as much. Seconds are the least of several whole fits,
guards and tables included, by turns. Exit code 1 if a family misses its goal.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

import winstan as ws
from benchmarks.engines import model_of
from benchmarks.family_designs import GROUPS, design_of, responses
from benchmarks.table import markdown, number
from winstan.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from benchmarks.design import Design

FEW, MANY = 13, 12_500
"""Rows of each condition in each group: 520 rows in all, and half a million."""
TWICE = 2.0
"""How much longer the fit of many rows may take, where the sum is over as many terms."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A family's fits of few rows and of many: the terms of the likelihood, and seconds."""

    family: str
    terms: tuple[int, int]
    seconds: tuple[float, float]

    @property
    def ratio(self) -> float:
        """How many times longer many rows take."""
        return self.seconds[1] / self.seconds[0]

    @property
    def goal(self) -> float:
        """The ratio that is allowed."""
        return TWICE * max(1.0, self.terms[1] / self.terms[0])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(FAMILIES), help="names, with commas")
    parser.add_argument("--repeats", type=int, default=3, help="fits of each size (3)")
    arguments = parser.parse_args(argv)
    names = arguments.families.split(",")
    if unknown := [name for name in names if name not in FAMILIES]:
        parser.error(f"there is no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    found = [growth(name, arguments.repeats) for name in names]
    print(table(found))
    missed = [one.family for one in found if one.ratio > one.goal]
    for name in missed:
        print(f"goal missed: {name}", file=sys.stderr)
    return int(bool(missed))


def growth(name: str, repeats: int) -> Growth:
    """Time a family's fits of few rows and of many."""
    design = design_of(FAMILIES[name])
    few, many = (responses(name, rows=rows) for rows in (FEW, MANY))
    # The first compiles, and has imports in it.
    taken = [(_seconds(design, few), _seconds(design, many)) for _ in range(repeats + 1)]
    one, other = np.min(taken[1:], axis=0).tolist()
    return Growth(name, (_terms(design, few), _terms(design, many)), (one, other))


def table(found: Sequence[Growth]) -> str:
    few, many = (f"{2 * GROUPS * rows:,} rows (s)" for rows in (FEW, MANY))
    head = ["family", "terms", "terms of many", few, many, "ratio", "goal"]
    return markdown(head, [_row(one) for one in found])


def _row(one: Growth) -> list[str]:
    numbers = (*one.seconds, one.ratio, one.goal)
    return [one.family, *(f"{n:,}" for n in one.terms), *(number(x) for x in numbers)]


def _seconds(design: Design, data: pd.DataFrame) -> float:
    start = perf_counter()
    ws.fit(
        design.formula,
        data,
        design.family,
        link=design.link,
        seed=1,
        progress=False,
        silence="all",
    )
    return perf_counter() - start


def _terms(design: Design, data: pd.DataFrame) -> int:
    """Count what the likelihood is a sum over: the longest of its statistics."""
    statistics = model_of(design.formula, design.family, data, design.link).cells.statistics
    return max(np.size(values) for values in statistics.values())


if __name__ == "__main__":
    sys.exit(main())
