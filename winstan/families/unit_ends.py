"""What families of shares that may be exactly 0 or 1 have in common.

Between the ends a share is beta, of mean mu and precision phi, so that a cell needs how many rows
are at either end, and the beta's statistics of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import beta
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.support import closed_unit_interval
from winstan.families.zeros import LEAST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Score, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def _is_inside(sample: Sample) -> np.ndarray:
    return (sample.y > 0) & (sample.y < 1)


def rows_inside(sample: Sample) -> Sample:
    """Return the rows between the ends."""
    return sample.taken(_is_inside(sample))


def beta_score(
    score: Score, stats: Statistics, eta: Array, aux: Any, link: Link
) -> tuple[Array, Array]:
    """Score and information by one of the beta's parameters, of the rows between the ends."""
    slope, _ = score(stats, eta, aux, link)
    # A cell without such rows tells next to nothing of it.
    rows = np.maximum(stats["n"], LEAST * (stats["n"] + stats["n_zero"] + stats["n_one"]))
    _, information = score({**stats, "n": rows}, eta, aux, link)
    return slope, information


@dataclass(frozen=True, slots=True)
class UnitEnds:
    """The functions of such a family.

    Attributes
    ----------
    ordered : bool
        Whether the ends lie beyond cutpoints of the linear predictor.
    log_shares : callable
        ``log_shares(eta, auxiliary, xp)``: the log probabilities of 0, of 1, and of what is
        between.
    """

    ordered: bool
    log_shares: Callable[[Any, Mapping[str, Any], Namespace], tuple[Any, Any, Any]]

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Rows at either end, and the beta's statistics of the others, per cell."""
        kept = _is_inside(sample)
        return {
            "ordered_ends": int(self.ordered),
            "n_zero": sample.by_cell(cell, n_cells, (sample.y == 0).astype(float)),
            "n_one": sample.by_cell(cell, n_cells, (sample.y == 1).astype(float)),
            **beta.statistics(sample.taken(kept), cell[kept], n_cells),
        }

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        zero, one, between = self.log_shares(eta, aux, xp)
        return (
            beta.log_likelihood(stats, eta, aux, link, xp)
            + xp.total(stats["n_zero"] * zero)
            + xp.total(stats["n_one"] * one)
            + xp.total(stats["n"] * between)
        )

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        zero, one, between = self.log_shares(eta, aux, NUMPY)
        share = np.where((y > 0) & (y < 1), y, 0.5)
        within = between + beta.log_density(share, eta, aux, link, trials)
        return np.where(y == 0, zero, np.where(y == 1, one, within))


def unit_ends(
    name: str,
    functions: UnitEnds,
    *,
    score: Score,
    scores: Mapping[str, Score] | None = None,
    **own: Any,
) -> Family:
    """Return the family of these functions; `own` is what else it says."""
    return Family(
        name=name,
        kind="proportion",
        template="unit_ends",
        support=closed_unit_interval,
        statistics=functions.statistics,
        log_likelihood=functions.log_likelihood,
        score=score,
        scores={"phi": partial(beta_score, beta.score_of_phi), **(scores or {})},
        log_density=functions.log_density,
        scale_part=rows_inside,
        masses=(0.0, 1.0),
        precision="phi",
        usual=True,
        **own,
    )
