"""The columns of coefficients and effects, side by side: some dense, and many sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.approximation.information import times, transposed_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.approximation.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Population predictors, then each term's effects by column, levels within.

    Attributes
    ----------
    X : ndarray, shape (C, P)
    Z : sparse array, shape (C, T)
    together : ndarray, shape (C, P + T), or None
        All columns, where there are so few that dense matrices are the quicker ones.
    """

    X: Array
    Z: sparse.csr_array
    together: Array | None

    @property
    def dense(self) -> bool:
        """Whether matrices are dense."""
        return self.together is not None

    @property
    def whole(self) -> sparse.csr_array | Array:
        """All columns, shape (C, P + T); dense if few."""
        if self.together is not None:
            return self.together
        return sparse.csr_array(sparse.hstack([sparse.csr_array(self.X), self.Z]))

    def __matmul__(self, theta: Array) -> Array:
        """Linear predictor, without offset, of (coefficients, effects)."""
        if self.together is not None:
            return np.asarray(self.together @ theta)
        P = self.X.shape[1]
        eta: Array = self.X @ theta[:P] + self.Z @ theta[P:]
        return eta

    def sum_cells(self, cells: Array) -> Array:
        """Sum over cells, column by column, shape (P + T,)."""
        if self.together is not None:
            return np.asarray(self.together.T @ cells)
        return np.concatenate([self.X.T @ cells, self.Z.T @ cells])

    def gram(self, information: Array) -> sparse.csr_array | Array:
        """Cross-products of all columns by the information, shape (P + T, P + T); dense if few."""
        if self.together is not None:
            return np.asarray(self.together.T @ times(information, self.together))
        weighted = times(information, self.X)
        cross = sparse.csr_array(self.Z.T @ weighted)
        below = transposed_times(self.Z, information) @ self.Z
        return sparse.csr_array(
            sparse.block_array([[sparse.csr_array(self.X.T @ weighted), cross.T], [cross, below]])
        )


def columns_of(problem: Problem) -> Columns:
    """Lay out a problem's columns."""
    Z = effect_columns(problem.X.shape[0], problem.Z, problem.level, problem.n_levels)
    dense = sum(Z.shape) + problem.X.shape[1] <= problem.tuning.dense_columns
    together = np.hstack([problem.X, Z.toarray()]) if dense else None
    # BLAS reads columns that lie together.
    return Columns(np.asfortranarray(problem.X), Z, together)


def effect_columns(
    C: int, Z: Iterable[Array], level: Iterable[np.ndarray], n_levels: Iterable[int]
) -> sparse.csr_array:
    """Lay out the columns of the effects of C cells: term by term, by column, levels within."""
    rows = np.arange(C)
    parts = [sparse.csr_array((C, 0))]
    for values, at, J in zip(Z, level, n_levels, strict=True):
        parts += [sparse.csr_array((column, (rows, at)), shape=(C, J)) for column in values.T]
    return sparse.csr_array(sparse.hstack(parts, format="csr"))
