"""Coordinates as a linear map of coefficients and effects, given the variances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from winstan.approximation.block_cholesky import by_level
from winstan.coordinates.standard import by_row, standard_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.coordinates.crossing import Compensation
    from winstan.coordinates.standard import TermCoordinates


def to_coordinates(
    covariance: Sequence[Array],
    terms: Sequence[TermCoordinates],
    compensation: Compensation,
    remaining: np.ndarray,
) -> sparse.csr_array:
    """Map deviations of (coefficients, effects) to those of coordinates, before decorrelation.

    Coefficients, less what they undo of crossed effects, and the effects' scores.

    Parameters
    ----------
    covariance : sequence of ndarray, shape (q, q) each
        Of each term's effects.
    terms
    compensation
    remaining : ndarray of int
        Positions of coefficients, and of the effects that are drawn with them.

    Returns
    -------
    sparse array, shape (P + T, P + T)
    """
    P = len(compensation.location)
    T = sum(term.score.size for term in terms)
    coefficients = sparse.eye_array(P, P + T, format="lil")
    if compensation.terms:
        coefficients[:, remaining[P:]] = compensation.regression
    rows = [sparse.csr_array(coefficients)]
    for m, term in enumerate(terms):
        q, J = term.shape
        root = np.linalg.cholesky(covariance[m])
        standard = standard_roots(term.information, root)
        direct = np.swapaxes(standard, 1, 2) @ np.linalg.inv(root)
        follow = np.linalg.inv(standard) @ root.T @ term.information  # of a shift of the mean
        follow = follow[term.information_class]
        centring = np.einsum("jik,kjp->ijp", follow, term.centring)
        row: list[Any] = [sparse.csr_array(by_row(centring))]
        for n, other in enumerate(terms):
            if n == m:
                row.append(by_level(direct[term.information_class]))
                continue
            found = next((o for o in term.parents if o.term == n), None)
            q_n, J_n = other.shape
            crossed = next((c for c in term.crossed if c.term == n), None)
            if crossed is not None:
                row.append(by_level(follow) @ sparse.csr_array(crossed.A))
            elif found is None:
                row.append(sparse.csr_array((q * J, q_n * J_n)))
            else:
                spread = sparse.csr_array((np.ones(J), (np.arange(J), found.level)), shape=(J, J_n))
                within = by_level(np.ascontiguousarray(follow @ found.A))
                row.append(within @ sparse.kron(sparse.eye_array(q_n), spread))
        rows.append(sparse.hstack(row))
    return sparse.vstack(rows, format="csr")
