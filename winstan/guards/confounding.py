"""Predictors that cannot be told apart from the groups.

A predictor that is constant within every group is compared between groups. Where one of its levels
has a single group, that level's effect and that group's deviation are one number in the data, and
only their priors separate them. A predictor that is a grouping factor as well has every level's
effect twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.data.codes import is_constant
from winstan.data.columns import some_levels
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.design import Design, RandomTerm
    from winstan.formula import Formula


def check_confounding(formula: Formula, design: Design) -> str | None:
    """Say which predictor has levels that only one group stands for.

    Parameters
    ----------
    formula, design
        Of one model.

    Returns
    -------
    str or None
        What was found, and the remedy.
    """
    # Coarse groups first: a cage that stands for a treatment says more than its mice.
    for group in sorted(design.groups, key=lambda group: len(group.levels)):
        if group.shared is None and not group.has_intercept:
            continue  # curves have a level too
        between = [
            term for term in design.terms if _constant(design.X[:, list(term.columns)], group.level)
        ]
        spec = next(spec for spec in formula.groups if spec.factor == group.factor)
        own = spec.factor_columns
        bar = f"(1|{_quoted(own)})" if spec.smooth is None else spec.text
        for term in between:
            if _columns_of(formula, term.name) == set(own) and _saturated(
                design, group, list(term.columns)
            ):
                return _twice(formula, own, bar, term.name)
        for term in between:
            single = _single_groups(formula, design, group, term.name)
            if single:
                return _words(group, bar, term.name, single)
        if between and _saturated(design, group, [c for t in between for c in t.columns]):
            names = ", ".join(f"'{term.name}'" for term in between)
            return _advice(
                bar,
                f"{names} {'are' if len(between) > 1 else 'is'} constant within every "
                f"'{group.factor}', and {len(group.levels)} groups leave none to spare for the "
                "differences between groups",
            )
    return None


def _constant(X: np.ndarray, level: np.ndarray) -> bool:
    """Whether columns have one value in each level."""
    return all(is_constant(level, x) for x in X.T)


def _single_groups(formula: Formula, design: Design, group: RandomTerm, term: str) -> list[object]:
    """Return the values of a term of one column that compares conditions, with one group each."""
    atoms = next(t for t in formula.effects.terms if ":".join(a.name for a in t) == term)
    columns = [c for c in atoms[0].columns if c in design.predictors]
    if len(atoms) > 1 or len(columns) != 1:
        return []
    labels = next(t.labels for t in design.terms if t.name == term)
    values = design.predictors[columns[0]]
    is_number = isinstance(atoms[0].node, Name) and not labels
    pairs = values.to_frame("value").assign(level=group.level).drop_duplicates()
    counts = pairs.groupby("value", observed=True)["level"].size()
    if is_number and len(counts) > 2:
        return []  # a dose: its slope needs no two groups of each value
    if not labels and not is_number:
        return []
    return [value for value, count in counts.items() if count == 1]


def _columns_of(formula: Formula, term: str) -> set[str]:
    """Return the columns of data of a term."""
    atoms = next(t for t in formula.effects.terms if ":".join(a.name for a in t) == term)
    return {column for atom in atoms for column in atom.columns}


def _twice(formula: Formula, own: tuple[str, ...], bar: str, term: str) -> str:
    """Say that an effect is in the model twice, and which group terms are to stay.

    ``treat + (1|treat/cage)`` is so by its first half. What is left, ``(1|treat:cage)``, holds the
    groups that treatments are compared between.
    """
    inner = [spec.factor_columns for spec in formula.groups if set(spec.factor_columns) > set(own)]
    stay = " and ".join(dict.fromkeys(f"`(1|{_quoted(columns)})`" for columns in inner))
    return (
        f"'{term}' is a predictor and a grouping factor: the effect of each level is in the model "
        f"twice, and only the priors separate the two. Leave `{bar}` out"
        + (f", and keep {stay}, the groups that '{term}' is compared between." if stay else ".")
    )


def _quoted(columns: Iterable[str]) -> str:
    return ":".join(map(quote_name, columns))


def _saturated(design: Design, group: RandomTerm, columns: list[int]) -> bool:
    """Whether between-group predictors have as many coefficients as there are groups."""
    first = np.unique(group.level, return_index=True)[1]
    X = np.column_stack([np.ones(len(first)), design.X[np.ix_(first, columns)]])
    return bool(np.linalg.matrix_rank(X / np.abs(X).max(axis=0).clip(1e-300)) == len(first))


def _words(group: RandomTerm, bar: str, term: str, single: list[object]) -> str:
    one = len(single) == 1
    return _advice(
        bar,
        f"'{term}' is constant within every '{group.factor}', and its "
        f"{'level' if one else 'levels'} {some_levels(single)} {'has' if one else 'have'} one "
        f"group{'' if one else ' each'}",
    )


def _advice(bar: str, found: str) -> str:
    return (
        f"{found}: in these data the effect is the difference between these groups, and only the "
        f"priors separate the two. Record more groups of each level; or leave `{bar}` out "
        "and say that the result is about these groups only."
    )
