"""Covariances of group effects, draw by draw, as the posterior's sds and correlations give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.design import RandomTerm


@dataclass(frozen=True, slots=True, eq=False)
class Covariances:
    """Of a group term's effects, draw by draw.

    Attributes
    ----------
    sd : ndarray, shape (A, S, q)
        Of each arm, one of them where there are none.
    correlation : ndarray, shape (A, S, q, q), or None
        None where effects are independent.
    """

    sd: Array
    correlation: Array | None

    def products(
        self, a: Array, b: Array, arm: np.ndarray | None, curves: Array | None = None
    ) -> Array:
        """Evaluate a' Sigma b for rows of the term's columns.

        Parameters
        ----------
        a, b : ndarray, shape (n, q)
        arm : ndarray of int, shape (n,), or None
            Each row's.
        curves : ndarray, shape (q, S, n), or None
            What both are multiplied by, draw by draw, where columns are those of ``mo()``.

        Returns
        -------
        ndarray, shape (S, n)
        """
        if arm is None:
            return self._of_arm(0, a, b, curves)
        out = np.empty((self.sd.shape[1], len(a)))
        for k in np.unique(arm):
            rows = arm == k
            some = None if curves is None else curves[:, :, rows]
            out[:, rows] = self._of_arm(k, a[rows], b[rows], some)
        return out

    def _of_arm(self, k: int, a: Array, b: Array, curves: Array | None) -> Array:
        sd = self.sd[k]
        if curves is not None:
            left, right = (c.T[:, None] * curves * sd.T[:, :, None] for c in (a, b))
            if self.correlation is None:
                return (left * right).sum(axis=0)
            return np.einsum("isn,sij,jsn->sn", left, self.correlation[k], right)
        if self.correlation is None:
            return np.square(sd) @ (a * b).T
        covariance = self.correlation[k] * sd[:, :, None] * sd[:, None, :]
        # As one matrix product: the outer products of the rows' columns against the covariances.
        outer = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
        return covariance.reshape(len(sd), -1) @ outer.T


def covariances(group: RandomTerm, posterior: Mapping[str, Array]) -> Covariances:
    """Return the covariances of a group term's effects.

    Parameters
    ----------
    group
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    """
    n_arms, sds = max(1, len(group.arms)), []
    for name in group.sd_variables:
        sd = posterior[name]
        sds.append(sd.reshape(len(sd), -1, n_arms))
    sd = group.column_sds(np.moveaxis(np.concatenate(sds, axis=1), -1, 0))
    if not group.has_correlations:
        return Covariances(sd, None)
    q, values = group.q, posterior[group.correlation_variable][:, list(group.pair_places)]
    row, column = np.tril_indices(q, -1)
    R = np.broadcast_to(np.eye(q), (*sd.shape[:2], q, q)).copy()
    for k, own in enumerate(np.split(values, n_arms, axis=1)):
        R[k, :, row, column] = R[k, :, column, row] = own.T
    return Covariances(sd, R)
