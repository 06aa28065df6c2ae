"""The categories of a response, settled over all groups: every group then has the same model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data import frame_from
from winstan.data.columns import how_many, some_levels
from winstan.design.categories import join_categories
from winstan.design.response import make_response
from winstan.design_warnings import silenced, warn_design
from winstan.errors import WinstanError, collected_warnings
from winstan.formula import evaluation_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.each.groups import Parts
    from winstan.each.task import Question
    from winstan.families import Family
    from winstan.formula import Formula


def with_settled_categories(question: Question, parsed: Formula, parts: Parts) -> Question:
    """Give a question the categories that the rows of all groups have, in order.

    Text and whole numbers declare no categories: a group's rows alone may lack some, and then its
    coefficients would be of another reference, and its ranks of other categories, under one name.
    The reference of unordered ones, unless the user chose it, is one that every group has.

    Parameters
    ----------
    question
        Returned as it is of responses that are not categories, or are counts of them, which name
        them.
    parsed
        Its formula.
    parts
        The groups. Those whose rows cannot be used do not count: their own fits say why.

    Warns
    -----
    DesignWarning
        ``unused_levels``, where the first category is not the reference, since groups lack it.
    """
    if not question.family.of_categories or parsed.response_spec.counts:
        return question
    names, options = evaluation_names(parsed, question.namespace), question.model
    found: dict[str, tuple[Any, ...]] = {}
    seen: dict[str, set[Any]] = {}
    for i in range(len(parts.keys)):
        try:
            with collected_warnings():
                frame = frame_from(
                    parts.part(i),
                    parsed,
                    weights=options["weights"],
                    trials=options["trials"],
                    rows=parts.positions(i),
                    all_levels=True,
                )
                response = make_response(parsed, frame, names, question.family.kind)
        except WinstanError:
            continue
        assert response.categories is not None  # the family's kind says so
        found[parts.name(i)] = response.categories
        seen[parts.name(i)] = {response.categories[k] for k in np.unique(response.y.astype(int))}
    if not found:
        return question
    categories = join_categories(found.values(), parsed.response_spec.name)
    with silenced(options["silence"]):
        family = _with_common_reference(question.family, parsed, categories, seen)
    return replace(question, categories=categories, family=family)


def _with_common_reference(
    family: Family, parsed: Formula, categories: tuple[Any, ...], seen: Mapping[str, set[Any]]
) -> Family:
    """Take the first category that every group has as the reference, if the user chose none."""
    if family.of_labels is None or family.reference is not None:
        return family
    lacking = [name for name, own in seen.items() if categories[0] not in own]
    common = [label for label in categories if all(label in own for own in seen.values())]
    if not lacking or not common:
        return family
    warn_design(
        f"No row has the category {categories[0]!r} of {parsed.response_spec.name!r} in "
        f"{how_many(len(lacking), 'group')}: {some_levels(lacking)}. Log odds are against "
        f"{common[0]!r}, in all groups, which all have. family=ws.categorical(reference=...) "
        "chooses another; groups without it then have no fit.",
        "unused_levels",
    )
    return replace(family, reference=common[0])
