"""Unordered categories: a formula is one for each of their linear predictors, and counts are rows.

``multinomial(a, b, c)`` counts what would be rows of one category each: their likelihood is the
same but for a constant, so that the model is that of such rows, weighted by their counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_rows
from winstan.design.response import make_response
from winstan.errors import DataError, FamilyError
from winstan.formula import evaluation_names, for_each
from winstan.formula.terms import Atom, ResponseSpec
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.data import Frame
    from winstan.families import Family
    from winstan.formula import Formula


def with_categories(
    formula: Formula, family: Family, frame: Frame, namespace: Mapping[str, Any]
) -> tuple[Formula, Family]:
    """Give a family the categories of its response, and each of its parameters a formula.

    Families that have their parameters already are returned as they are.

    Parameters
    ----------
    formula
        As the user wrote it; a category that has a formula of its own keeps it.
    family
    frame
        The data.
    namespace
        The caller's names.
    """
    if family.of_labels is None:
        return formula, family
    response = make_response(formula, frame, evaluation_names(formula, namespace), family.kind)
    assert response.categories is not None
    own = family.of_labels(family, response.categories)
    return for_each(formula, [parameter.name for parameter in own.parameters]), own


def rows_of_counts(formula: Formula, family: Family, frame: Frame) -> tuple[Formula, Frame]:
    """Make the counts of several categories rows of one category each, weighted by the counts.

    Other formulas and their frames are returned as they are.

    Parameters
    ----------
    formula
        Whose left side may be ``multinomial(a, b, c)``.
    family
    frame
        The data.

    Raises
    ------
    FamilyError
        If the family takes no counts of categories.
    DataError
        If they are no counts, or all zero.
    """
    spec = formula.response_spec
    if not spec.counts:
        return formula, frame
    if family.of_labels is None:
        raise FamilyError(
            f"{spec.text} counts several categories, which family={family.name!r} does not take: "
            "use family='multinomial'."
        )
    names = [atom.name for atom in spec.counts]
    counts = _counts(names, frame)
    row, place = np.nonzero(counts)
    if not row.size:
        raise DataError(
            f"All {how_many(len(counts), 'row')} of {spec.text} are zero: there is nothing to "
            "explain. Check the columns, or the filter before them."
        )
    category = pd.Categorical.from_codes(np.asarray(place), pd.Index(names), ordered=True)
    data = frame.data.take(row.tolist()).reset_index(drop=True)
    atom = Atom(spec.name, spec.text, spec.text, (spec.name,), Name(spec.name))
    return (
        replace(
            formula,
            response_spec=ResponseSpec(spec.text, spec.name, atom),
            response_columns=(spec.name,),
        ),
        replace(
            frame,
            data=data.assign(**{spec.name: category}),
            kept=frame.kept[row],
            place=frame.place[row],
            n_rows=frame.n_rows - len(counts) + row.size,
            weights=counts[row, place] * (1.0 if frame.weights is None else frame.weights[row]),
            ordered=frame.ordered | {spec.name},
        ),
    )


def _counts(names: Sequence[str], frame: Frame) -> np.ndarray:
    """Take columns of counts, shape (N, K)."""
    columns = []
    for name in names:
        values = pd.to_numeric(frame.data[name], errors="coerce").to_numpy(float)
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values == np.round(values))))
        if bad.size:
            raise DataError(
                f"The counts {name!r} have {how_many(bad.size, 'value')} below zero or not whole, "
                f"in {some_rows(frame.kept[bad])}: they are whole numbers from 0 up."
            )
        columns.append(values)
    return np.column_stack(columns)
