"""Coordinates of all else that follow one auxiliary parameter along its profile.

Where the shift of a response moves, the mean and the scale of what is beyond it follow, along a
curve that no metric straightens. With x the coordinate of the shift, and t = tanh(x / 4), which is
bounded, every other coordinate's middle, and the logarithm of its scale, is a polynomial of t laid
through the fits of `winstan.approximation.profile` (`.along_profile`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array


@dataclass(frozen=True, slots=True, eq=False)
class Profiled:
    """How all else follows a number, each as ``coefficients @ powers``.

    Attributes
    ----------
    number : int
        Its place.
    aux, aux_log_scale : ndarray, shape (A, n)
        Of the other numbers, which are free; zeros for it.
    log_sd : ndarray, shape (Q, n)
    location, log_scale : ndarray, shape (P + T, n)
        Of the deviations of coefficients and scores, and of their coordinates' scales.
    """

    number: int
    aux: Array
    aux_log_scale: Array
    log_sd: Array
    location: Array
    log_scale: Array

    @classmethod
    def nothing(cls, A: int, Q: int) -> Profiled:
        """Return that of no number, which nothing follows."""
        return cls(-1, np.zeros((A, 0)), np.zeros((A, 0)), np.zeros((Q, 0)), *np.zeros((2, 0, 0)))

    @property
    def any(self) -> bool:
        """Whether anything follows a number."""
        return self.number >= 0

    def powers(self, raw: Array) -> Array:
        """Return the powers at coordinates of the numbers, (..., A): (..., n)."""
        if not self.any:
            return np.zeros((*raw.shape[:-1], 0))
        t = np.tanh(0.25 * raw[..., self.number, None])
        return np.asarray(t ** np.arange(self.aux.shape[1]))

    def with_numbers(self, E: int) -> Profiled:
        """Return it where there are E more numbers, which do not follow."""
        more = np.zeros((E, self.aux.shape[1]))
        return replace(
            self,
            aux=np.vstack([self.aux, more]),
            aux_log_scale=np.vstack([self.aux_log_scale, more]),
        )
