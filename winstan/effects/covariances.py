"""Covariances of group effects, draw by draw, as the posterior's sds and correlations give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.design import RandomTerm


def correlations(
    groups: Sequence[RandomTerm], posterior: Mapping[str, Array]
) -> tuple[Array | None, ...]:
    """Return the correlation matrix of each group term's effects.

    Parameters
    ----------
    groups
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).

    Returns
    -------
    tuple of ndarray, shape (S, q, q)
        One for each group term; None where its effects are independent.
    """
    out: list[Array | None] = []
    for group in groups:
        if not group.has_correlations:
            out.append(None)
            continue
        values = posterior[group.correlation_variable][:, list(group.pair_places)]
        row, column = np.tril_indices(group.q, -1)
        R = np.broadcast_to(np.eye(group.q), (len(values), group.q, group.q)).copy()
        R[:, row, column] = R[:, column, row] = values
        out.append(R)
    return tuple(out)


def standard_deviations(
    groups: Sequence[RandomTerm], posterior: Mapping[str, Array]
) -> tuple[Array, ...]:
    """Return the sds of each group term's effects, in the order of its columns, shape (S, q)."""
    out = []
    for group in groups:
        sds = [posterior[group.sd_name(e)] for e in group.effects]
        out.append(np.concatenate([sd.reshape(len(sd), -1) for sd in sds], axis=1))
    return tuple(out)


def products(sd: Array, correlation: Array | None, a: Array, b: Array) -> Array:
    """Evaluate a' Sigma b for rows of a term's columns, draw by draw.

    Parameters
    ----------
    sd : ndarray, shape (S, q)
    correlation : ndarray, shape (S, q, q), or None
    a, b : ndarray, shape (n, q)

    Returns
    -------
    ndarray, shape (S, n)
    """
    if correlation is None:
        return np.square(sd) @ (a * b).T
    covariance = correlation * sd[:, :, None] * sd[:, None, :]
    # As one matrix product: the outer products of the rows' columns against the covariances.
    outer = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    return covariance.reshape(len(sd), -1) @ outer.T
