"""Angles in radians: on a circle there is no smallest one, and a mean is that of unit vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array

TURN = 2 * np.pi


def wrap_angles(angle: Any) -> Any:
    """Return angles between -pi and pi; those that are there already keep their very bits."""
    angle = np.asarray(angle, float)
    inside = np.abs(angle) <= np.pi
    # The rounding of the remainder may end a bit beyond pi.
    turned = np.clip(angle - TURN * np.round(angle / TURN), -np.pi, np.pi)
    return np.where(inside, angle, turned)


def resultant(angle: Array, weight: Array | None = None, axis: int | None = None) -> Any:
    """Return the mean of the unit vectors of some angles, as complex numbers.

    Its angle is the mean direction; its length is 1 where all angles are one, and 0 where they have
    no direction in common.
    """
    return np.average(np.exp(1j * np.asarray(angle, float)), axis=axis, weights=weight)


def mean_direction(angle: Array, weight: Array | None = None, axis: int | None = None) -> Any:
    """Return the angle of the mean of unit vectors (Mardia and Jupp 2000, section 2.2)."""
    return np.angle(resultant(angle, weight, axis))


def deviations(angle: Array, weight: Array | None = None, axis: int | None = 0) -> tuple[Any, Any]:
    """Return mean direction, and the angles' differences from it, between -pi and pi."""
    center = mean_direction(angle, weight, axis)
    return center, wrap_angles(angle - center)


def angular_deviation(angle: Array, weight: Array | None = None) -> float:
    """Return sqrt(2 (1 - R)): about the sd of near angles, and sqrt(2) of those all around.

    Reference: Zar (2010), Biostatistical Analysis, section 26.5.
    """
    _, away = deviations(angle, weight, None)
    # 1 - cos, without what rounding would leave of near angles.
    return float(np.sqrt(4 * np.average(np.square(np.sin(away / 2)), weights=weight)))


def circular_sd(angle: Array, axis: int | None = 0) -> Any:
    """Return sqrt(-2 log R), the sd of the wrapped normal (Mardia and Jupp 2000, section 2.3)."""
    _, away = deviations(angle, None, axis)
    # log1p of 1 - R as above; R of angles all around may round to nothing.
    lost = np.minimum(2 * np.mean(np.square(np.sin(away / 2)), axis=axis), 1 - 1e-15)
    return np.sqrt(-2 * np.log1p(-lost))
