"""``within(x, g)`` and ``between(x, g)``: a predictor as it differs within and between groups.

``between`` is the mean of x over the rows of a group, ``within`` what is left of x. Groups keep the
means that they had at first; a group that is new has the mean of its own new rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.formula.numbers import numbers

if TYPE_CHECKING:
    from winstan._typing import Array

_ROUNDING = 16 * float(np.finfo(float).eps)


class Between:
    """The means of groups; a function of formulae's that remembers its first rows.

    Parameters
    ----------
    weights : ndarray, shape (n,), or None
        How often each of the first rows counts.
    """

    __stateful_transform__ = True  # formulae makes one for each call in a formula

    def __init__(self, weights: Array | None = None) -> None:
        self._weights = weights
        self._known: dict[Any, float] | None = None

    def __call__(self, x: Any, *groups: Any) -> Array:
        """Return the mean of each row's group.

        Parameters
        ----------
        x : Series or ndarray, shape (n,)
        *groups : Series or ndarray, shape (n,)
            The columns whose combinations are the groups.
        """
        values = numbers(x)
        columns = [np.asarray(group, object) for group in groups]
        labels = columns[0] if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)
        code, levels = pd.factorize(labels)
        weights = np.ones(len(values)) if self._weights is None else self._weights
        means = _means(values, code, weights)
        if self._known is None:
            self._known, self._weights = dict(zip(levels, means.tolist(), strict=True)), None
        return np.array([self._known.get(*pair) for pair in zip(levels, means, strict=True)])[code]


class Within(Between):
    """What is left of x when the mean of its group is taken away."""

    def __call__(self, x: Any, *groups: Any) -> Array:
        """Return the difference of each row from its group's mean."""
        values = numbers(x)
        rest = values - super().__call__(x, *groups)
        # The rounding of a mean is no difference: of equal rows nothing is left.
        return np.where(np.abs(rest) <= _ROUNDING * np.abs(values).max(), 0.0, rest)


GROUP_MEANS: Mapping[str, type[Between]] = MappingProxyType({"within": Within, "between": Between})
"""By the name that a formula calls them."""


def weighted(names: Mapping[str, Any], weights: Array) -> dict[str, Any]:
    """Let those of a formula's functions that take means count rows by weights, shape (n,)."""
    out = dict(names)
    for name, function in GROUP_MEANS.items():
        if names.get(name) is function:
            out[name] = partial(function, weights)
            out[name].__stateful_transform__ = True
    return out


def _means(values: Array, code: np.ndarray, weights: Array) -> Array:
    """Return the mean of each group's values, taken about that of all."""
    center = float(np.average(values, weights=weights))
    means = np.bincount(code, weights * (values - center)) / np.bincount(code, weights)
    if np.ptp(means) <= _ROUNDING * np.abs(values).max():
        means = np.zeros_like(means)
    return center + means
