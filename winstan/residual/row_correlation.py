"""Correlation of what is sampled row by row: latent effects, or residuals of a joint density.

Effects of single rows are sampled by either of two roads to one posterior. Where the data say
little of a row, what is sampled are the innovations, independent a priori, of which a root of the
correlation matrix makes the effects. Where they say much, the effects have the coordinates that
independent ones would have, and the prior is that of their innovations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.residual.kinds import structure_of
from winstan.residual.units import UnitRows, unit_rows

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.coordinates import Coordinates
    from winstan.design import Design, Stacked
    from winstan.priors import Priors
    from winstan.residual.structure import Pairs, Structure

# The correlation of neighbours from which the sampler starts, and the width of its numbers.
START, WIDTH = 0.4, 0.5
# Information of the data on a row's effect, in units of its prior's, up to which innovations are
# sampled: there both roads have posteriors of about the same condition.
INFORMED = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class RowCorrelation:
    """How rows of a unit are correlated, where neither effects nor residuals are integrated out.

    Attributes
    ----------
    structure : Structure
    pairs : Pairs
        As of `CorrelatedResiduals`: of residuals.
    unit : ndarray of int, shape (N,)
    rows : UnitRows
        Of latent effects with the numbers of their levels.
    term : int or None
        The place of the latent effects' term in `Stacked.groups`; None of residuals.
    """

    structure: Structure
    pairs: Pairs
    unit: np.ndarray
    rows: UnitRows
    term: int | None

    @property
    def start(self) -> Array:
        """The numbers from which the sampler starts."""
        return self.structure.start(START)

    @property
    def width(self) -> Array:
        """About how wide the posterior of the numbers is."""
        return np.full(self.structure.n_numbers, WIDTH)

    @property
    def gap_of(self) -> np.ndarray:
        """Of ``ar`` and ``car``, the place of each row's gap, from one; zero of first rows."""
        own = self.rows.since / self.structure.time_unit
        found = np.searchsorted(self.structure.gap, own)
        return np.where(self.rows.begins, 0, 1 + found)

    def colour(self, correlations: Array, white: Array) -> Array:
        """Make correlated effects of innovations, both (..., levels) in the order of levels."""
        flat = white.reshape(-1, white.shape[-1])
        given = correlations.reshape(len(flat), *self._dims)
        out = self.structure.colour(given, self.rows, flat[:, self.rows.rows])
        return out[:, self.rows.back].reshape(white.shape)

    @property
    def _dims(self) -> tuple[int, ...]:
        return tuple(len(labels) for labels in self.structure.dims.values())


def correlate_rows(design: Design, stacked: Stacked, priors: Priors) -> RowCorrelation:
    """Find the units of latent effects, or of residuals that have a joint density."""
    term = design.residual
    assert term is not None
    structure, pairs = structure_of(term, priors[term.kind])
    rows, place = unit_rows(term, structure.pattern_of), latent_place(stacked)
    if place is not None:
        rows = rows.renumbered(stacked.groups[place].level[design.row])
    return RowCorrelation(structure, pairs, term.unit, rows, place)


def latent_place(stacked: Stacked) -> int | None:
    """Return the place of the term of latent effects among the group terms; None without one."""
    return next((m for m, group in enumerate(stacked.groups) if group.latent), None)


def are_uninformed(coordinates: Coordinates, place: int, first_sd: int) -> bool:
    """Whether the data say less of single rows' effects than their prior does.

    Parameters
    ----------
    coordinates
        Those of effects that the data are asked about.
    place, first_sd
        Of their term, and of its sd.
    """
    term = coordinates.terms[place]
    known = float(term.information[term.information_class].mean())
    log_sd = coordinates.log_sd_location[first_sd] + coordinates.log_sd_skew[first_sd]
    return bool(known * np.exp(2 * log_sd) < INFORMED)
