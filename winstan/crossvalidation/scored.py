"""Of which data log densities are: only those of the same responses compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.data.columns import how_many, some_rows

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class ScoredData:
    """The responses that log densities are of.

    Attributes
    ----------
    response : str
        The left side of the formula.
    family : str
    kept : ndarray of int, shape (N,)
        Positions of the rows in the user's data.
    y : ndarray, shape (N,)
        The response.
    others : mapping of str to ndarray
        Weights, trials, limits, by name.
    is_mass : ndarray of bool, shape (N,)
        Rows that have a probability, not a density.
    """

    response: str
    family: str
    kept: np.ndarray
    y: Array
    others: Mapping[str, np.ndarray]
    is_mass: np.ndarray

    @classmethod
    def of(cls, model: Model) -> ScoredData:
        """Return those of a model."""
        design, response, family = model.design, model.design.response, model.family
        others: dict[str, np.ndarray] = {}
        if design.weights is not None:
            others["weights"] = design.weights
        if response.trials is not None:
            others["trials"] = response.trials
        censored = np.zeros(response.y.size, bool)
        if response.limits is not None:
            others |= response.limits.columns
            if response.limits.status is not None:
                censored = response.limits.status != 0
        whole = np.full(response.y.size, family.whole)
        y = response.in_units(response.y)
        return cls(
            response.name,
            family.name,
            design.kept,
            np.asarray(y),
            others,
            whole | censored | np.isin(response.y, family.masses),
        )

    def difference(self, other: ScoredData, mine: str, theirs: str) -> str:
        """Say why log densities do not compare with others', and the remedy; empty if they do."""
        if self.response != other.response and not _same(self.y, other.y):
            return (
                f"{mine!r} is a model of {self.response}, {theirs!r} of {other.response}: their "
                "densities have different units. Fit both to the same left side; of a positive y, "
                "family='lognormal' is the model of y that log(y) ~ ... is of its logarithm."
            )
        if not np.array_equal(self.kept, other.kept):
            return self._rows_differ(other, mine, theirs)
        if not _same(self.y, other.y):
            bad = np.flatnonzero(self.y != other.y)
            return (
                f"{mine!r} and {theirs!r} have different values of {self.response} in "
                f"{how_many(bad.size, 'row')} ({some_rows(self.kept[bad])}). Fit both to the same "
                "data."
            )
        for name in dict.fromkeys([*self.others, *other.others]):
            if not _same(self.others.get(name), other.others.get(name)):
                return (
                    f"{mine!r} and {theirs!r} have different {name} of {self.response}. Give both "
                    "the same."
                )
        bad = np.flatnonzero(self.is_mass != other.is_mass)
        if bad.size:
            return (
                f"In {how_many(bad.size, 'row')} of {self.response} one of {mine!r} "
                f"({self.family}) and {theirs!r} ({other.family}) has a probability, the other a "
                "density, which has a unit. Compare families of the same kind of response."
            )
        return ""

    def _rows_differ(self, other: ScoredData, mine: str, theirs: str) -> str:
        sizes = f"{how_many(self.kept.size, 'row')} and {other.kept.size:,}"
        alone = np.setxor1d(self.kept, other.kept)
        if not alone.size:
            return f"{mine!r} and {theirs!r} have their rows in another order. Give both one frame."
        return (
            f"{mine!r} and {theirs!r} are fits of different rows ({sizes}; "
            f"{some_rows(alone)} in one only). Rows with a missing value in a column that a formula"
            " uses are left out: give both fits a frame of the rows that both can use, "
            "data.dropna(subset=[...])."
        )


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.array_equal(a, b, equal_nan="f" in (a.dtype.kind, b.dtype.kind)))
