"""Coordinates of effects whose innovations are sampled: standard normal a priori, as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winstan.coordinates.coordinates import Coordinates


def with_innovations(coordinates: Coordinates, m: int) -> Coordinates:
    """Sample the innovations of a term's effects, of which the approximate fit says nothing.

    Parameters
    ----------
    coordinates
        Where the term's effects are z-scores.
    m
        The term.
    """
    term, start = coordinates.terms[m], coordinates.start[m]
    terms = (*coordinates.terms[:m], term.as_z_scores(), *coordinates.terms[m + 1 :])
    decorrelation, P = coordinates.decorrelation, coordinates.beta_location.size
    n = len(decorrelation.remaining_scale)
    first, last = P + start - n, P + start - n + term.score.size
    if first >= 0:  # eliminated: else the scale of all that remains is one matrix
        scale = decorrelation.eliminated_scale.copy()
        scale[first:last] = 1.0
        regression = decorrelation.regression.tolil()
        regression[first:last] = 0.0
        decorrelation = replace(
            decorrelation, eliminated_scale=scale, regression=regression.tocsr()
        )
    by_sds = coordinates.sd_dependent_location
    location, log_scale = by_sds.location.copy(), by_sds.log_scale.copy()
    if first >= 0:
        location[n + first : n + last] = 0.0
        log_scale[n + first : n + last] = 0.0
    return replace(
        coordinates,
        terms=terms,
        decorrelation=decorrelation,
        sd_dependent_location=replace(by_sds, location=location, log_scale=log_scale),
    )
