"""Responses of categories: a formula is one for each of their linear predictors.

Of unordered ones it is that of each category but the reference; of ordered ones the terms inside
``cs()`` are those of each threshold.

``multinomial(a, b, c)`` counts what would be rows of one category each: their likelihood is the
same but for a constant, so that each row of the data is an observation of each category that it
has, weighted by its count (`winstan.design.matrices`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from winstan.data.columns import how_many, some_levels
from winstan.design.response import check_categories, make_response
from winstan.design_warnings import warn_design
from winstan.errors import DataError, FamilyError, FormulaError
from winstan.families.categories import place_of_reference
from winstan.families.specific import check_specific, with_specific
from winstan.formula import evaluation_names, for_each, for_thresholds
from winstan.formula.terms import Atom
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data import Frame
    from winstan.design import Response
    from winstan.families import Family
    from winstan.formula import Formula
    from winstan.formula.terms import ResponseSpec


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

    Raises
    ------
    DataError
        If there is one category alone, or no row has the reference, which the parameters of all
        others are held against.

    Warns
    -----
    DesignWarning
        ``unused_levels``, of other categories that no row has.
    """
    specific = next((one for one in formula.every if one.specific is not None), None)
    if specific is not None:
        _check_specific(formula, specific, family)
    if family.of_labels is None and specific is None:
        return formula, family
    response = make_response(formula, frame, evaluation_names(formula, namespace), family.kind)
    assert response.categories is not None
    check_categories(response)
    if family.of_labels is None:
        own = with_specific(family, len(response.categories) - 1)
        return for_thresholds(formula, [p.name for p in own.parameters if p.shared_name]), own
    own = family.of_labels(family, response.categories)
    _check_unseen(response, formula.response_spec, family, of_all=frame.categories is not None)
    return for_each(formula, [parameter.name for parameter in own.parameters]), own


def _check_specific(formula: Formula, specific: Formula, family: Family) -> None:
    """Refuse ``cs()`` of a family without such effects, or in another parameter's formula."""
    check_specific(family)
    if specific is not formula:
        raise FormulaError(
            f"cs() is of the thresholds, which the first formula is held against: it has no "
            f"meaning in {specific.text!r}. Write the terms without cs()."
        )
    if formula.parameters:
        raise FormulaError(
            f"The {family.name} family has no parameter {next(iter(formula.parameters))!r} beside "
            "cs(): leave its formula out."
        )


def _check_unseen(response: Response, spec: ResponseSpec, family: Family, *, of_all: bool) -> None:
    """Refuse a reference that no row has, and warn of other such categories.

    `of_all` says that the categories are those of more rows than these.
    """
    labels = response.categories or ()
    seen = set(response.y.astype(int).tolist())
    unseen = [label for k, label in enumerate(labels) if k not in seen]
    if not unseen or len(seen) < 2:  # a response of one category is refused as such
        return
    reference = place_of_reference(family.reference, labels)
    if spec.counts:
        column, remedy = f"The response {spec.text}", "leave its column out"
    elif of_all:
        column, remedy = f"Column {response.name!r}", "fit these rows by themselves"
    else:
        column, remedy = f"Column {response.name!r}", "use .cat.remove_unused_categories()"
    if reference not in seen:
        other = labels[min(seen)]
        rows = len(response.y if response.counts is None else response.counts)
        raise DataError(
            f"{column} has the category {labels[reference]!r} in none of {how_many(rows, 'row')}, "
            "and it is the reference that the log odds of all others are against: the data cannot "
            f"tell them. If it cannot happen, {remedy}; or choose another reference: "
            f"family=ws.categorical(reference={other!r})."
        )
    few, has = len(unseen) == 1, "has, over all groups," if of_all else "declares"
    warn_design(
        f"{column} {has} {how_many(len(unseen), 'level')} that no used row has: "
        f"{some_levels(unseen)}. {'It stays a category' if few else 'They stay categories'} of the "
        "model, whose log odds go down as far as the priors let them. If this cannot happen, "
        f"{remedy}.",
        "unused_levels",
    )


def with_counts(formula: Formula, family: Family) -> Formula:
    """Let a response of counts, ``multinomial(a, b, c)``, have a name of its own.

    Other formulas are returned as they are.

    Parameters
    ----------
    formula
    family

    Raises
    ------
    FamilyError
        If the family takes no counts of categories.
    """
    spec = formula.response_spec
    if not spec.counts:
        return formula
    if family.of_labels is None:
        raise FamilyError(
            f"{spec.text} counts several categories, which family={family.name!r} does not take: "
            "use family='multinomial'."
        )
    atom = Atom(spec.name, spec.text, spec.text, (spec.name,), Name(spec.name))
    return replace(formula, response_spec=replace(spec, value=atom))
