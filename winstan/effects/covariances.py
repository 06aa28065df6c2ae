"""Covariances of group effects, draw by draw, as the posterior's sds and correlations give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.effects.specification import Specified


def correlations(model: Specified, posterior: Mapping[str, Array]) -> tuple[Array | None, ...]:
    """Return the correlation matrix of each group term's effects.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).

    Returns
    -------
    tuple of ndarray, shape (S, q, q)
        One for each group term; None where its effects are independent.
    """
    at = dict.fromkeys((group.factor for group in model.design.groups), 0)
    out: list[Array | None] = []
    for group in model.design.groups:
        if not group.has_correlations:
            out.append(None)
            continue
        # A factor's correlations stand term after term.
        width, n_pairs, start = group.q, len(group.pairs), at[group.factor]
        values = posterior[f"{group.factor}_corr"][:, start : start + n_pairs]
        at[group.factor] += n_pairs
        row, column = np.tril_indices(width, -1)
        R = np.broadcast_to(np.eye(width), (len(values), width, width)).copy()
        R[:, row, column] = R[:, column, row] = values
        out.append(R)
    return tuple(out)


def standard_deviations(model: Specified, posterior: Mapping[str, Array]) -> tuple[Array, ...]:
    """Return the sds of each group term's effects, in the order of its columns, shape (S, q)."""
    out = []
    for group in model.design.groups:
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
