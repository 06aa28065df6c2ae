"""Category-specific effects: each threshold has a linear predictor beside the one of all.

Of ``rating ~ contact + cs(temp)`` threshold k, of K - 1, is held against eta + cs_k, with temp in
each cs_k and contact in eta. What a family states of its thresholds it states of these: threshold k
is less by cs_k. Under a cumulative model thresholds that move apart may cross, which gives negative
probabilities; by stopping ratios and adjacent categories they need not be in order.

References
----------
Peterson and Harrell (1990), Applied Statistics 39, 205-217.
Bürkner and Vuorre (2019), Advances in Methods and Practices in Psychological Science 2, 77-101.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace

SHARED_NAME = "cs"
"""What the parameters of all thresholds are called together; each has its number from 1 up."""


@dataclass(frozen=True, slots=True)
class Specific:
    """The functions of a family whose thresholds have linear predictors of their own.

    Attributes
    ----------
    family : Family
        Without them.
    names : tuple of str
        Their parameters, one for each threshold.
    """

    family: Family
    names: tuple[str, ...]

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        return self.family.log_likelihood(stats, eta, self._moved(aux), link, xp)

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and expected information by what all thresholds share, shape (C,) each."""
        return self.family.score(stats, eta, self._moved(aux), link)

    def joint_score(
        self, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and expected information by all linear predictors, what all share first.

        What all thresholds share moves each, as its own linear predictor does.
        """
        assert self.family.step_scores is not None
        thresholds = self._moved(aux)["threshold"]
        scores, information = self.family.step_scores(stats, eta, thresholds, link)
        n = len(thresholds)
        moves = np.vstack([np.ones(n), np.eye(n)])
        return moves @ scores, np.einsum("ai,ijc,bj->abc", moves, information, moves)

    def threshold_score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
        """Differentiate the log density of all rows by each threshold, shape (K - 1,)."""
        assert self.family.threshold_score is not None
        return self.family.threshold_score(stats, eta, self._moved(aux), link)

    def category_probability(self, k: int, eta: Array, aux: Aux, link: Link) -> Array:
        """Probability of category k, counted from 0."""
        assert self.family.category_probability is not None
        return self.family.category_probability(k, eta, self._moved(aux), link)

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        return self.family.log_density(y, eta, self._moved(aux), link, trials)

    def written(self, own: Distribution | None) -> Distribution | None:
        """Say how a program writes it: with thresholds less the linear predictors of each."""
        if own is None:
            return None
        stacked = f"[{', '.join(self.names)}]"
        moved = f"threshold - {stacked}'"
        by_row = f"(threshold - pm.math.stack({stacked}, axis=1))"
        return replace(
            own,
            before={
                link: tuple(line.replace("threshold", by_row) for line in lines)
                for link, lines in own.before.items()
            },
            arguments=own.arguments.replace("threshold", moved),
            by_link={
                link: (name, arguments.replace("threshold", moved))
                for link, (name, arguments) in own.by_link.items()
            },
        )

    def _moved(self, aux: Aux) -> Aux:
        pairs = zip(aux["threshold"], self.names, strict=True)
        return {**aux, "threshold": tuple(at - aux[name] for at, name in pairs)}


def with_specific(family: Family, n: int) -> Family:
    """Return the family with a linear predictor for each of n thresholds beside the shared one.

    Parameters
    ----------
    family
    n
        Thresholds: one less than the response has categories.

    Raises
    ------
    FamilyError
        If the family has no thresholds that can have them.
    """
    check_specific(family)
    own = Specific(family, tuple(f"{SHARED_NAME}{k}" for k in range(1, n + 1)))
    return replace(
        family,
        parameters=(
            *family.parameters,
            *(
                Parameter(
                    name=name,
                    domain="real",
                    label=f"predictor of threshold {k} alone",
                    start=0.0,
                    coefficient_sd=2.5,
                    shared_name=SHARED_NAME,
                )
                for k, name in enumerate(own.names, 1)
            ),
        ),
        log_likelihood=own.log_likelihood,
        score=own.score,
        joint_score=own.joint_score,
        threshold_score=own.threshold_score,
        category_probability=own.category_probability,
        log_density=own.log_density,
        stan=own.written(family.stan),
        pymc=own.written(family.pymc),
    )


def check_specific(family: Family) -> None:
    """Refuse ``cs(x)`` where no threshold, or no category, can have effects of its own.

    Raises
    ------
    FamilyError
    """
    if family.step_scores is not None:
        return
    vector = family.thresholds
    if vector is not None and vector.domain == "ordered":
        raise FamilyError(
            f"cs() gives each threshold effects of its own, which family={family.name!r} cannot "
            "have: its thresholds would cross at some values of the predictors, and probabilities "
            "between them be negative. Use family='sratio' or 'acat', whose thresholds are in no "
            "order, or leave cs() out for effects that all thresholds share."
        )
    if family.kind == "unordered":
        raise FamilyError(
            f"cs() has nothing to add to family={family.name!r}: each category but the reference "
            "has a coefficient of its own already. Write the terms without cs()."
        )
    raise FamilyError(
        f"cs() is of the thresholds of ordered categories, which family={family.name!r} has not: "
        "use family='sratio' or 'acat', or write the terms without cs()."
    )
