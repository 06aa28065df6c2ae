"""Coordinates that undo the approximate posterior's correlations of coefficients and effects.

The precision is factored with the effects of the largest group term first (`bordered`); the same
order serves here: all others are drawn jointly, by a dense factor, and the largest term's effects
given them, by a sparse one. A sampler then meets a posterior of about unit covariance, whatever
crossed factors, unbalanced designs or correlated predictors did to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from winstan.geometry.bordered import by_level, solve_lower

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.geometry.bordered import Bordered

# How the other effects follow one of the joint ones is left out where it is this small, over all of
# them, in their standard deviations: mice's intercepts and a balanced treatment's coefficient.
NEGLIGIBLE = 0.1
# From as many joint coordinates on, a dense factor costs more than the cells: one axis for each
# direction in which the scaled effects are this much wider, or narrower, than uncorrelated ones.
MANY = 200
APART = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """A square matrix as ``diag(own) + onto @ along``.

    Attributes
    ----------
    own : ndarray, shape (n,)
    onto : ndarray, shape (n, R)
    along : ndarray, shape (R, n)
    """

    own: Array
    onto: Array
    along: Array

    def dense(self) -> Array:
        """Return the matrix."""
        return np.diag(self.own) + self.onto @ self.along


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Scales of P coefficients and T effects' scores, W of which are drawn with the coefficients.

    With z of order one and uncorrelated, ``d = joint_scale @ z[: P + W]`` are deviations of the
    coefficients (less what they undo of crossed effects) from their locations and W effects, and
    ``rest_scale * z[P + W :] + given @ d`` the other effects: those of the largest term.

    Attributes
    ----------
    joint_scale : ndarray, shape (P + W, P + W)
        Lower triangular, unless it was turned to axes of which each follows the sds.
    rest_scale : ndarray, shape (T - W,)
    given : sparse array, shape (T - W, P + W)
    axes : Axes or None
        The same as `joint_scale`, where that is large and has few axes.
    """

    joint_scale: Array
    rest_scale: Array
    given: sparse.csr_array
    axes: Axes | None = None

    def deviations(self, joint: Array, rest: Array) -> Array:
        """Deviations of all coefficients, and effects, at coordinates z.

        Parameters
        ----------
        joint : ndarray, shape (..., P + W)
        rest : ndarray, shape (..., T - W)

        Returns
        -------
        both : ndarray, shape (..., P + T)
        """
        first = joint @ self.joint_scale.T
        after = self.rest_scale * rest
        if self.given.nnz:
            flat = first.reshape(-1, first.shape[-1])
            after = after + (self.given @ flat.T).T.reshape(after.shape)
        return np.concatenate([first, after], axis=-1)

    def undone(self, both: Array) -> Array:
        """Coordinates z, shape (P + T, ...), of deviations of the same shape."""
        n = len(self.joint_scale)
        first = both[:n]
        after = ((both[n:] - self.given @ first).T / self.rest_scale).T
        return np.concatenate([np.linalg.solve(self.joint_scale, first), after])


def coefficients_alone(scale: Array, effect_scale: Array) -> Whitening:
    """Whiten the coefficients, and scale every effect by itself.

    Parameters
    ----------
    scale : ndarray, shape (P, P)
        Lower Cholesky factor of the coefficients' covariance.
    effect_scale : ndarray, shape (T,)
    """
    return Whitening(scale, effect_scale, sparse.csr_array((effect_scale.size, scale.shape[0])))


def whitened(whole: sparse.csr_array, factor: Bordered, P: int) -> Whitening:
    """Whiten coefficients and effects by the approximate posterior.

    Of several effects of one level of the largest term, given all others, the scales alone are
    undone: their scores are nearly uncorrelated as they are.

    Parameters
    ----------
    whole : sparse array, shape (P + T, P + T)
        The coordinates of (coefficients, effects): see `winstan.geometry.scores`.
    factor
        The precision of (coefficients, effects).
    P
        How many coefficients there are.
    """
    at = factor.layout
    joint = whole[at.others][:, at.others]  # no other effect's coordinate holds a first effect
    root = solve_lower(factor.root, joint.T.toarray())
    scale = np.linalg.qr(root, mode="r").T
    scale *= np.sign(np.diag(scale))
    axes = few_axes(scale, P)
    if axes is not None:
        scale = axes.dense()

    of_first = whole[at.first]
    own = of_first[:, at.first]
    given = of_first[:, at.others] - own @ factor.onto
    if at.others.size:
        # (scipy gives the inverse of a 1 x 1 matrix as a vector.)
        inverse = sparse.linalg.inv(sparse.csc_array(joint))
        given = given @ sparse.csr_array(inverse.reshape(joint.shape))
    variance = (own @ by_level(factor.inverse)).multiply(own).sum(axis=1)
    rest = np.sqrt(np.asarray(variance).ravel())
    given = sparse.csr_array(given)
    size = np.sqrt(np.square(scale).sum(axis=1))
    moved = given.data * size[given.indices] / np.repeat(rest, np.diff(given.indptr))
    all_together = np.sqrt(np.bincount(given.indices, np.square(moved), minlength=len(size)))
    given.data[all_together[given.indices] < NEGLIGIBLE] = 0.0
    given.eliminate_zeros()
    return Whitening(scale, rest, given, axes)


def few_axes(scale: Array, P: int) -> Axes | None:
    """Replace a large factor of a covariance by scales and a few axes, or None if it has many.

    InstEval's 1,128 lecturers have 50: the rest of what their students have in common moves none of
    them by a twentieth of its width. The P coefficients' columns stay as they are.

    Parameters
    ----------
    scale : ndarray, shape (P + W, P + W)
        Lower triangular.
    P
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
    apart = np.abs(widths - 1) > APART
    V, wider = vectors[:, apart], widths[apart] - 1
    if 4 * (P + wider.size) > n:
        return None
    return Axes(
        own=np.concatenate([np.zeros(P), s]),
        onto=np.hstack(
            [scale[:, :P], np.vstack([np.zeros((P, wider.size)), s[:, None] * V * wider])]
        ),
        along=np.vstack([np.eye(P, n), np.hstack([np.zeros((wider.size, P)), V.T])]),
    )
