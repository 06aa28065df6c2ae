"""Which responses a family can produce: masks of those that it cannot, words, and remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import FamilyError

if TYPE_CHECKING:
    from winstan.families.family import Family
    from winstan.families.sample import Sample

type Support = tuple[np.ndarray, str, str]


def any_real(sample: Sample) -> Support:
    """Every finite number will do."""
    return np.zeros(sample.y.shape, bool), "", ""


def positive_real(sample: Sample) -> Support:
    """Return the rows that are not positive."""
    bad = ~(sample.y > 0)
    if np.all(sample.y >= 0) and np.all(sample.y == np.floor(sample.y)):
        remedy = "Counts with zeros fit family='poisson' or 'negative_binomial'."
    else:
        remedy = "family='gaussian' or 'student' take any number; or mend or drop those rows."
    return bad, "a positive response", remedy


def counts(sample: Sample) -> Support:
    """Return the rows that are not whole numbers from 0 up."""
    bad = ~((sample.y >= 0) & (sample.y == np.floor(sample.y)))
    if np.all(sample.y > 0):
        remedy = "A positive, continuous response fits family='gamma' or 'lognormal'."
    else:
        remedy = "A continuous response fits family='gaussian' or 'student'."
    return bad, "counts (whole numbers from 0 up)", remedy


def check_support(family: Family, sample: Sample, name: str, positions: np.ndarray) -> None:
    """Refuse a response that the family cannot have produced.

    Parameters
    ----------
    family
    sample
        The response, N rows.
    name
        The response's name.
    positions : ndarray of int, shape (N,)
        Of the rows, in the user's data frame.

    Raises
    ------
    FamilyError
        With the count of bad rows, the first few of them, and a family that would fit.
    """
    bad, wanted, remedy = family.support(sample)
    count = int(np.count_nonzero(bad))
    if not count:
        return
    where = np.flatnonzero(bad)[:5]
    rows = ", ".join(f"row {positions[i]}: {sample.y[i]:g}" for i in where)
    raise FamilyError(
        f"family={family.name!r} needs {wanted}, but {name!r} has {count} of {sample.y.size} rows "
        f"that are not ({rows}{', ...' if count > where.size else ''}). {remedy}"
    )
