"""Which numbers of a space tell each other, so that few of them predict each.

Given the parameters at the top, effects tell each other where rows have both: a nest's effect and
its brood's, a slope's and its intercept's. Factors of few levels come first, those of many after
them: levels of these hardly meet each other but in those.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan.model import Model

MOST = 60
"""Levels of another factor that predict an effect: those with which most cells have it."""


def predecessors(model: Model, n_top: int) -> list[tuple[int, np.ndarray]]:
    """Return the numbers of a space in an order, each with those before it that predict it.

    Parameters
    ----------
    model
    n_top
        Numbers that are no effects, which come first: each is predicted from all before it.

    Returns
    -------
    list of (int, ndarray of int)
    """
    top = np.arange(n_top)
    out = [(i, top[:i]) for i in range(n_top)]
    terms, start = model.coordinates.terms, model.coordinates.start
    before: list[int] = []
    for m in sorted(range(len(terms)), key=lambda m: terms[m].score.shape[1]):
        q, J = terms[m].score.shape
        own = n_top + start[m] + np.arange(q * J).reshape(q, J)
        beside = [_met(model, m, other) for other in before]
        for j in range(J):
            others = [
                (n_top + start[o] + level[j] + terms[o].score.shape[1] * np.arange(k)[:, None])
                for o, level in zip(before, beside, strict=True)
                for k in terms[o].score.shape[:1]
            ]
            known = np.concatenate([top, *(places.ravel() for places in others)])
            out += [(int(own[k, j]), np.concatenate([known, own[:k, j]])) for k in range(q)]
        before.append(m)
    return out


def _met(model: Model, m: int, other: int) -> list[np.ndarray]:
    """Return the levels of another term that each level of one meets in cells, most often first."""
    levels = model.cells.level
    there = (levels[m] >= 0) & (levels[other] >= 0)
    pairs, count = np.unique(
        np.stack([levels[m][there], levels[other][there]]), axis=1, return_counts=True
    )
    order = np.lexsort((-count, pairs[0]))
    first, second = pairs[:, order]
    J = model.coordinates.terms[m].score.shape[1]
    ends = np.searchsorted(first, np.arange(J + 1))
    return [second[a:b][:MOST] for a, b in pairwise(ends)]
