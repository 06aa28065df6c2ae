"""Which responses a family can produce: masks of those that it cannot, words, and remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan._angles import TURN

if TYPE_CHECKING:
    from winstan.families.sample import Sample

type Support = tuple[np.ndarray, str, str]


def any_real(sample: Sample) -> Support:
    """Every finite number will do."""
    return np.zeros(sample.y.shape, bool), "", ""


def positive_real(sample: Sample) -> Support:
    """Return the rows that are not positive."""
    return ~(sample.y > 0), "a positive response", ""


def zeros_and_positive(sample: Sample) -> Support:
    """Return the rows that are below zero."""
    return ~(sample.y >= 0), "a response of zeros and positive numbers", ""


def counts(sample: Sample) -> Support:
    """Return the rows that are not whole numbers from 0 up."""
    bad = ~((sample.y >= 0) & (sample.y == np.floor(sample.y)))
    remedy = ""
    parts = sample.y[bad]
    # Those below 1 alone are shares
    if parts.size and np.all(np.isfinite(parts) & (parts > 0)) and parts.max() > 1:
        remedy = (
            "If '{name}' is a rate, model the counts themselves, and their exposure as an offset: "
            "count ~ ... + offset(log(exposure))."
        )
    return bad, "counts (whole numbers from 0 up)", remedy


def unit_interval(sample: Sample) -> Support:
    """Return the rows that are not between 0 and 1."""
    bad = ~((sample.y > 0) & (sample.y < 1))
    return bad, "a response between 0 and 1, ends not included", percent_remedy(sample.y)


def closed_unit_interval(sample: Sample) -> Support:
    """Return the rows that are not from 0 to 1."""
    bad = ~((sample.y >= 0) & (sample.y <= 1))
    return bad, "a response from 0 to 1, ends included", percent_remedy(sample.y)


def percent_remedy(y: np.ndarray) -> str:
    """Say what to do with numbers that may be percent; nothing where they cannot be."""
    beyond = int(np.count_nonzero(y > 1))
    if not beyond or not np.all((y >= 0) & (y <= 100)):
        return ""
    rows = "row is" if beyond == 1 else "rows are"
    return (
        f"{beyond} {rows} beyond 1, and none beyond 100: if these are percent, write {{name}}/100 "
        "in its place."
    )


def angles(sample: Sample) -> Support:
    """Return the rows that are beyond a turn in radians, on either side."""
    size = np.abs(sample.y)
    bad = size > TURN * (1 + 1e-6)
    remedy = (
        "If these are degrees, write np.deg2rad(y) for y on the left side, or multiply them by "
        "pi / 180; hours of the day are multiplied by pi / 12."
        if np.all(size <= 360)
        else "Say in which unit they are, and turn them into radians: a whole turn is 2 pi."
    )
    return bad, "angles in radians, between -pi and pi or between 0 and 2 pi", remedy
