"""Families whose rows can have a joint density: of one scale matrix, and one factor for all.

The density of a unit's rows depends on their residuals by one number, the square form of these in
the scale matrix. So the rows are normal given a factor of their common scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from winstan._typing import Array


@dataclass(frozen=True, slots=True)
class Elliptical:
    """What is known of the rows of one unit.

    Attributes
    ----------
    log_density : callable
        ``log_density(square, n, auxiliary, xp)``: of n rows, by their square form, without the
        determinant of their scale matrix. Of no row it is zero.
    factor : callable
        ``factor(rng, square, n, auxiliary)``: draws of the factor of the rows' common scale, given
        the square form of n rows that were seen; arrays broadcast.
    given_others : callable
        ``given_others(z, square, n, auxiliary)``: of a row given n others of their square form, the
        distribution function and the log density of its residual in scales from its middle.
    """

    log_density: Callable[..., Any]
    factor: Callable[..., Array]
    given_others: Callable[..., tuple[Array, Array]]
