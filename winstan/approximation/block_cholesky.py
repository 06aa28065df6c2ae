"""Block Cholesky factor of the precision of coefficients and effects.

Effects of one group term meet only within their level, so that their block of the precision is
made of small blocks. They are eliminated first; what remains is dense. With the largest term
eliminated, it is small: InstEval's 4,100 effects leave 1,130.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which of (coefficients, effects) are eliminated, and which remain.

    Attributes
    ----------
    term : int
        The group term of most levels; -1 if there is none.
    width, levels : int
        Its effects per level, and its levels; zero if there is none.
    eliminated, remaining : ndarray of int
        Positions of its effects, by column, and of all else: coefficients, then effects.
    """

    term: int
    width: int
    levels: int
    eliminated: np.ndarray
    remaining: np.ndarray


def layout(problem: Problem) -> Layout:
    """Put the term of most levels first."""
    P = problem.X.shape[1]
    sizes = [Z.shape[1] * J for Z, J in zip(problem.Z, problem.n_levels, strict=True)]
    everything = np.arange(P + sum(sizes))
    if not sizes:
        return Layout(-1, 0, 0, everything[:0], everything)
    term = int(np.argmax(problem.n_levels))
    start = P + sum(sizes[:term])
    eliminated = everything[start : start + sizes[term]]
    return Layout(
        term,
        problem.Z[term].shape[1],
        problem.n_levels[term],
        eliminated,
        np.delete(everything, eliminated),
    )


@dataclass(frozen=True, slots=True, eq=False)
class BlockCholesky:
    """A factored precision.

    Attributes
    ----------
    layout : Layout
    inverse : ndarray, shape (J, q, q)
        Of the eliminated effects' precision, level by level: their conditional covariance.
    regression : sparse array or ndarray, shape (q J, A)
        Minus this, times the remaining ones' deviations, is the mean of the eliminated ones'. Dense
        if the precision is.
    root : ndarray, shape (A, A)
        Lower Cholesky factor of the remaining ones' precision, the others integrated out.
    """

    layout: Layout
    inverse: Array
    regression: sparse.csr_array | Array
    root: Array

    def solve(self, right: Array) -> Array:
        """Solve for a vector of (coefficients, effects)."""
        at = self.layout
        out = np.empty_like(right)
        above = right[at.eliminated]
        left = (right[at.remaining] - self.regression.T @ above)[:, None]
        half = solve_lower(self.root, left)
        out[at.remaining] = solve_lower(self.root, half, transposed=True)[:, 0]
        own = np.einsum("jik,kj->ij", self.inverse, above.reshape(at.width, at.levels))
        out[at.eliminated] = own.ravel() - self.regression @ out[at.remaining]
        return out

    def covariance(self) -> Array:
        """Covariance of all that remains, shape (A, A)."""
        half = solve_lower(self.root, np.eye(self.root.shape[0]))
        return half.T @ half

    def variance(
        self,
        eliminated: sparse.csr_array | Array,
        remaining: sparse.csr_array | Array,
        covariance: Array,
    ) -> Array:
        """Variance of linear predictors, shape (C,).

        Parameters
        ----------
        eliminated, remaining : sparse array or ndarray, shapes (C, q J) and (C, A)
            Their columns, both of one kind.
        covariance : ndarray, shape (A, A)
            Of the remaining ones.
        """
        if isinstance(eliminated, np.ndarray):
            residual = remaining - eliminated @ as_dense(self.regression)
            by_column = eliminated.reshape(len(eliminated), self.layout.width, self.layout.levels)
            alone = np.einsum("cij,jik,ckj->c", by_column, self.inverse, by_column)
            return np.asarray(alone + ((residual @ covariance) * residual).sum(axis=1))
        alone = (eliminated @ by_level(self.inverse)).multiply(eliminated).sum(axis=1)
        apart = sparse.csr_array(remaining - eliminated @ self.regression)
        return np.asarray(alone + apart.multiply(apart @ covariance).sum(axis=1))

    def with_coefficients(self, P: int) -> Array:
        """Covariance of all effects with the P coefficients, term by term, shape (T, P)."""
        half = solve_lower(self.root, np.eye(len(self.root), P))
        covariance = solve_lower(self.root, half, transposed=True)
        out = np.empty((self.layout.eliminated.size + len(covariance), P))
        out[self.layout.remaining] = covariance
        out[self.layout.eliminated] = -(self.regression @ covariance)
        return out[P:]

    def of_effects(self, P: int, at: int, J: int) -> Array:
        """Covariance of J effects of one column of a term, shape (J, J).

        Parameters
        ----------
        P
            How many coefficients there are.
        at
            Where the effects start among all.
        J
        """
        place, alone = P + at + np.arange(J), np.zeros(J)
        if place[0] in self.layout.eliminated:
            k = (place[0] - self.layout.eliminated[0]) // J
            alone = self.inverse[:, k, k]
            by_remaining = as_dense(self.regression[k * J : (k + 1) * J])
        else:
            by_remaining = np.zeros((J, len(self.root)))
            by_remaining[np.arange(J), np.searchsorted(self.layout.remaining, place)] = 1.0
        half = solve_lower(self.root, np.asfortranarray(by_remaining.T))
        return np.diag(alone) + half.T @ half

    def of_eliminated(self, covariance: Array) -> Array:
        """Covariance of the eliminated effects, level by level, shape (J, q, q).

        Parameters
        ----------
        covariance : ndarray, shape (A, A)
            Of the remaining ones.
        """
        q, J = self.layout.width, self.layout.levels
        out = self.inverse.copy()
        spread = self.regression @ covariance
        if J == 1:  # a curve, of many columns
            return np.asarray(out + spread @ self.regression.T)
        for i in range(q):
            for k in range(q):
                other, own = self.regression[k * J : (k + 1) * J], spread[i * J : (i + 1) * J]
                product = other * own if isinstance(other, np.ndarray) else other.multiply(own)
                out[:, i, k] += product.sum(axis=1)
        return out


def factorise(hessian: sparse.csr_array | Array, at: Layout) -> BlockCholesky:
    """Factor a precision of (coefficients, effects).

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive definite.
    """
    q, J = at.width, at.levels
    own = hessian[at.eliminated][:, at.eliminated]
    blocks = np.empty((J, q, q))
    if J == 1:  # a curve, of many columns
        blocks[0] = as_dense(own)
    else:
        for i in range(q):
            for k in range(q):
                blocks[:, i, k] = own[i * J : (i + 1) * J, k * J : (k + 1) * J].diagonal()
    # By roots: what is subtracted below may nearly cancel.
    inverse_root = np.linalg.inv(np.linalg.cholesky(blocks))
    cross = hessian[at.eliminated][:, at.remaining]
    left = hessian[at.remaining][:, at.remaining]
    if isinstance(cross, np.ndarray):
        of_level = inverse_root @ cross.reshape(q, J, at.remaining.size).transpose(1, 0, 2)
        regression = np.swapaxes(inverse_root, 1, 2) @ of_level
        regression = regression.transpose(1, 0, 2).reshape(cross.shape)
        solved = of_level.reshape(cross.shape)  # its rows' order is lost in the sum below
        left = left - solved.T @ solved
    else:
        solved = by_level(inverse_root) @ cross
        regression = by_level(np.swapaxes(inverse_root, 1, 2)) @ solved
        left = (left - solved.T @ solved).toarray()
    # Flat priors on confounded columns leave a singular matrix: a ridge far below any scale.
    diagonal = np.diag_indices_from(left)
    left[diagonal] += 1e-10 * np.abs(left[diagonal]) + 1e-14 * hessian.diagonal()[at.remaining]
    return BlockCholesky(
        at,
        np.swapaxes(inverse_root, 1, 2) @ inverse_root,
        regression,
        np.linalg.cholesky(left),
    )


def as_dense(matrix: sparse.csr_array | Array) -> Array:
    """Return a matrix that may be sparse as an array."""
    return matrix if isinstance(matrix, np.ndarray) else np.asarray(matrix.toarray())


def by_level(blocks: Array) -> sparse.csr_array:
    """Put (J, p, q) into a matrix on effects by column, levels within: (p J, q J)."""
    J, p, q = blocks.shape
    # Row by row, for scipy's assembly of blocks takes longer than all else with few levels.
    columns = np.arange(J)[:, None] + J * np.arange(q)
    return sparse.csr_array(
        (
            blocks.transpose(1, 0, 2).ravel(),
            np.tile(columns.ravel(), p),
            q * np.arange(p * J + 1),
        ),
        shape=(p * J, q * J),
    )


def solve_lower(factor: Array, right: Array, *, transposed: bool = False) -> Array:
    """Solve with a lower triangular matrix, or its transpose.

    By BLAS itself: LAPACK's triangular solver, in OpenBLAS, wakes all threads even for two rows,
    and they then spin for some 0.03 s of processor time, while the sampler wants the processors.
    """
    if not factor.size:
        return right
    solved: Array = linalg.blas.dtrsm(1.0, factor, right, lower=1, trans_a=int(transposed))
    return solved
