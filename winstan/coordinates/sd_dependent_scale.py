"""How a coordinate's scale follows the sds of the effects that its groups share.

The mean of eight mice is known to the sd of mice over the root of eight: the intercept's width
grows with the sd, as a funnel's does. A coefficient's posterior variance is taken to be linear in
the squared sds, which it is to first order. A balanced treatment within groups does not depend on
them. Where terms are crossed, other axes are scaled (`winstan.coordinates.funnels`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.coordinates.standard import TermCoordinates

# Below this share of its variance a coefficient's scale stays as it is.
NEGLIGIBLE = 0.05
# What of a variance no sd may take: the first order is not to be believed to the end.
LEFT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class SdDependentScale:
    """Scales of n joint coordinates, which are one at the fit's sds.

    Their squares are ``v = base + slope @ sd**2``, or ``1 / (1 / v + bound)`` where priors of the
    coefficients tell of them too.

    Attributes
    ----------
    at : ndarray of int, shape (n,)
        Which coordinates.
    base, bound : ndarray, shape (n,)
    slope : ndarray, shape (n, Q)
    """

    at: np.ndarray
    base: Array
    slope: Array
    bound: Array

    @classmethod
    def nothing(cls, Q: int) -> SdDependentScale:
        """Return that of no coordinates."""
        return cls(np.zeros(0, int), np.zeros(0), np.zeros((0, Q)), np.zeros(0))

    def __call__(self, joint: Array, sd: Array) -> Array:
        """Scale coordinates, (..., P + W), at sds, (..., Q)."""
        if not self.at.size:
            return joint
        out = joint.copy()
        out[..., self.at] *= self.scale(sd)
        return out

    def scale(self, sd: Array) -> Array:
        """Return the scales at sds, (..., Q): (..., n)."""
        variance = self.base + np.square(sd) @ self.slope.T
        return np.sqrt(variance / (1 + self.bound * variance))


def find_sd_dependent_scale(
    fit: Approximation, terms: Sequence[TermCoordinates], *, left: float = LEFT
) -> SdDependentScale:
    """Find how much of each coefficient's variance grows with each sd.

    A change of a term's prior covariance S by dS changes the coefficients' posterior covariance by
    ``C S^-1 dS S^-1 C'``, summed over levels, with C their covariance with the level's effects. Of
    one sd, with the correlations as they are, dS has a row and a column. `left` of each variance is
    what no sd may take.
    """
    P = len(fit.beta)
    if fit.factor is None or not terms:
        return SdDependentScale.nothing(fit.sd.size)
    cross = fit.factor.with_coefficients(P)  # (T, P)
    share, start = [], 0
    for S, term in zip(fit.effect_covariance, terms, strict=True):
        q, J = term.shape
        C = cross[start : start + q * J].reshape(q, J, P)
        weight = np.einsum("ik,kjp->ijp", np.linalg.inv(S), C)
        grows = np.maximum((weight * C).sum(axis=1), 0.0) * np.any(term.information)
        share.append(grows / np.diag(fit.beta_covariance))
        start += q * J
    # A length-scale moves variance between columns, in no direction that is known beforehand
    reach = np.concatenate(share).T @ (fit.sd_slopes == 1.0)  # (P, Q)
    total = reach.sum(axis=1)
    reach *= np.minimum(1.0, (1 - left) / np.maximum(total, 1e-300))[:, None]
    at = np.flatnonzero(total > NEGLIGIBLE)
    variance = np.square(fit.sd)
    return SdDependentScale(at, 1 - reach[at].sum(axis=1), reach[at] / variance, np.zeros(at.size))
