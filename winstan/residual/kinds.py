"""The structure of a residual term, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.residual.autoregressive import neighbour_pairs
from winstan.residual.compound_symmetry import sum_pairs
from winstan.residual.patterned import pattern_pairs

if TYPE_CHECKING:
    from winstan.design.residual import ResidualTerm
    from winstan.priors import Prior
    from winstan.residual.structure import Pairs, Structure


def structure_of(term: ResidualTerm, prior: Prior) -> tuple[Structure, Pairs]:
    """Return the structure of a term, and the products of rows that it weighs."""
    eta = prior.numbers[0] if prior.numbers else 1.0
    if term.kind in ("ar", "car"):
        return neighbour_pairs(term, prior)
    if term.kind == "cs":
        return sum_pairs(term, eta)
    return pattern_pairs(term, eta)
