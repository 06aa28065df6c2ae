"""``scale(x)`` and ``center(x)`` on rows that an engine grouped: each counts as often as it occurs.

formulae takes means of the rows that it is given, which are the distinct ones here. Their counts
give the mean and the sd of all rows exactly, and a column of these two numbers is one of single
rows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.formula.functions import is_elementwise, is_scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data import Frame
    from winstan.formula import Formula
    from winstan.formula.terms import Atom, Effects


def with_counted_scales(
    formula: Formula, frame: Frame, names: Mapping[str, Any]
) -> tuple[Formula, dict[str, Any]]:
    """Write means and sds of all rows into calls of ``scale`` and ``center``.

    Parameters
    ----------
    formula, frame
        Of rows that stand for several; others are left as they are.
    names
        What the formula's code needs beside columns.

    Returns
    -------
    formula
        The same, with other code for those calls.
    names
        With the numbers.
    """
    if frame.grouped is None or formula.elementwise:
        return formula, dict(names)
    known = dict(names)
    count = frame.grouped.count

    @cache  # one code for an atom, wherever it stands
    def atom_of(atom: Atom) -> Atom:
        if not is_scaled(atom.node):
            return atom
        (column,) = atom.columns
        x = frame.data[column].to_numpy(np.float64)
        mean = float(np.average(x, weights=count))
        mean += float(np.average(x - mean, weights=count))
        sd = float(np.sqrt(np.average(np.square(x - mean), weights=count)))
        number = len(known)
        known[f"mean_{number}"], known[f"sd_{number}"] = mean, sd
        function, _, inside = atom.code.partition("(")
        centred = f"({inside.removesuffix(')')} - mean_{number})"
        code = f"I{centred}" if function == "center" else f"I({centred} / sd_{number})"
        return replace(atom, code=code)

    def effects_of(effects: Effects) -> Effects:
        return replace(effects, terms=tuple(tuple(map(atom_of, term)) for term in effects.terms))

    def formula_of(one: Formula) -> Formula:
        return replace(
            one,
            effects=effects_of(one.effects),
            offset_atoms=tuple(map(atom_of, one.offset_atoms)),
            groups=tuple(replace(g, design=effects_of(g.design)) for g in one.groups),
            specific=None if one.specific is None else effects_of(one.specific),
            parameters={name: formula_of(own) for name, own in one.parameters.items()},
            elementwise=all(
                is_scaled(atom.node) or is_elementwise(atom.node, names) for atom in one.atoms
            ),
        )

    return formula_of(formula), known
