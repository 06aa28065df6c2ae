"""Coordinates of a group term's effects in which they are about standard normal, at any sds.

Given the covariance of a level's effects, and what the data say of them (an information and a
score, from the approximate fit), their posterior is normal; the sampled coordinate is its standard
score. Where the data say nothing that is the z-score of the prior (non-centred); where they say
all it is a total, to a scale (hierarchical centring); and it is the right thing between, level by
level, and at the small end of an sd as at its large one.

References
----------
Papaspiliopoulos, Roberts and Skold (2007), Statistical Science 22, 59-73, on partially
non-centred parametrisations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.coordinates.nesting import Crossed, ParentTerm

# Levels of several effects share an information with others of about the same: each of these costs
# the sampler a factorisation. Informations a factor of this apart, or less, are about the same.
ABOUT = 1.5
CLASSES_UP_TO = 12
# A factorisation costs as the cube of the effects: of more than so many, classes are fewer.
FEW_EFFECTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class TermCoordinates:
    """Coordinates of one group term of q effects on J levels.

    With L the Cholesky factor of the effects' covariance, I the information and
    ``K K' = 1 + L' I L``, the z-scores of a level's effects are
    ``K'^-1 (x + K^-1 L' (score - I shift))``: x is sampled, and shift is by how much the mean of
    the total has moved from where the approximate fit has it.

    Attributes
    ----------
    information : ndarray, shape (K, q, q)
        Of the data on a level's effects, for each class of levels; zero for z-scores.
    information_class : ndarray of int, shape (J,)
        The class of each level.
    score : ndarray, shape (q, J)
        The likelihood's slope in the effects, at effects of zero.
    centring : ndarray, shape (q, J, P)
        The total's mean is ``centring @ beta``, and what outer and crossed terms add to it.
    parents : tuple of ParentTerm
        The terms that this one is nested in, whose deviations its totals include.
    crossed : tuple of Crossed
        Other terms whose deviations its totals include, on average over a level.
    """

    information: Array
    information_class: np.ndarray
    score: Array
    centring: Array
    parents: tuple[ParentTerm, ...]
    crossed: tuple[Crossed, ...] = ()

    @property
    def each(self) -> bool:
        """Whether each level has an information of its own (of one effect)."""
        return (
            len(self.information) == self.information_class.size > 1
            and self.information.shape[1] == 1
        )

    @property
    def information_centring(self) -> Array:
        """The centring matrix by the information, level by level, shape (q, J, P)."""
        return np.asarray(
            np.einsum("jik,kjp->ijp", self.information[self.information_class], self.centring)
        )

    @property
    def informed(self) -> bool:
        """Whether the coordinates are anything but z-scores."""
        return bool(np.any(self.information) or np.any(self.score))

    @property
    def alone(self) -> bool:
        """Whether its effects' coordinates depend on no coefficient and no other term."""
        return not (np.any(self.centring) or self.parents or self.crossed)

    @property
    def shape(self) -> tuple[int, int]:
        """Effects per level, and levels."""
        q, J = self.score.shape
        return q, J

    def as_z_scores(self) -> TermCoordinates:
        """Return coordinates that are z-scores, as if the data said nothing."""
        (q, J), nothing = self.shape, np.zeros_like
        return TermCoordinates(
            np.zeros((1, q, q)), np.zeros(J, int), nothing(self.score), nothing(self.centring), ()
        )

    def times_information(self, of_level: Array) -> Array:
        """Multiply, level by level, by the information: shape (..., q, J) to the same."""
        if self.score.shape[0] == 1:
            return self.information[self.information_class, 0, 0] * of_level
        return np.einsum("jik,...kj->...ij", self.information[self.information_class], of_level)

    def z_scores(self, x: Array, root: Array, shift: Array) -> Array:
        """z-scores at coordinates x.

        Parameters
        ----------
        x, shift : ndarray, shape (..., q, J)
        root : ndarray, shape (..., q, q)
            Cholesky factor of the effects' covariance.

        Returns
        -------
        ndarray, shape (..., q, J)
        """
        score = self._standardised_score(root, shift)
        if self.score.shape[0] == 1:  # numbers, of which there may be very many
            square = 1 + np.square(root) * self.information[self.information_class, 0].T
            return x / np.sqrt(square) + score / square
        inverse = np.linalg.inv(standard_roots(self.information, root))
        z = np.empty(np.broadcast_shapes(x.shape, score.shape))
        for k in range(len(self.information)):
            at, back = self.information_class == k, inverse[..., k, :, :]
            z[..., at] = np.swapaxes(back, -1, -2) @ (x[..., at] + back @ score[..., at])
        return z

    def coordinates(self, z: Array, root: Array, shift: Array) -> Array:
        """Undo `z_scores`: shape (..., q, J)."""
        K = standard_roots(self.information, root)[..., self.information_class, :, :]
        score = np.swapaxes(self._standardised_score(root, shift), -1, -2)
        follow = np.linalg.solve(K, score[..., None])[..., 0]
        return np.einsum("...jki,...kj->...ij", K, z) - np.swapaxes(follow, -1, -2)

    def _standardised_score(self, root: Array, shift: Array) -> Array:
        return np.swapaxes(root, -1, -2) @ (self.score - self.times_information(shift))


def standard_roots(information: Array, root: Array) -> Array:
    """Cholesky factors of ``1 + L' I L``, shape (..., K, q, q)."""
    L = root[..., None, :, :]
    return np.linalg.cholesky(np.eye(root.shape[-1]) + np.swapaxes(L, -1, -2) @ information @ L)


def by_row(centring: Array) -> Array:
    """Put (q, J, P) into (q * J, P), P being zero where there is no coefficient."""
    return centring.reshape(centring.shape[0] * centring.shape[1], centring.shape[2])


def classify_levels(known: Array, S: Array) -> tuple[Array, np.ndarray]:
    """Put levels of about the same information into a class, and average it within each.

    Parameters
    ----------
    known : ndarray, shape (J, q, q)
        Information of each level.
    S : ndarray, shape (q, q)
        Covariance of the effects.

    Returns
    -------
    information : ndarray, shape (K, q, q)
    information_class : ndarray of int, shape (J,)
    """
    J, q = known.shape[:2]
    root = np.linalg.cholesky(S)
    # Along the directions in which prior and average likelihood are both uncorrelated.
    _, U = np.linalg.eigh(root.T @ known.mean(axis=0) @ root)
    A = root @ U
    size = np.log1p(np.maximum(np.einsum("ai,jab,bi->ji", A, known, A), 0.0))
    if not np.isfinite(size).all():
        size[:] = 0.0
    width = np.log(ABOUT)
    if q == 1 and np.ptp(size) > width:
        return known, np.arange(J)
    up_to = max(1, int(CLASSES_UP_TO * min(1.0, FEW_EFFECTS / q) ** 3))
    while True:
        at = np.round((size - size.min(axis=0)) / width - 0.5)
        _, of_level = np.unique(at, axis=0, return_inverse=True)
        of_level = of_level.reshape(J)
        if of_level.max() < up_to:
            break
        width *= 1.25
    information = np.zeros((of_level.max() + 1, q, q))
    np.add.at(information, of_level, known)
    return information / np.bincount(of_level)[:, None, None], of_level
