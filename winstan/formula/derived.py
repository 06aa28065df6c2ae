"""Formulas of parameters that follow from the first: one for each category, or each threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.formula.formula import Formula


def for_each(formula: Formula, names: Sequence[str]) -> Formula:
    """Give each of these parameters the first formula, but for those that have their own.

    Parameters
    ----------
    formula
        From `parse_formula`.
    names
        The parameters; the first formula becomes that of the first of them.
    """
    right = formula.mean_text.partition("~")[2].strip()
    alone = replace(formula, parameters={})
    own = {
        name: replace(alone, text=f"{name} ~ {right}", response=name)
        for name in names
        if name not in formula.parameters
    } | dict(formula.parameters)
    first = own.pop(names[0])
    ordered = {name: own.pop(name) for name in names[1:]}
    return replace(
        formula,
        common=first.common,
        offset=first.offset,
        groups=first.groups,
        effects=first.effects,
        offset_atoms=first.offset_atoms,
        smooths=first.smooths,
        parameters=ordered | own,
    )


def for_thresholds(formula: Formula, names: Sequence[str]) -> Formula:
    """Give each of these parameters, one for each threshold, the terms inside ``cs()``.

    Parameters
    ----------
    formula
        From `parse_formula`, with terms inside ``cs()``.
    names
        The parameters.
    """
    specific = formula.specific
    assert specific is not None
    right = specific.text.removeprefix("1 + ")
    own = replace(
        formula,
        common=specific.text,
        offset=(),
        groups=(),
        smooths=(),
        effects=specific,
        offset_atoms=(),
        specific=None,
        anchored=True,
    )
    parameters = {name: replace(own, text=f"{name} ~ {right}", response=name) for name in names}
    return replace(formula, specific=None, parameters=parameters)
