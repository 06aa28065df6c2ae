"""Log densities of backends, held to the sum over rows of `Reference`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from reference_density import Reference
from slopes import slopes_agree

from winstan.backends import pymc, stan

if TYPE_CHECKING:
    from winstan.model import Model


def stan_agrees(
    model: Model, scale: float = 0.8, n: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hold Stan's density, constants included, and its gradient to the rows.

    Returns
    -------
    points, density, slopes : ndarray, shapes (n, D), (n,), (n, D)
        Where, at normal coordinates of this scale, and Stan's.
    """
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, scale, (n, reference.dim))
    density, slopes = stan.BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
    slopes_agree(reference, points, slopes)
    return points, density, slopes


def stan_and_pymc_agree(model: Model, scale: float = 0.6) -> None:
    """Hold Stan's density and gradient to the rows, and PyMC's, but for a constant, to Stan's."""
    points, density, slopes = stan_agrees(model, scale)
    theirs, their_slopes = pymc.BACKEND.log_density(model, points)
    np.testing.assert_allclose(np.diff(theirs), np.diff(density), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(their_slopes, slopes, rtol=1e-6, atol=1e-8 * abs(slopes).max())
