"""Coordinates that undo the approximate posterior's correlations of coefficients and effects.

The largest term's effects are eliminated from the precision first (`block_cholesky`), and the same
order serves here: all that remains has one dense factor, and the eliminated effects follow it by a
sparse regression. A sampler then meets a posterior of about unit covariance, whatever
crossed factors, unbalanced designs or correlated predictors did to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from winstan.approximation.block_cholesky import by_level, solve_lower

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.block_cholesky import BlockCholesky
    from winstan.tuning import Tuning

# From as many coordinates on, a dense factor costs more than the cells.
MANY = 200
# Up to so many, a dense matrix is inverted sooner than a sparse one.
FEW = 12


@dataclass(frozen=True, slots=True, eq=False)
class DiagonalPlusLowRank:
    """A square matrix as ``diag(diagonal) + left @ right``.

    Attributes
    ----------
    diagonal : ndarray, shape (n,)
    left : ndarray, shape (n, R)
    right : ndarray, shape (R, n)
    """

    diagonal: Array
    left: Array
    right: Array

    def dense(self) -> Array:
        """Return the matrix."""
        return np.diag(self.diagonal) + self.left @ self.right


@dataclass(frozen=True, slots=True, eq=False)
class Decorrelation:
    """Scales of P coefficients and T effects' scores, W of which are drawn with the coefficients.

    With z of order one and uncorrelated, ``d = remaining_scale @ z[: P + W]`` are deviations of the
    coefficients (less what they undo of crossed effects) from their locations and W effects, and
    ``eliminated_scale * z[P + W :] + regression @ d`` the other effects: those of the largest term.

    Attributes
    ----------
    remaining_scale : ndarray, shape (P + W, P + W)
        Lower triangular, unless it was turned to axes of which each follows the sds.
    eliminated_scale : ndarray, shape (T - W,)
    regression : sparse array, shape (T - W, P + W)
    low_rank : DiagonalPlusLowRank or None
        The same as `remaining_scale`, where that is large and has few axes.
    """

    remaining_scale: Array
    eliminated_scale: Array
    regression: sparse.csr_array
    low_rank: DiagonalPlusLowRank | None = None

    def deviations(self, remaining: Array, eliminated: Array) -> Array:
        """Deviations of all coefficients, and effects, at coordinates z.

        Parameters
        ----------
        remaining : ndarray, shape (..., P + W)
        eliminated : ndarray, shape (..., T - W)

        Returns
        -------
        both : ndarray, shape (..., P + T)
        """
        first = remaining @ self.remaining_scale.T
        after = self.eliminated_scale * eliminated
        if self.regression.nnz:
            flat = first.reshape(-1, first.shape[-1])
            after = after + (self.regression @ flat.T).T.reshape(after.shape)
        return np.concatenate([first, after], axis=-1)

    def invert(self, both: Array) -> Array:
        """Coordinates z, shape (P + T, ...), of deviations of the same shape."""
        n = len(self.remaining_scale)
        first = both[:n]
        after = ((both[n:] - self.regression @ first).T / self.eliminated_scale).T
        return np.concatenate([np.linalg.solve(self.remaining_scale, first), after])


def decorrelate_coefficients(scale: Array, effect_scale: Array) -> Decorrelation:
    """Decorrelate the coefficients, and scale every effect by itself.

    Parameters
    ----------
    scale : ndarray, shape (P, P)
        Lower Cholesky factor of the coefficients' covariance.
    effect_scale : ndarray, shape (T,)
    """
    return Decorrelation(scale, effect_scale, sparse.csr_array((effect_scale.size, scale.shape[0])))


def decorrelate(
    whole: sparse.csr_array, factor: BlockCholesky, P: int, tuning: Tuning
) -> Decorrelation:
    """Decorrelate coefficients and effects by the approximate posterior.

    Several effects of one level of the largest term are only scaled, given all others: their scores
    are nearly uncorrelated as they are.

    Parameters
    ----------
    whole : sparse array, shape (P + T, P + T)
        The coordinates of (coefficients, effects): see `winstan.coordinates.scores`.
    factor
        The precision of (coefficients, effects).
    P
        How many coefficients there are.
    tuning
    """
    at = factor.layout
    # No remaining effect's coordinate holds an eliminated one.
    remaining = whole[at.remaining][:, at.remaining]
    root = solve_lower(factor.root, remaining.T.toarray())
    scale = np.linalg.qr(root, mode="r").T
    scale *= np.sign(np.diag(scale))
    approximate = low_rank(scale, P, tuning.low_rank_apart)
    if approximate is not None:
        scale = approximate.dense()

    of_eliminated = whole[at.eliminated]
    direct = of_eliminated[:, at.eliminated]
    regression = of_eliminated[:, at.remaining] - direct @ sparse.csr_array(factor.regression)
    if at.remaining.size:
        few = at.remaining.size <= FEW
        regression = regression @ sparse.csr_array(
            np.linalg.inv(remaining.toarray())
            if few
            else sparse.linalg.inv(sparse.csc_array(remaining))
        )
    variance = (direct @ by_level(factor.inverse)).multiply(direct).sum(axis=1)
    left = np.sqrt(np.asarray(variance).ravel())
    regression = sparse.csr_array(regression)
    size = np.sqrt(np.square(scale).sum(axis=1))
    moved = regression.data * size[regression.indices] / np.repeat(left, np.diff(regression.indptr))
    all_together = np.sqrt(np.bincount(regression.indices, np.square(moved), minlength=len(size)))
    regression.data[all_together[regression.indices] < tuning.regression_from] = 0.0
    regression.eliminate_zeros()
    return Decorrelation(scale, left, regression, approximate)


def low_rank(scale: Array, P: int, apart: float) -> DiagonalPlusLowRank | None:
    """Replace a large factor of a covariance by scales and a few axes, or None if it has many.

    InstEval's 1,128 lecturers have 50: what else their students have in common moves no lecturer by
    a twentieth of its width. The P coefficients' columns stay as they are.

    Parameters
    ----------
    scale : ndarray, shape (P + W, P + W)
        Lower triangular.
    P
    apart
        How much wider, or narrower, than uncorrelated ones an axis must be to be kept.
    """
    n = len(scale)
    if n < MANY or n == P:
        return None
    within = scale[P:, P:]
    s = np.sqrt(np.square(within).sum(axis=1))
    # Not from the covariance, whose smallest eigenvalues have half the digits.
    vectors, widths, _ = linalg.svd(within / s[:, None])
    usual = np.median(widths)  # below one by what the axes take of every effect
    s, widths = s * usual, widths / usual
    kept = np.abs(widths - 1) > apart
    V, wider = vectors[:, kept], widths[kept] - 1
    if 4 * (P + wider.size) > n:
        return None
    return DiagonalPlusLowRank(
        diagonal=np.concatenate([np.zeros(P), s]),
        left=np.hstack(
            [scale[:, :P], np.vstack([np.zeros((P, wider.size)), s[:, None] * V * wider])]
        ),
        right=np.vstack([np.eye(P, n), np.hstack([np.zeros((wider.size, P)), V.T])]),
    )
