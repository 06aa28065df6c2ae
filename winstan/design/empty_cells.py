"""Cells of an interaction that no row has: left out of cell means, and named where they are needed.

Where an interaction stands for the means of its cells (``0 + a:b``), a cell without rows is a
column of zeros, which says nothing: it is left out, as R's ``lm`` leaves it out. Elsewhere
(``a * b``) the coefficients are differences that an empty cell makes impossible to tell, and the
remedy is a column of the combinations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels
from winstan.design.constants import is_constant
from winstan.design.evaluation import FittedEffects, Term
from winstan.design_warnings import warn_design
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from winstan.formula.terms import Effects


def interacting_factors(
    effects: Effects, term: Term, predictors: pd.DataFrame, coded: Collection[str]
) -> tuple[tuple[str, ...], bool]:
    """Return the columns of the factors of an interaction, and whether it has nothing else.

    Parameters
    ----------
    effects
        What was written.
    term
        One of its terms, as evaluated.
    predictors
        Rows of its columns.
    coded
        Columns whose values are labels, whatever their type.

    Returns
    -------
    columns : tuple of str
        Of two factors or more; empty for other terms.
    only : bool
        Whether no number is among them.
    """
    names = sorted(term.name.split(":"))
    for atoms in effects.terms:
        if sorted(":".join(atom.name for atom in atoms).split(":")) != names:
            continue
        factors = [
            atom.columns[0]
            for atom in atoms
            if atom.columns
            and atom.columns[0] in predictors
            and (
                isinstance(predictors[atom.columns[0]].dtype, pd.CategoricalDtype)
                or atom.columns[0] in coded
            )
        ]
        if len(factors) > 1:
            return tuple(factors), len(factors) == len(atoms)
    return (), False


def without_empty_cells(
    fitted: FittedEffects, X: np.ndarray, predictors: pd.DataFrame, coded: Collection[str]
) -> tuple[FittedEffects, np.ndarray]:
    """Leave out the columns of empty cells where an interaction stands for cell means.

    Parameters
    ----------
    fitted, X
        Population-level effects without an intercept, and their columns, shape (D, K).
    predictors, coded
        As for `interacting_factors`.

    Returns
    -------
    fitted, X
        Without these columns.

    Warns
    -----
    DesignWarning
        ``empty_cells``, naming them.
    """
    zero = ~X.any(axis=0)
    if not zero.any():
        return fitted, X
    kept = np.ones(X.shape[1], bool)
    for term in fitted.terms:
        columns = np.array(term.columns)
        _, only = interacting_factors(fitted.effects, term, predictors, coded)
        weights = np.zeros(X.shape[1])
        weights[columns] = 1.0
        if not only or not zero[columns].any() or not is_constant(X, weights):
            continue
        kept[columns[zero[columns]]] = False
        empty = [label for label, gone in zip(term.labels, zero[columns], strict=True) if gone]
        one = len(empty) == 1
        warn_design(
            f"No row has {how_many(len(empty), 'combination')} of '{term.name}': "
            f"{some_levels(empty, 10)}. {'It has' if one else 'They have'} no mean, and "
            f"{'is' if one else 'are'} left out of the model; the {len(columns) - len(empty)} "
            "others are fitted.",
            "empty_cells",
        )
    if kept.all():
        return fitted, X
    place = np.cumsum(kept) - 1
    terms = tuple(
        replace(
            term,
            labels=tuple(
                label
                for label, column in zip(term.labels, term.columns, strict=False)
                if kept[column]
            ),
            columns=tuple(int(place[column]) for column in term.columns if kept[column]),
        )
        for term in fitted.terms
    )
    empty_names = {
        column: name
        for term in fitted.terms
        for name, column in zip(term.column_names, term.columns, strict=True)
        if not kept[column]
    }
    return replace(fitted, terms=terms, empty=empty_names), X[:, kept]


def combined_column(
    effects: Effects, terms: Sequence[Term], predictors: pd.DataFrame, coded: Collection[str]
) -> str:
    """Say how to make one column of the combinations of factors some of which no row has.

    Parameters
    ----------
    effects, predictors, coded
        As for `interacting_factors`.
    terms
        Those to blame, of which the first interaction with empty cells is named.

    Returns
    -------
    str
        A sentence, or nothing where all combinations are there.
    """
    for term in terms:
        factors, only = interacting_factors(effects, term, predictors, coded)
        if not factors:
            continue
        levels = [predictors[name].unique() for name in factors]
        there = len(predictors[list(factors)].drop_duplicates())
        possible = int(np.prod([float(len(values)) for values in levels]))
        if there == possible:
            continue
        name = "_".join(factors)
        made = ' + "_" + '.join(f'data["{factor}"].astype(str)' for factor in factors)
        whole = "*".join(map(quote_name, factors))
        means = f" (or `0 + {quote_name(name)}`, for a mean of each)" if only else ""
        return (
            f" Of {possible} combinations of {' and '.join(map(repr, factors))} the data have "
            f'{there}. Make one column of these, data["{name}"] = {made}, and write '
            f"`{quote_name(name)}` in place of `{whole}`{means}."
        )
    return ""
