"""The rows of a model group by group, as its groups' integrals take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.group_integrals.rule import sign_of

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.likelihood import Likelihood

# Numbers of a table of rows and draws that stay in the processor's cache.
AT_ONCE = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRows:
    """Rows of J groups, one group after another.

    Attributes
    ----------
    sign : {1, -1}
        Of the linear predictor.
    X : ndarray, shape (n, P)
        Predictors of the coefficients, column by column.
    weight : ndarray, shape (n,) or (0,)
        What exponentials are multiplied by; none where all are one.
    last : ndarray of int, shape (J,)
        Rows up to the end of each group.
    known : ndarray, shape (J,)
        Sums of counts, or numbers of rows.
    linear : ndarray, shape (P,)
        The sum over rows of these times the predictors.
    linear_offset : float
        And times the offsets.
    """

    sign: int
    X: Array
    weight: Array
    last: np.ndarray
    known: Array
    linear: Array
    linear_offset: float

    def totals(self, beta: Array) -> Array:
        """Return each group's sum of ``weight * exp(sign * X @ beta)``, (S, P) to (S, J)."""
        n, first = len(self.X), np.concatenate([[0], self.last[:-1]])
        out = np.empty((len(beta), first.size))
        coefficients = self.sign * beta
        rows = max(1, AT_ONCE // len(beta))
        parts = np.unique(np.searchsorted(self.last, np.arange(0, n, rows), side="right"))
        for start, stop in zip(parts, [*parts[1:], first.size], strict=True):
            own = slice(first[start], self.last[stop - 1])
            terms = np.exp(coefficients @ self.X[own].T)
            if self.weight.size:
                terms *= self.weight[own]
            out[:, start:stop] = np.add.reduceat(terms, first[start:stop] - own.start, axis=1)
        return out


def grouped_rows(cells: Cells, likelihood: Likelihood, population: Array) -> GroupedRows:
    """Put the cells group by group.

    Parameters
    ----------
    cells, likelihood
    population : ndarray, shape (C, P)
    """
    sign = sign_of(likelihood)
    assert sign is not None
    (level,), statistics = cells.level, cells.statistics
    taken, exponential = statistics["sum_y"], statistics["n"]
    if sign < 0:
        taken, exponential = exponential, taken
    weight = exponential * np.exp(sign * cells.offset)
    order = np.argsort(level, kind="stable")
    return GroupedRows(
        sign=sign,
        X=np.asfortranarray(population[order]),
        weight=np.zeros(0) if np.all(weight == 1) else weight[order],
        last=np.cumsum(np.bincount(level)),
        known=np.asarray(np.bincount(level, taken), float),
        linear=taken @ population,
        linear_offset=float(taken @ cells.offset),
    )
