"""Coordinates that undo the approximate posterior's correlations of coefficients and effects.

The precision is factored with the effects of the largest group term first (`bordered`); the same
order serves here: all others are drawn jointly, by a dense factor, and the largest term's effects
given them, by a sparse one. A sampler with a diagonal metric then meets a posterior of about unit
covariance, whatever crossed factors, unbalanced designs or correlated predictors did to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.geometry.bordered import by_level, solve_lower

if TYPE_CHECKING:
    from winstan.families.links import Array
    from winstan.geometry.bordered import Bordered

# Entries of the sparse factor that move nothing by more than this share of a standard deviation.
NEGLIGIBLE = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Scales of P coefficients and T sampled effects, W of which are drawn with the coefficients.

    With z of order one and uncorrelated, ``d = joint_scale @ z[: P + W]`` are deviations of the
    coefficients and of W effects from their locations, and ``rest_scale @ (d, z[P + W :])`` those
    of the other effects.

    Attributes
    ----------
    joint_scale : ndarray, shape (P + W, P + W)
        Lower triangular.
    rest_scale : sparse array, shape (T - W, P + T)
    place : ndarray of int, shape (T,)
        Where each effect is found in (W effects drawn jointly, the others).
    """

    joint_scale: Array
    rest_scale: sparse.csr_array
    place: np.ndarray

    def deviations(self, joint: Array, rest: Array) -> tuple[Array, Array]:
        """Deviations of all coefficients and effects at coordinates z.

        Parameters
        ----------
        joint : ndarray, shape (..., P + W)
        rest : ndarray, shape (..., T - W)

        Returns
        -------
        coefficients : ndarray, shape (..., P)
        effects : ndarray, shape (..., T)
        """
        first = joint @ self.joint_scale.T
        both = np.concatenate([first, rest], axis=-1)
        flat = both.reshape(-1, both.shape[-1])
        after = (self.rest_scale @ flat.T).T.reshape(*rest.shape)
        P = both.shape[-1] - self.place.size
        effects = np.concatenate([first[..., P:], after], axis=-1)[..., self.place]
        return first[..., :P], effects


def coefficients_alone(scale: Array, effect_scale: Array) -> Whitening:
    """Whiten the coefficients, and scale every effect by itself.

    Parameters
    ----------
    scale : ndarray, shape (P, P)
        Lower Cholesky factor of the coefficients' covariance.
    effect_scale : ndarray, shape (T,)
    """
    T, P = effect_scale.size, scale.shape[0]
    own = sparse.diags_array(effect_scale, offsets=P, shape=(T, P + T))
    return Whitening(scale, sparse.csr_array(own), np.arange(T))


def whitened(to_sampled: sparse.csr_array, factor: Bordered) -> Whitening:
    """Whiten coefficients and effects by the approximate posterior.

    Parameters
    ----------
    to_sampled : sparse array, shape (T, P + T)
        The sampled effects of (coefficients, effects).
    factor
        The precision of (coefficients, effects).
    """
    at = factor.layout
    T = to_sampled.shape[0]
    P = to_sampled.shape[1] - T
    whole = sparse.vstack([sparse.eye_array(P, P + T), to_sampled], format="csr")
    joint = whole[at.others][:, at.others]  # no other effect's coordinate holds a first effect
    root = solve_lower(factor.root, joint.T.toarray())
    scale = np.linalg.qr(root, mode="r").T
    scale *= np.sign(np.diag(scale))

    of_first = whole[at.first]
    own = of_first[:, at.first]
    given = of_first[:, at.others] - own @ factor.onto
    if at.others.size:
        # (scipy gives the inverse of a 1 x 1 matrix as a vector.)
        inverse = sparse.linalg.inv(sparse.csc_array(joint))
        given = given @ sparse.csr_array(inverse.reshape(joint.shape))
    q, J = at.width, at.levels
    turn = np.array([[own[i * J, k * J] for k in range(q)] for i in range(q)]).reshape(q, q)
    conditional = np.linalg.cholesky(turn @ factor.inverse @ turn.T)  # (J, q, q)
    rest_scale = sparse.csr_array(sparse.hstack([given, by_level(conditional)]))
    size = np.sqrt(np.square(scale).sum(axis=1))
    moved = np.abs(rest_scale.data) * np.concatenate([size, np.ones(q * J)])[rest_scale.indices]
    limit = NEGLIGIBLE * np.repeat(conditional.diagonal(axis1=1, axis2=2).T.ravel(),
                                   np.diff(rest_scale.indptr))  # fmt: skip
    rest_scale.data[(moved < limit)] = 0.0
    rest_scale.eliminate_zeros()

    place = np.empty(T, int)
    place[at.others[P:] - P] = np.arange(at.others.size - P)
    place[at.first - P] = at.others.size - P + np.arange(at.first.size)
    return Whitening(scale, rest_scale, place)
