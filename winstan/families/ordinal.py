"""What the families of ``stan/cumulative.stan`` share: ordered categories, by thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import mean
from winstan.families.categories import category_counts, draw_category, no_mean, places
from winstan.families.family import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.parameter import Parameter
    from winstan.families.sample import Sample


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The functions of such a family that follow from its categories' probabilities.

    Attributes
    ----------
    form : int
        Of the distribution in ``stan/cumulative.stan``.
    log_probabilities : callable
        ``log_probabilities(k, eta, thresholds, link)``: of some categories, counted from 0.
    """

    form: int
    log_probabilities: Callable[[Iterable[int], Array, Sequence[Any], Link], list[Array]]

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Rows of each cell in each category."""
        return {**category_counts(sample, cell, n_cells), "form": self.form}

    def category_probability(self, k: int, eta: Array, aux: Aux, link: Link) -> Array:
        """Probability of category k, counted from 0."""
        return np.exp(self.log_probabilities([k], eta, aux["threshold"], link)[0])

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        categories = range(len(aux["threshold"]) + 1)
        out = np.zeros(np.broadcast_shapes(np.shape(y), np.shape(eta)))
        each = self.log_probabilities(categories, eta, aux["threshold"], link)
        for k, log_probability in enumerate(each):
            out = np.where(y == k, log_probability, out)
        return out


def ordinal(
    name: str, functions: Ordinal, links: Sequence[str], thresholds: Parameter, **own: Any
) -> Family:
    """Return the family of these functions; `own` is what else it says."""
    return Family(
        name=name,
        kind="ordered",
        parameters=(mean("real", *links), thresholds),
        template="cumulative",
        support=places,
        statistics=functions.statistics,
        category_probability=functions.category_probability,
        log_density=functions.log_density,
        draw=draw_category,
        response_mean=no_mean,
        **own,
    )
