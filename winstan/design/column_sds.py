"""Sds of the columns of group terms: each its own, shared with others, or a Gaussian process's.

The columns of what bends share one sd; those of a Gaussian process have the roots of its spectral
density at their frequencies, which follow from an sd and a length-scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array

_ROOT_TWO_PI = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSds:
    """How N columns' sds follow from the Q numbers that are sampled: sds and length-scales.

    Attributes
    ----------
    n : int
        Q.
    of : ndarray of int, shape (N,)
        The sd of each column.
    length : ndarray of int, shape (N,)
        The length-scale of each; -1 for none.
    frequency : ndarray, shape (N,)
        At which the spectral density is taken; zero for none.
    """

    n: int
    of: np.ndarray
    length: np.ndarray
    frequency: Array

    @classmethod
    def each(cls, n: int) -> ColumnSds:
        """Return n columns of an sd each."""
        return cls(n, np.arange(n), np.full(n, -1), np.zeros(n))

    @classmethod
    def joined(cls, parts: Iterable[ColumnSds]) -> ColumnSds:
        """Put those of several terms one after another."""
        of, length, frequency, n = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)], 0
        for part in parts:
            of.append(part.of + n)
            length.append(np.where(part.length < 0, -1, part.length + n))
            frequency.append(part.frequency)
            n += part.n
        return cls(n, np.concatenate(of), np.concatenate(length), np.concatenate(frequency))

    @property
    def plain(self) -> bool:
        """Whether each column has an sd of its own."""
        return self.n == self.of.size and not self.spectral

    @property
    def spectral(self) -> bool:
        """Whether there is a length-scale."""
        return bool(np.any(self.length >= 0))

    def __call__(self, own: Any, xp: Any = np) -> Any:
        """Return the columns' sds, shape (..., N), of the numbers, shape (..., Q).

        `xp` is the module of their functions: NumPy, or `pytensor.tensor`.
        """
        if self.plain:
            return own
        sd = own[..., self.of]
        if not self.spectral:
            return sd
        processes = self.length >= 0
        scale = own[..., np.where(processes, self.length, self.of)]
        density = xp.sqrt(scale * _ROOT_TWO_PI) * xp.exp(-((scale * self.frequency) ** 2) / 4)
        # Multiplied by one where there is no process: PyTensor has no assignment to a part.
        return sd * (processes * density + ~processes)

    def shared(self, columns: Array) -> Array:
        """Return the mean of the columns of each sd, shape (Q,); zero of a length-scale."""
        count = np.bincount(self.of, minlength=self.n)
        total = np.bincount(self.of, columns, minlength=self.n)
        return np.asarray(total / np.maximum(count, 1))

    def slopes(self, own: Array) -> Array:
        """Return how log sds of columns follow the log numbers, shape (N, Q), at numbers (Q,)."""
        out = np.zeros((self.of.size, self.n))
        out[np.arange(self.of.size), self.of] = 1.0
        at = np.flatnonzero(self.length >= 0)
        square = (own[self.length[at]] * self.frequency[at]) ** 2
        out[at, self.length[at]] = 0.5 - 0.5 * square
        return out
