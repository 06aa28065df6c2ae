"""Functions of whole columns that distinct rows and how often each occurs are enough for.

formulae's ``scale``, ``center``, ``poly`` and ``bs`` take means, sums and quantiles of the rows
that they are given. Of distinct rows these are wrong: here each counts as often as it occurs, so
that columns are those of all rows, and a model of millions has as few rows as without them.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from formulae.transforms import BSpline, Polynomial

from winstan.formula.numbers import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array


class Center:
    """What a column differs by from its mean.

    Parameters
    ----------
    counts : ndarray, shape (n,), or None
        How often each of the first rows occurs; once where it is None.
    """

    __stateful_transform__ = True  # formulae makes one for each call in a formula

    def __init__(self, counts: Array | None = None) -> None:
        self._counts = counts
        self._mean: float | None = None
        self._sd = 1.0

    def __call__(self, x: Any) -> Array:
        """Return the difference of each row, shape (n,)."""
        values = numbers(x)
        if self._mean is None:
            self._mean = float(np.average(values, weights=self._counts))
            self._mean += float(np.average(values - self._mean, weights=self._counts))
            self._learn(values - self._mean)
            self._counts = None
        return (values - self._mean) / self._sd

    def _learn(self, rest: Array) -> None:
        """Learn more of the differences of the first rows."""


class Scale(Center):
    """The same in standard deviations, of the rows as a population."""

    def _learn(self, rest: Array) -> None:
        self._sd = float(np.sqrt(np.average(np.square(rest), weights=self._counts)))


class Polynomials(Polynomial):
    """Polynomials that are orthonormal over all rows: sums of formulae's are of their counts.

    Parameters
    ----------
    counts
        As of `Center`.
    """

    def __init__(self, counts: Array | None = None) -> None:
        super().__init__()
        self.params_set = False
        self._counts = counts

    def __call__(self, x: Any, degree: int = 1, raw: bool = False) -> Array:
        """Return the columns, shape (n, degree)."""
        values = numbers(x)
        if not self.params_set and not raw and self._counts is not None:
            self._learn(values, degree)
        self._counts = None
        columns: Array = super().__call__(values, degree, raw)
        self.params_set = True
        return columns

    def _learn(self, x: Array, degree: int) -> None:
        """Take the sums that formulae's recurrence remembers: of squares, and of x times these."""
        before, here = np.zeros_like(x), np.ones_like(x)
        for k in range(degree + 1):
            squares = self._counts * np.square(here)
            self.norms2[k] = squares.sum()
            self.alpha[k] = np.sum(x * squares) / self.norms2[k]
            ratio = self.norms2[k] / self.norms2[k - 1] if k else 0.0
            before, here = here, (x - self.alpha[k]) * here - ratio * before


class Splines(BSpline):
    """B-splines with knots at quantiles of all rows.

    Parameters
    ----------
    counts
        As of `Center`.
    """

    def __init__(self, counts: Array | None = None) -> None:
        super().__init__()
        self._counts = counts

    def __call__(
        self,
        x: Any,
        df: Any = None,
        knots: Any = None,
        degree: Any = 3,
        intercept: Any = False,
        lower_bound: Any = None,
        upper_bound: Any = None,
    ) -> Array:
        """Return the columns, shape (n, df)."""
        values = numbers(x)
        if self._counts is not None and knots is None and _is_whole(df) and _is_whole(degree):
            inner = df - degree - bool(intercept)
            if inner >= 0:  # else formulae says what is wrong
                knots = quantiles(values, self._counts, np.linspace(0, 1, inner + 2)[1:-1])
        self._counts = None
        columns: Array = super().__call__(
            values, df, knots, degree, intercept, lower_bound, upper_bound
        )
        return columns


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def quantiles(values: Array, counts: Array, probs: Array) -> Array:
    """Return quantiles by linear interpolation of values of which each occurs several times.

    Parameters
    ----------
    values, counts : ndarray, shape (n,)
    probs : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (k,)
        As `numpy.quantile` of all values one by one.
    """
    order = np.argsort(values, kind="stable")
    ordered, ends = values[order], np.cumsum(counts[order])
    place = probs * (ends[-1] - 1)
    below = np.floor(place)
    low, high = (
        ordered[np.searchsorted(ends, np.minimum(k, ends[-1] - 1), side="right")]
        for k in (below, below + 1)
    )
    return np.asarray(low + (place - below) * (high - low))


COUNTED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"center": Center, "scale": Scale, "standardize": Scale, "poly": Polynomials, "bs": Splines}
)
"""By the names that a formula calls them."""


def code_name(function: str) -> str:
    """Return the name of a function in the code for formulae, which looks first among its own.

    A name of formulae's, and of no function that a caller can define.
    """
    return f"{function}²" if function in COUNTED else function


def counted(names: Mapping[str, Any], counts: Array) -> dict[str, Any]:
    """Let those of a formula's functions that are here know how often rows occur, shape (n,)."""
    out = dict(names)
    for function, own in COUNTED.items():
        if (name := code_name(function)) in names:
            out[name] = partial(own, counts)
            out[name].__stateful_transform__ = True
    return out
