"""Terms of single thresholds as guards see them: population terms beside those of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.formula.terms import Effects

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.model import Model


def with_terms_of_thresholds(model: Model) -> tuple[Formula, Design]:
    """Return the mean's formula and design, with the terms inside ``cs()`` among their terms."""
    formula, design = model.formula, model.design
    own = next((name for name, one in design.beside.items() if one.anchored), None)
    if own is None:
        return formula, design
    beside, more = design.beside[own], formula.parameters[own].effects
    K = design.X.shape[1]
    terms = tuple(
        replace(term, columns=tuple(c + K for c in term.columns), parameter=design.parameter)
        for term in beside.terms
    )
    effects = Effects(formula.effects.intercept, formula.effects.terms + more.terms)
    return (
        replace(formula, effects=effects),
        replace(design, X=np.hstack([design.X, beside.X]), terms=design.terms + terms),
    )
