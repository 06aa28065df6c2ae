"""Gradients, held to differences of a density that knows none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def slopes_agree(
    density: Callable[[np.ndarray], float],
    points: np.ndarray,
    slopes: np.ndarray,
    tolerance: float = 1e-6,
    step: float = 1e-5,
) -> None:
    """Hold the gradient at each point to the central difference along a line through it.

    Each line moves all coordinates, so that a wrong element shows at every point: as many
    evaluations as two elements of one gradient would take by differences of their own. The
    tolerance is a share of the gradient's largest element, or of one.
    """
    rng = np.random.default_rng(11)
    for point, slope in zip(points, slopes, strict=True):
        along = rng.choice([-1.0, 1.0], point.size) * rng.uniform(0.7, 1.3, point.size)
        along *= 2 / np.linalg.norm(along)
        expected = (density(point + step * along) - density(point - step * along)) / (2 * step)
        largest = max(1.0, np.abs(slope).max())
        np.testing.assert_allclose(slope @ along, expected, rtol=1e-5, atol=tolerance * largest)
