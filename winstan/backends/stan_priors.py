"""Priors as data of the templates: see ``stan/include/priors.stan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.priors import Flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.priors import Prior


def prior_data(priors: Iterable[Prior]) -> tuple[list[int], Array]:
    """Return the kind of each prior, and its numbers, three at most."""
    priors = list(priors)
    numbers = np.zeros((len(priors), 3))
    for row, prior in zip(numbers, priors, strict=True):
        if prior.kind != Flat.kind:  # those that are shared are data of their own
            row[: len(prior.numbers)] = prior.numbers
    return [prior.kind for prior in priors], numbers
