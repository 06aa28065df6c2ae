"""Standard deviations of residuals, which may follow predictors, for each kind of row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.cells import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.likelihood import Likelihood
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True, eq=False)
class Spreads:
    """The standard deviations of K kinds of row: ``log sd = offset + X c``.

    Attributes
    ----------
    X : ndarray, shape (K, n)
        Predictors; a column of ones where sigma has no formula.
    offset : ndarray, shape (K,)
    rows : ndarray, shape (K,)
        Number of rows of each kind.
    predicted : bool
        Whether c has the coefficients of sigma's formula; or else it is log sigma.
    priors : tuple of Prior
        Those of the coefficients, or that of sigma.
    """

    X: Array
    offset: Array
    rows: Array
    predicted: bool
    priors: tuple[Prior, ...]

    def log(self, at: Array) -> Array:
        """Return the log sd of each kind, shape (S, K), at coefficients (S, n)."""
        return self.offset + at @ self.X.T

    def log_prior(self, at: Array) -> Array:
        """Return the prior's log density of coefficients (S, n), shape (S,)."""
        if self.predicted:
            return np.asarray(
                sum(p.log_density(at[:, k]) for k, p in enumerate(self.priors))
            ) * np.ones(len(at))
        return at[:, 0] + self.priors[0].log_density(np.exp(at[:, 0]))


def find_spreads(
    cells: Cells,
    population: Array,
    spread_at: np.ndarray,
    likelihood: Likelihood,
    own: Sequence[Prior],
    priors: Priors,
) -> tuple[Spreads, np.ndarray]:
    """Tell rows apart by the predictors of sigma.

    Returns
    -------
    spreads : Spreads
    kind : ndarray of int, shape (N,)
        The kind of each row.
    """
    n, of_row = cells.n, cells.of_row
    if not likelihood.predicted:
        one = np.ones((1, 1))
        rows = np.array([float(of_row.size)])
        prior = priors[str(likelihood.family.noise)]
        return Spreads(one, np.zeros(1), rows, False, (prior,)), np.zeros(of_row.size, int)
    X, offset = population[n : 2 * n][:, spread_at], cells.offset[n : 2 * n]
    of_cell, first = distinct([*X.T, offset], n)
    kind = of_cell[of_row]
    rows = np.bincount(kind, minlength=first.size).astype(float)
    own_priors = tuple(own[p] for p in spread_at)
    return Spreads(X[first], offset[first], rows, True, own_priors), kind
