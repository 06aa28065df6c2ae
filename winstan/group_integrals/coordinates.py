"""Coordinates where a term's effects are integrated out: of the coefficients, sd and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.coordinates.decorrelation import decorrelate_coefficients

if TYPE_CHECKING:
    from winstan.coordinates import Coordinates


def of_coefficients(coordinates: Coordinates) -> Coordinates:
    """Return those of the coefficients alone: they are eliminated last, and so had no effects."""
    P = coordinates.beta_location.size
    follows, followed = coordinates.sd_dependent_location, coordinates.profiled
    return replace(
        coordinates,
        terms=(),
        order=(),
        start=(),
        decorrelation=decorrelate_coefficients(
            coordinates.decorrelation.remaining_scale, np.zeros(0)
        ),
        sd_dependent_location=replace(
            follows, location=follows.location[:P], log_scale=follows.log_scale[:P]
        ),
        profiled=replace(
            followed, location=followed.location[:P], log_scale=followed.log_scale[:P]
        ),
    )
