"""Replicated categories beside those of the data: shares of each, and scores of ordered ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.categories import numbers_of
from winstan.effects.categories import scores_of
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.options import Check

type Statistic = tuple[str, Callable[[Any], Any]]


def places_of(model: Model, values: Array) -> Array:
    """Return the places of categories, from 0 up, that are given by number or by place."""
    numbers = numbers_of(model.design.response.categories or ())
    if numbers is None:
        return values
    order = np.argsort(numbers)
    return order[np.searchsorted(np.asarray(numbers)[order], values)].astype(float)


def labels_of_places(model: Model) -> list[str]:
    """Write the categories for an axis."""
    return [str(label) for label in model.design.response.categories or ()]


def check_kind(model: Model, kind: Check) -> None:
    """Refuse means of categories that have no order.

    Raises
    ------
    OptionError
    """
    if kind == "groups" and model.family.kind == "unordered":
        raise OptionError(
            "kind='groups' draws the mean of each group, and categories without an order have "
            "none: plot_predictive() draws the share of each, kind='statistic' how far replicates "
            "reach it."
        )


def for_figure(model: Model, kind: Check, y: Array, y_rep: Array) -> tuple[Array, Array, str]:
    """Return the data and replicates as a figure takes them, and what it calls them.

    That is their places for the shares of each; else the scores of ordered ones.
    """
    response = model.design.response
    if kind == "density":
        return places_of(model, y), places_of(model, y_rep), response.name
    if model.family.kind == "unordered":
        return y, y_rep, response.name
    categories = response.categories or ()
    scores = np.asarray(scores_of(categories)[0])
    own, replicated = (scores[places_of(model, part).astype(int)] for part in (y, y_rep))
    is_rank = numbers_of(categories) is None
    return own, replicated, f"rank of {response.name}" if is_rank else response.name


def share_statistics(model: Model) -> tuple[Statistic, ...]:
    """Return, by category, the share of rows that have it."""

    def share(place: int) -> Callable[[Any], Any]:
        return lambda values: np.mean(places_of(model, values) == place, axis=1)

    named = enumerate(labels_of_places(model))
    return tuple((f"share of {label}", share(place)) for place, label in named)
