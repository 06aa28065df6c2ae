"""A response of several categories: their places, from 0 up, and their labels."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels, some_rows
from winstan.data.text import as_ordered
from winstan.design.evaluation import one_per_row
from winstan.design_warnings import warn_design
from winstan.errors import DataError, FormulaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan.data import Frame

_COUNTED = re.compile(r"(.*?)(\d+)")
MOST = 50
"""Categories up to which a model of them is made: each has parameters of its own."""


def as_categories(
    values: Any, name: str, frame: Frame, *, ordered: bool
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Take a response as categories.

    Parameters
    ----------
    values
        N values: a factor, whose levels all count, also those that no row has; whole numbers, of
        which those count that some row has; or yes and no.
    name
        The response, for messages.
    frame
        Its rows, and the categories where they are settled.
    ordered
        Whether the order of the categories matters.

    Returns
    -------
    places : ndarray, shape (N,)
        Of each row's category, as float64.
    labels : tuple
        Of the categories, in order.

    Raises
    ------
    DataError
        When numbers are no whole ones.
    FormulaError
        When there are more categories than a model can have.

    Warns
    -----
    DesignWarning
        ``category_order``, when the order is that of the alphabet, which nobody chose.
    """
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        factor = pd.Categorical(values)
        if frame.categories is not None:
            _check_settled(factor.categories[np.unique(factor.codes)], name, frame)
            factor = factor.set_categories(list(frame.categories))
        labels, places = factor.categories.tolist(), np.asarray(factor.codes)
        if name not in frame.ordered:
            labels, places = _by_number(labels, places)
            if ordered and is_alphabetical(labels):
                _warn_of_order(factor, name, frame)
    else:
        places, labels = _whole(values, name, frame)
        if frame.categories is not None:
            _check_settled(labels, name, frame)
            places = np.searchsorted(frame.categories, labels)[places]
            labels = list(frame.categories)
    if len(labels) > MOST:
        raise FormulaError(
            f"The response '{name}' has {len(labels)} categories ({some_levels(labels)}), and a "
            f"model of categories has parameters for each; it takes {MOST} at most. Numbers of so "
            "many values fit a family of numbers, such as family='gaussian'; or make fewer "
            "categories, with pd.cut."
        )
    return places.astype(np.float64), tuple(labels)


def join_categories(found: Iterable[tuple[Any, ...]], name: str) -> tuple[Any, ...]:
    """Join the categories of several parts of the rows into those of all of them.

    Parameters
    ----------
    found
        From `as_categories`, of each part. Declared levels are those of every part, and keep their
        order; of others each part has its own, which are sorted anew.
    name
        The response, for messages.

    Raises
    ------
    DataError
        When some parts have labels, and others numbers.
    """
    first, *others = dict.fromkeys(found)
    if not others:
        return first
    try:
        labels = sorted(set(first).union(*others))
    except TypeError:
        raise DataError(
            f"The response '{name}' has labels in some groups of rows, and numbers in others, "
            "which have no order in common. Make all of them text."
        ) from None
    return tuple(_by_number(labels, np.arange(len(labels)))[0])


def numbers_of(labels: tuple[Any, ...]) -> tuple[float, ...] | None:
    """Return the numbers that categories are; None where they are words."""
    try:
        found = [float(label) for label in labels]
    except (TypeError, ValueError):
        return None
    return tuple(found) if np.all(np.isfinite(found)) else None


def _whole(values: Any, name: str, frame: Frame) -> tuple[np.ndarray, list[Any]]:
    """Give distinct whole numbers, or no and yes, their places."""
    is_truth = getattr(values, "dtype", None) == np.bool_
    y = one_per_row(values, len(frame.data), f"The response '{name}'")
    bad = np.flatnonzero(~np.isfinite(y) | (y != np.floor(y)))
    if bad.size:
        verb = "is" if bad.size == 1 else "are"
        raise DataError(
            f"Categories are text, the levels of a factor, or whole numbers, and '{name}' has "
            f"{how_many(bad.size, 'value')} that {verb} none of these, of {len(y):,}, in "
            f"{some_rows(frame.kept[bad])}. If its numbers are categories, make them a factor: "
            f"pd.Categorical({frame.column.format(name)}, ordered=True)."
        )
    found, places = np.unique(y, return_inverse=True)
    labels = [bool(v) for v in found] if is_truth else [int(v) for v in found]
    return places.reshape(-1), labels


def _check_settled(labels: Iterable[Any], name: str, frame: Frame) -> None:
    """Refuse labels that are none of the categories which are settled."""
    strange = [label for label in labels if label not in (frame.categories or ())]
    if strange:
        raise DataError(
            f"The response '{name}' has {some_levels(strange)} in these rows, which is none of its "
            f"categories over all rows, {some_levels(list(frame.categories or ()))}. Make it a "
            "column of the data first."
        )


def _by_number(labels: list[Any], places: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Put text that is written as numbers in their order: 2 before 10."""
    numbers = numbers_of(tuple(labels))
    if numbers is None or not is_alphabetical(labels):
        return labels, places
    order = np.argsort(numbers, kind="stable")
    return [labels[i] for i in order], np.argsort(order)[places]


def is_alphabetical(labels: Sequence[Any]) -> bool:
    """Whether labels are text, more than two, in the order of the alphabet."""
    is_text = all(isinstance(label, str) for label in labels)
    return is_text and len(labels) > 2 and list(labels) == sorted(labels)


def are_in_sequence(labels: Sequence[str]) -> bool:
    """Whether labels count: ``A, B, C``, or ``day1, day2, day10``."""
    if all(len(label) == 1 for label in labels):
        return all(ord(b) - ord(a) == 1 for a, b in pairwise(labels))
    parts = [_COUNTED.fullmatch(label) for label in labels]
    if None in parts:
        return False
    stems, numbers = zip(*(part.groups() for part in parts if part), strict=True)
    return len(set(stems)) == 1 and all(int(a) < int(b) for a, b in pairwise(numbers))


def _warn_of_order(factor: pd.Categorical, name: str, frame: Frame) -> None:
    labels = factor.categories.tolist()
    if numbers_of(tuple(labels)) is not None:
        return
    column = as_ordered(factor, frame.column.format(name))
    warn_design(
        f"The categories of '{name}' are in the order of the alphabet: {' < '.join(labels)}. If "
        f"that is not their order, declare it: {column}, with the categories in order.",
        "category_order",
    )
