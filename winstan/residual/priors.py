"""Default priors of residual correlations: uniform, whatever the unit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.priors import LKJ, Beta
from winstan.priors.resolution import PriorSlot
from winstan.residual.autoregressive import typical_gap

if TYPE_CHECKING:
    from winstan.design.residual import ResidualTerm


def residual_slots(term: ResidualTerm) -> list[PriorSlot]:
    """Return the slot of a term's parameter, which has the name of its kind.

    ``LKJ(1)`` is uniform: over the correlation of neighbours (``ar``), over the one correlation
    (``cs``), over correlation matrices (``toep``, ``unstr``). That of ``car`` is of rows that are
    one unit of time apart, and ``Beta(g, 1)`` makes that at the typical gap g uniform.
    """
    if term.kind == "car":
        return [PriorSlot("car", ("car",), "unit", Beta(typical_gap(term), 1.0))]
    return [PriorSlot(term.kind, (term.kind,), "correlation", LKJ(1.0), "corr")]
