"""Predictors that are constant within each group: a group is described at its own values of them.

A knock-out mouse has no slope "at genotype = WT": what its data say is its slope as it is. Where
the population's coefficients are added up for a group, columns that are constant within every
group (genotype, sex, the dose of a whole animal) are therefore at the group's own value, and only
those that vary within groups are at their reference, numbers at zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.codes import codes_of, is_constant, owner_of
from winstan.data.columns import distinct_rows
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import columns_of_offsets
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan.design import RandomTerm, Term
    from winstan.effects.specification import Specified
    from winstan.formula.terms import Atom, Effects


@dataclass(frozen=True, slots=True, eq=False)
class OwnValues:
    """The values that the levels of a factor have of what is constant within each of them.

    Attributes
    ----------
    factor : str
    columns : tuple of str
        The columns of data that are constant within every level, in the formula's order.
    first : ndarray of int, shape (n,)
        A design row of each combination of their values.
    setting : ndarray of int, shape (L,)
        The combination that each level has.
    """

    factor: str
    columns: tuple[str, ...]
    first: np.ndarray
    setting: np.ndarray

    @property
    def words(self) -> str:
        """Say what it is: ``each mouse at its own genotype``; empty without such columns."""
        return f"each {self.factor} at its own {listing(self.columns)}" if self.columns else ""


def own_values(model: Specified, group: RandomTerm) -> OwnValues:
    """Find what is constant within every level of a factor.

    Columns whose effects vary between these very levels, as week's do in ``(week|mouse)``, are none
    of them, even where each level has one value: the term has an effect for them.
    """
    design = model.design
    same = [
        spec
        for spec, term in zip(model.formula.groups, design.groups, strict=True)
        if term.factor == group.factor
    ]
    varying = {column for spec in same for column in columns_of(spec.design.atoms.values())}
    apart = columns_of_offsets(model)  # effects are at an offset of zero
    columns = tuple(
        column
        for column in columns_of(model.formula.atoms)
        if column in design.predictors
        and column not in apart
        and column not in varying
        and is_constant(group.level, codes_of(design.predictors[column].array))
    )
    row_of_level = owner_of(group.level, np.arange(len(group.level)))
    if not columns:
        return OwnValues(group.factor, (), row_of_level[:1], np.zeros(len(row_of_level), int))
    first, setting = distinct_rows(design.predictors.iloc[row_of_level], list(columns))
    return OwnValues(group.factor, columns, row_of_level[first], setting)


def with_values(
    model: Specified, rows: np.ndarray, values: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Return rows of predictors, some columns of which are those of other rows.

    Parameters
    ----------
    model
    rows : ndarray of int, shape (n,)
        Design rows.
    values : mapping of str to ndarray of int, shape (n,)
        By column: the design rows whose value it takes.
    """
    out = model.design.predictors.iloc[rows].reset_index(drop=True)
    for name, of in values.items():
        out[name] = model.design.predictors[name].array[of]  # a factor keeps its levels
    return out


def columns_of(atoms: Iterable[Atom]) -> tuple[str, ...]:
    """Return the columns of data of some atoms, each once."""
    return tuple(dict.fromkeys(column for atom in atoms for column in atom.columns))


def atoms_of(effects: Effects, term: Term) -> tuple[Atom, ...]:
    """Return the atoms that a term is made of; formulae may write them in another order."""
    names = sorted(term.name.split(":"))
    for atoms in effects.terms:
        if sorted(":".join(atom.name for atom in atoms).split(":")) == names:
            return atoms
    return ()


def is_factor(model: Specified, atom: Atom) -> bool:
    """Whether an atom is a factor, coded in whatever way."""
    if not atom.columns or atom.columns[0] not in model.design.predictors:
        return False
    column = atom.columns[0]
    labelled = isinstance(model.design.predictors[column].dtype, pd.CategoricalDtype)
    return labelled or column in model.formula.coded_columns


def reference_text(
    model: Specified, own: OwnValues, averaged: Iterable[str] = (), left_out: Iterable[str] = ()
) -> str:
    """Say what the predictors are held at.

    Parameters
    ----------
    model
    own
        Columns at each level's own value.
    averaged
        Columns that are averaged over.
    left_out
        Columns that are not held at anything.

    Returns
    -------
    str
        ``each mouse at its own genotype; at week = 0, averaged over cond``; empty where there are
        no predictors.
    """
    fixed, over = [], []
    atoms = list(model.formula.effects.atoms.values())
    plain = {atom.node.text for atom in atoms if isinstance(atom.node, Name)}
    for atom in atoms:
        if set(atom.columns) <= {*own.columns, *left_out}:
            continue
        if is_factor(model, atom):
            column = atom.columns[0]
            coding = coding_of(model, column)
            if column in averaged or coding.sums:
                over.append(column)
            elif not coding.reference:
                fixed.append(f"{atom.name} = 0")
            else:
                fixed.append(f"{column} = {coding.levels[0]}")
        elif isinstance(atom.node, Name) or not set(atom.columns) <= plain:
            fixed.append(f"{atom.name} = 0")
    parts = [f"at {', '.join(dict.fromkeys(fixed))}"] if fixed else []
    parts += [f"averaged over {', '.join(dict.fromkeys(over))}"] if over else []
    return "; ".join(filter(None, [own.words, ", ".join(parts)]))


def listing(names: Iterable[str]) -> str:
    """Return names as words: ``genotype, sex and dose``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
