"""Positive numbers with zeros apart: of probability hu, and else of a family of positive numbers.

The two parts share no parameter, so that each has its own statistics: those of the rows above zero
are the family's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import HU
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import ACCEPT_OPEN, Family
from winstan.families.namespace import NUMPY
from winstan.families.support import zeros_and_positive
from winstan.families.zeros import LEAST, above_zero, log_odds, zero_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Score, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.noise import NoiseInformation
    from winstan.families.sample import Sample


@dataclass(frozen=True, slots=True)
class HurdlePositive:
    """The functions of such a family.

    Attributes
    ----------
    base : Family
        Of the rows above zero.
    """

    base: Family

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Zeros of each cell, and the statistics of its rows above zero."""
        kept, some = above_zero(sample)
        logged = self.base.log_response
        own = {"sum_y": np.zeros(0), "sum_log_y": np.zeros(0)}
        own |= {"mean_y": np.zeros(0), "ss_within": np.zeros(0)}
        return {
            **own,
            **self.base.statistics(some, cell[kept], n_cells, predicted),
            "logged": int(logged),
            "n_zero": zero_rows(sample, cell, n_cells)["n_zero"],
        }

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        odds, log_rest = log_odds(aux["hu"], xp)
        zeros = xp.total(stats["n_zero"] * odds) + xp.total(
            (stats["n_zero"] + stats["n"]) * log_rest
        )
        return self.base.log_likelihood(stats, eta, aux, link, xp) + zeros

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and information by eta, shape (C,) each, of the rows above zero."""
        return self._of_base(self.base.score, stats, eta, aux, link)

    def score_of(
        self, name: str, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and information by a parameter of the rows above zero, shape (C,) each."""
        return self._of_base(self.base.scores[name], stats, eta, aux, link)

    def _of_base(
        self, score: Score, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        n = stats["n"]
        # A cell of zeros alone tells next to nothing of these.
        rows = np.maximum(n, LEAST * (n + stats["n_zero"]))
        slope, _ = score(stats, eta, aux, link)
        _, information = score({**stats, "n": rows}, eta, aux, link)
        return slope, information

    def score_of_hu(
        self, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and expected information by hu, shape (C,) each."""
        n_zero, n, hu = stats["n_zero"], stats["n"], aux["hu"]
        return n_zero / hu - n / (1 - hu), (n_zero + n) / (hu * (1 - hu))

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        zero, hu = y == 0, aux["hu"]
        above = self.base.log_density(np.where(zero, 1.0, y), eta, aux, link, trials)
        return np.where(zero, np.log(hu), np.log1p(-hu) + above)

    def draw(self, rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
        """Draw a response for each mean."""
        zero = rng.random(mu.shape) < aux["hu"]
        return np.where(zero, 0.0, self.base.draw(rng, mu, aux, trials))

    def response_mean(self, mu: Array, aux: Aux) -> Array:
        """Mean of all responses, zeros among them."""
        return (1 - aux["hu"]) * self.base.response_mean(mu, aux)

    def scale_part(self, sample: Sample) -> Sample:
        """Return the rows above zero, as the mean is of them."""
        return above_zero(sample, logged=self.base.log_response)[1]


def hurdle_positive(
    name: str,
    base: Family,
    *,
    aliases: tuple[str, ...],
    stan: Distribution,
    pymc: Distribution,
    noise: NoiseInformation,
) -> Family:
    """Return the family that has zeros beside the responses of another."""
    own = HurdlePositive(base)
    scores: dict[str, Callable[..., Any]] = {n: partial(own.score_of, n) for n in base.scores}
    mu, *others = base.parameters
    mu = replace(mu, label=f"{mu.label} of what is not zero")
    return Family(
        name=name,
        aliases=aliases,
        kind="nonnegative",
        label=f"hurdle {base.label}",
        parameters=(mu, *others, HU),
        template="hurdle_positive",
        support=zeros_and_positive,
        statistics=own.statistics,
        log_likelihood=own.log_likelihood,
        score=own.score,
        scores=scores | {"hu": own.score_of_hu},
        log_density=own.log_density,
        draw=own.draw,
        stan=stan,
        pymc=pymc,
        bambi=BambiFamily(name=name, complements={"hu": "psi"}),
        response_mean=own.response_mean,
        mean_link="log",
        scale_part=own.scale_part,
        masses=(0.0,),
        precision=base.precision,
        noise_information=noise,
        usual=True,
        target_accept=ACCEPT_OPEN,
    )
