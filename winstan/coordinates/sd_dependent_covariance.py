"""How the coefficients' covariance follows that of several effects of few groups.

Coefficients of columns that vary within groups, the intercept and a slope, are known to the error
of the data and the covariance of the groups' effects over their number. Of few groups that
covariance is open, its correlation too, so that no scale of each coefficient would follow it: the
coefficients' whole covariance does, to first order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.coordinates.crossing import MANY_LEVELS
from winstan.coordinates.sd_dependent_scale import LEFT, NEGLIGIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.standard import TermCoordinates


@dataclass(frozen=True, slots=True, eq=False)
class SdDependentCovariance:
    """Covariance of the first n joint coordinates, the identity at the fit.

    It is ``base`` and the sum of ``growth[m][a, b] * S[a, b]`` over terms m, S being the covariance
    of the term's effects; the coordinates are multiplied by its Cholesky factor.

    Attributes
    ----------
    base : ndarray, shape (n, n)
    growth : mapping of int to ndarray, shape (q, q, n, n)
        By term.
    """

    base: Array
    growth: Mapping[int, Array]

    @property
    def any(self) -> bool:
        """Whether any coordinate follows."""
        return bool(self.base.size)

    def root(self, covariances: Mapping[int, Array]) -> Array:
        """Return the Cholesky factor, (..., n, n), at covariances of the effects, (..., q, q)."""
        total = self.base
        for m, growth in self.growth.items():
            total = total + np.einsum("...ab,abij->...ij", covariances[m], growth)
        return np.linalg.cholesky(total)


NOTHING = SdDependentCovariance(np.zeros((0, 0)), {})


def find_sd_dependent_covariance(
    fit: Approximation, terms: Sequence[TermCoordinates], decorrelation: Decorrelation
) -> tuple[Array, SdDependentCovariance] | None:
    """Find how the coefficients' covariance follows the effects', and along which axes.

    A change dS of a term's prior covariance S changes the coefficients' posterior covariance by
    ``C S^-1 dS S^-1 C'``, summed over levels, with C their covariance with the level's effects.

    Returns
    -------
    turn : ndarray, shape (n, n)
        Orthogonal: the joint coordinates' axes are its columns.
    covariance : SdDependentCovariance

    None where no term has several effects of few levels, or nothing follows.
    """
    few = any(q > 1 and J < MANY_LEVELS and t.informed for t in terms for q, J in [t.shape])
    if fit.factor is None or decorrelation.low_rank is not None or not few:
        return None
    P, n = len(fit.beta), len(decorrelation.remaining_scale)
    cross, start = fit.factor.with_coefficients(P), 0
    inverse = np.linalg.inv(decorrelation.remaining_scale[:P, :P])
    growth, total = {}, np.zeros((P, P))
    for m, (S, term) in enumerate(zip(fit.effect_covariance, terms, strict=True)):
        q, J = term.shape
        C = cross[start : start + q * J].reshape(q, J, P) @ inverse.T
        start += q * J
        if not np.any(term.information):
            continue
        weight = np.einsum("ik,kjp->ijp", np.linalg.inv(S), C)
        growth[m] = np.einsum("ajp,bjr->abpr", weight, weight)
        total += np.einsum("ab,abpr->pr", S, growth[m])
    values, vectors = np.linalg.eigh(total)
    along = vectors[:, values > NEGLIGIBLE][:, ::-1]
    if not along.size:
        return None
    share = min(1.0, (1 - LEFT) / values[-1])
    turn = np.eye(n)
    # The rest by reflections, which rounding does not turn
    turn[:P, :P] = np.linalg.qr(along, mode="complete")[0]
    axes = turn[:P, : along.shape[1]]
    growth = {m: share * (axes.T @ part @ axes) for m, part in growth.items()}
    base = np.eye(axes.shape[1]) - share * (axes.T @ total @ axes)
    return turn, SdDependentCovariance(base, growth)
