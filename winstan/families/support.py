"""Which responses a family can produce: masks of those that it cannot, words, and remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    return bad, "counts (whole numbers from 0 up)", ""


def unit_interval(sample: Sample) -> Support:
    """Return the rows that are not between 0 and 1."""
    bad = ~((sample.y > 0) & (sample.y < 1))
    percent = np.any(sample.y > 1) and np.all((sample.y >= 0) & (sample.y <= 100))
    remedy = "If these are percent, divide them by 100." if percent else ""
    return bad, "a response between 0 and 1, ends not included", remedy
