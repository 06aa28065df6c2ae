"""Whether a linear mixed model can be trusted: its design, and what was found at a boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.design_warnings import is_silent, warn_design
from winstan.guards.confounding import check_confounding
from winstan.guards.slopes import missing_slopes

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.classical.cross_products import GroupBlock
    from winstan.design import Design
    from winstan.formula import Formula

# A standard deviation this small beside the residual one is zero (lme4's limit).
_ZERO_SD = 1e-4
_CORRELATION_OF_ONE = 1 - 1e-6
_FEW_LEVELS = 5


def warn_of_design(formula: Formula, design: Design) -> None:
    """Warn of groups that are too few, too alike, or of one slope."""
    for group in design.groups:
        if len(group.levels) < _FEW_LEVELS:
            warn_design(
                f"The grouping factor '{group.factor}' has only {len(group.levels)} levels: its "
                "standard deviation is poorly known. Consider "
                f"'{group.factor}' as a population-level term, or ws.fit.",
                "few_levels",
            )
    guards = {
        "confounding": lambda: check_confounding(formula, design),
        "random_slopes": lambda: missing_slopes(formula, design),
    }
    for name, guard in guards.items():
        if not is_silent(name) and (message := guard()) is not None:
            warn_design(message, name)


def verdict(problem: str, singular: tuple[str, ...]) -> str:
    """Say in a sentence whether the fit can be used."""
    if problem:
        return (
            f"Not converged: {problem}. Do not use these estimates. Leave out a group term or a "
            "slope, write (x||g) for (x|g), or use ws.fit, whose priors hold such models together."
        )
    if singular:
        return (
            f"Singular fit: {'; '.join(singular)}. The data do not support these group terms: "
            "leave out what is zero, write (x||g) for (x|g) where a correlation is one, or use "
            "ws.fit, whose priors keep off the boundary."
        )
    return "Converged: the estimates are a verified maximum of the likelihood."


def singularities(term: GroupBlock, relative: Array, theta: Array) -> list[str]:
    """Name what of a term's covariance lies on the boundary."""
    # In units of each column: a slope's sd times the size of its predictor.
    sd = np.sqrt(np.diag(relative))
    zero = sd * np.linalg.norm(term.transform, axis=0) < _ZERO_SD
    found = [
        f"the standard deviation of '{name}|{term.factor}' is zero"
        for name, is_zero in zip(term.names, zero, strict=True)
        if is_zero
    ]
    rank_lost = np.count_nonzero(np.diag(term.factor_of(theta)) < _ZERO_SD)
    if len(term.places) == len(term.names) or rank_lost <= len(found):
        return found
    ones = []
    for j in range(len(sd)):
        for i in range(j):
            r = 0.0 if zero[i] or zero[j] else relative[i, j] / (sd[i] * sd[j])
            if abs(r) > _CORRELATION_OF_ONE:
                ones.append(
                    f"the correlation of '{term.names[i]}|{term.factor}' and "
                    f"'{term.names[j]}|{term.factor}' is {'-' if r < 0 else ''}1"
                )
    names = ", ".join(f"'{name}|{term.factor}'" for name in term.names)
    return found + (ones or [f"the covariance of {names} is singular"])
