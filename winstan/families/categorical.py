"""Unordered categories: the log odds of each against a reference have linear predictors.

P(Y = k) = exp(eta_k) / sum over j of exp(eta_j), with eta of the reference zero: the softmax of
K - 1 linear predictors, ``mu<Category>`` as brms has them. A cell needs how many of its rows have
each category. Of two categories it is the bernoulli family with a logit link.

References
----------
Agresti (2013), Categorical Data Analysis, section 8.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError
from winstan.families.auxiliary import mean
from winstan.families.categories import (
    category_counts,
    draw_category,
    no_mean,
    place_of_reference,
    places,
)
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.sample import sum_by
from winstan.families.zeros import log_sum

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, SharedInformation, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


@dataclass(frozen=True, slots=True)
class Categorical:
    """The functions of the family, of given categories.

    Attributes
    ----------
    names : tuple of str
        The parameters, one for each category but the reference.
    place : tuple of int
        The place of each of these categories.
    reference : int
        That of the reference.
    """

    names: tuple[str, ...]
    place: tuple[int, ...]
    reference: int

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Rows of each cell in each category, the reference first."""
        found = category_counts(sample, cell, n_cells)
        order = [self.reference, *self.place]
        return {**found, "counts": found["counts"][:, order]}

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        counts, etas = stats["counts"], self._etas(eta, aux)
        out = stats["log_constant"] - xp.dot(counts.sum(axis=1), _log_total(etas, xp))
        for k, own in enumerate(etas, 1):
            out += xp.dot(counts[:, k], own)
        return out

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and expected information by the first linear predictor, shape (C,) each."""
        return self.score_of(0, stats, eta, aux, link)

    def score_of(
        self, k: int, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and expected information by linear predictor k, counted from 0."""
        n, etas = stats["counts"].sum(axis=1), self._etas(eta, aux)
        total = _log_total(etas)
        p = np.exp(etas[k] - total)
        others = [0.0, *(own for j, own in enumerate(etas) if j != k)]
        rest = sum(np.exp(own - total) for own in others)
        return stats["counts"][:, k + 1] - n * p, n * p * rest

    def shared_of(
        self, j: int, k: int, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> Array:
        """Return the expected information that linear predictors j and k share, shape (C,)."""
        etas = self._etas(eta, aux)
        p = np.exp(etas[j] + etas[k] - 2 * _log_total(etas))
        return -stats["counts"].sum(axis=1) * p

    def softmax_place(self, k: int) -> int:
        """Return which linear predictor is that of the category in place k, 0 of the reference."""
        return 0 if k == self.reference else self.place.index(k) + 1

    def category_probability(self, k: int, eta: Array, aux: Aux, link: Link) -> Array:
        """Probability of the category in place k."""
        etas = self._etas(eta, aux)
        own: Any = 0.0 if k == self.reference else etas[self.place.index(k)]
        return np.exp(own - _log_total(etas))

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        etas = self._etas(eta, aux)
        out = -_log_total(etas)
        for k, own in zip(self.place, etas, strict=True):
            out = out + np.where(y == k, own, 0.0)
        return out

    def starts(self, sample: Sample) -> tuple[float, ...]:
        """Return log odds of the categories against the reference, half a row more in each."""
        counts = sum_by(sample.y.astype(np.int64), sample.weight, sample.categories) + 0.5
        odds = counts[list(self.place)] / counts[self.reference]
        return tuple(np.log(odds).tolist())

    def written(self, name: str, first: str, arguments: str) -> Distribution:
        """Say how a program writes it: with the linear predictors of all, in their order."""
        each = dict(zip(self.place, (first, *self.names[1:]), strict=True))
        zero = f"0 * {first}" if name == "Categorical" else "0"
        said = ", ".join(each.get(k, zero) for k in range(len(self.place) + 1))
        return Distribution(
            name=name,
            arguments="",
            by_link={"softmax": (name, arguments.replace("{all}", said))},
        )

    def _etas(self, eta: Any, aux: Aux) -> list[Any]:
        return [eta, *(aux[name] for name in self.names[1:])]


def _log_total(etas: Sequence[Any], xp: Namespace = NUMPY) -> Any:
    """Logarithm of one, for the reference, and the exponentials of all the others."""
    total = -xp.log_expit(-etas[0])
    for own in etas[1:]:
        total = log_sum(total, own, xp)
    return total


def of_labels(family: Family, labels: Sequence[Any]) -> Family:
    """Return the family of a response with these categories.

    Raises
    ------
    FamilyError
        If the reference is none of them, or names of two would be the same.
    """
    names = [f"mu{re.sub(r'\W', '', str(label))}" for label in labels]
    twice = sorted({label for label, name in zip(labels, names, strict=True)
                    if names.count(name) > 1 or name == "mu"}, key=str)  # fmt: skip
    if twice:
        raise FamilyError(
            f"The categories {', '.join(map(repr, twice))} name parameters, as 'muGood' of 'Good', "
            "by their letters and digits, and these are the same, or none. Rename them."
        )
    reference = place_of_reference(family.reference, labels)
    place = tuple(k for k in range(len(labels)) if k != reference)
    own = Categorical(tuple(names[k] for k in place), place, reference)
    shared: dict[tuple[str, str], SharedInformation] = {
        (own.names[j], own.names[k]): partial(own.shared_of, j, k)
        for j, k in combinations(range(len(place)), 2)
    }
    return replace(
        family,
        parameters=tuple(
            Parameter(
                name=names[k],
                domain="real",
                label=f"log odds of {labels[k]} against {labels[reference]}",
                links=("softmax",),
                coefficient_sd=2.5,
            )
            for k in place
        ),
        statistics=own.statistics,
        log_likelihood=own.log_likelihood,
        score=own.score,
        scores={n: partial(own.score_of, k) for k, n in enumerate(own.names) if k > 0},
        shared=shared,
        category_probability=own.category_probability,
        softmax_place=own.softmax_place,
        log_density=own.log_density,
        starts=own.starts,
        stan=own.written("categorical_logit", "eta{i}", "[{all}]'"),
        pymc=own.written("Categorical", own.names[0], "logit_p=pm.math.stack([{all}], axis=-1)"),
    )


_ANY = Categorical(("mu",), (1,), 0)

CATEGORICAL = Family(
    name="categorical",
    aliases=("multinom", "multinomial_logit", "softmax", "mlogit", "multinomial"),
    kind="unordered",
    label="categorical",
    parameters=(mean("real", "softmax"),),
    template="categorical",
    support=places,
    statistics=_ANY.statistics,
    log_likelihood=_ANY.log_likelihood,
    score=_ANY.score,
    category_probability=_ANY.category_probability,
    log_density=_ANY.log_density,
    draw=draw_category,
    response_mean=no_mean,
    of_labels=of_labels,
    bambi=BambiFamily(name="categorical", mean="p"),
    usual=True,
)


def categorical(reference: Any = None) -> Family:
    """Return the family of unordered categories, with a reference that you choose.

    Parameters
    ----------
    reference
        The category that the others are held against: their linear predictors are log odds against
        it. None is the first one.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.categorical(reference="left")
    Family('categorical')
    """
    return replace(CATEGORICAL, reference=reference)
