"""Coefficients and effects that follow the noise as PyTensor graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.model import Model


def follow_noise(
    pm: Any,
    pt: Any,
    model: Model,
    raw: Mapping[str, Any],
    sd: Any,
    factors: Sequence[Any],
    numbers: Sequence[Any],
) -> dict[str, Any]:
    """Return what stands for ``joint_raw`` and ``rest_raw``: see `winstan.coordinates.conditional`.

    `numbers` are the parameters beside the mean that are numbers, in their order.
    """
    given = model.coordinates.conditional
    if not given.any:
        return {}
    information = given.fixed + given.scaled * numbers[given.number] ** given.power
    at = given.at.size - sum(
        term.shape[0] * J for term, J in zip(model.coordinates.terms, given.levels, strict=True)
    )
    parts = [pt.as_tensor(given.columns[:, :at])]
    for root, term, J in zip(
        model.stacked.roots(sd, factors, pt), model.coordinates.terms, given.levels, strict=True
    ):
        q = term.shape[0]
        own = given.columns[:, at : at + q * J]
        parts.append(pt.dot(own, pt.linalg.kron(root, np.eye(J))))
        at += q * J
    G = pt.concatenate(parts, axis=1)
    weighted = G.T * information
    K = pt.linalg.cholesky(np.eye(given.at.size) + pt.dot(weighted, G))
    pm.Potential("given_noise", -pt.log(pt.diag(K)).sum())
    both = pt.concatenate([raw["joint_raw"], raw["rest_raw"]])
    told = pt.linalg.solve_triangular(K, pt.dot(weighted, given.response), lower=True)
    own = pt.linalg.solve_triangular(K, both[given.at] + told, lower=True, trans=1)
    both = pt.set_subtensor(both[given.at], own)
    n = len(model.coordinates.decorrelation.remaining_scale)
    return {"joint_raw": both[:n], "rest_raw": both[n:]}
