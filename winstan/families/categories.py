"""What families of categories share: their counts by cell, their places, random ones, and scores.

A response of K categories is held as their places, from 0 up (`winstan.design.response`). What is
asked of such a model is the probability of each category, or the mean of numbers that they stand
for: each of these is a mean like any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError, OptionError, near_matches
from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.families.family import Aux, Family
    from winstan.families.links import Link
    from winstan.families.sample import Sample
    from winstan.families.support import Support

STRIPS = {"logit": np.pi, "probit": 2.0, "cloglog": np.pi / 2, "softmax": np.pi}
"""By link, half-widths of the strips in which probabilities are analytic, and not much above one:
of the normal distribution function they are exp(width^2 / 2)."""


def category_counts(sample: Sample, cell: np.ndarray, n_cells: int) -> dict[str, Any]:
    """Rows of each cell in each category."""
    K = sample.categories
    counts = sum_by(cell * K + sample.y.astype(np.int64), sample.weight, n_cells * K)
    return {
        "K": K,
        "counts": counts.reshape(n_cells, K),
        "log_constant": sample.log_jacobian,
    }


def places(sample: Sample) -> Support:
    """Return the rows that have no category."""
    bad = ~((sample.y >= 0) & (sample.y < sample.categories) & (sample.y == np.floor(sample.y)))
    return bad, "categories", ""


def place_of_reference(reference: Any, labels: Sequence[Any]) -> int:
    """Return the place of the reference: of the first category, unless another was chosen.

    Raises
    ------
    FamilyError
        If it is none of the categories.
    """
    if reference is None:
        return 0
    found = [k for k, label in enumerate(labels) if reference in (label, str(label))]
    if not found:
        words = [str(label) for label in labels]
        raise FamilyError(
            f"The reference {reference!r} is none of the categories {', '.join(words)}."
            + near_matches(str(reference), words)
        )
    return found[0]


def draw_category(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a category's place by the probabilities of all, shape (..., K)."""
    at_most = np.cumsum(mu, axis=-1)
    drawn = rng.random(mu.shape[:-1])[..., None] * at_most[..., -1:]
    return np.sum(drawn >= at_most, axis=-1).clip(max=mu.shape[-1] - 1).astype(float)


def probabilities(family: Family, n: int, eta: Array, aux: Aux, link: Link) -> Array:
    """Return the probabilities of n categories where the linear predictor is eta: (..., n)."""
    assert family.category_probability is not None
    each = [family.category_probability(k, eta, aux, link) for k in range(n)]
    return np.stack(np.broadcast_arrays(*each), axis=-1)


def no_mean(mu: Array, aux: Aux) -> Array:
    """Refuse: categories have no mean response."""
    raise OptionError(
        "Categories have no mean response. contrast, means, conditional, effects and predict give "
        "each category's probability; parameter='score' is the mean score of ordered categories, "
        "and parameter='mu' their linear predictor (of unordered ones 'muB' that of B)."
    )


def of_category(family: Family, link: Link, k: int, n: int) -> Family:
    """Return a family whose mean response is the probability of category k of n."""
    own = family.category_probability
    assert own is not None

    def response_mean(eta: Array, aux: Aux) -> Array:
        return own(k, eta, aux, link)

    place = None if family.softmax_place is None else family.softmax_place(k)
    return replace(_with_mean(family, link, response_mean, n, kind="binary"), softmax_of=place)


def of_score(family: Family, link: Link, scores: Sequence[float]) -> Family:
    """Return a family whose mean response is the mean of numbers that categories stand for."""
    own = family.category_probability
    assert own is not None

    def response_mean(eta: Array, aux: Aux) -> Array:
        return np.sum([s * own(k, eta, aux, link) for k, s in enumerate(scores)], axis=0)

    return _with_mean(family, link, response_mean, len(scores), kind="real")


def _with_mean(family: Family, link: Link, response_mean: Any, n: int, kind: Any) -> Family:
    """Return a family of numbers, whose linear predictor is taken as it is: by the identity."""
    first, *others = family.parameters
    return replace(
        family,
        kind=kind,
        parameters=(replace(first, links=("identity",)), *others),
        response_mean=response_mean,
        mean_strip=STRIPS[link.name] if family.category_strip is None else family.category_strip(n),
    )
