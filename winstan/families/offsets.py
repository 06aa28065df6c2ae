"""Offsets that can be moved into the response, so that rows that differ by them share a cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.data.grouped import IDENTITY

if TYPE_CHECKING:
    from winstan.families.sample import Sample


def subtract_offset(sample: Sample) -> Sample:
    """Y = offset + mu + e is y - offset = mu + e."""
    moments = {name: own.shifted(-sample.offset) for name, own in sample.moments.items()}
    return replace(
        sample, y=sample.y - sample.offset, offset=np.zeros_like(sample.y), moments=moments
    )


def divide_by_exp_offset(sample: Sample) -> Sample:
    """Divide by exp(offset): a scale family whose log scale has the offset is the same family."""
    factor = np.exp(-sample.offset)
    moments = {
        name: own.scaled(factor) if name == IDENTITY else own.shifted(-sample.offset)
        for name, own in sample.moments.items()
    }
    return replace(
        sample,
        moments=moments,
        y=sample.y * factor,
        offset=np.zeros_like(sample.y),
        log_jacobian=sample.log_jacobian - sample.total(sample.offset),
    )


def offset_to_exposure(sample: Sample) -> Sample:
    """Keep the offset of a Poisson's log mean as exposure, which cells sum."""
    return replace(sample, size=np.exp(sample.offset), offset=np.zeros_like(sample.y))
