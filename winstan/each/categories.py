"""The categories of a response, settled over all groups: every group then has the same model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.data import frame_from
from winstan.design.categories import join_categories
from winstan.design.response import make_response
from winstan.errors import WinstanError, collected_warnings
from winstan.formula import evaluation_names

if TYPE_CHECKING:
    from winstan.each.groups import Parts
    from winstan.each.task import Question
    from winstan.formula import Formula


def settled_categories(question: Question, parsed: Formula, parts: Parts) -> tuple[Any, ...] | None:
    """Return the categories that the rows of all groups have, in order.

    Text and whole numbers declare no categories: a group's rows alone may lack some, and then its
    coefficients would be of another reference, and its ranks of other categories, under one name.

    Parameters
    ----------
    question
    parsed
        Its formula.
    parts
        The groups. Those whose rows cannot be used do not count: their own fits say why.

    Returns
    -------
    tuple or None
        None for responses that are not categories, or are counts of them, which name them.
    """
    if not question.family.of_categories or parsed.response_spec.counts:
        return None
    names, options = evaluation_names(parsed, question.namespace), question.model
    found = []
    for i, rows in enumerate(parts.rows):
        try:
            with collected_warnings():
                frame = frame_from(
                    parts.part(i),
                    parsed,
                    weights=options["weights"],
                    trials=options["trials"],
                    rows=rows,
                    all_levels=True,
                )
                response = make_response(parsed, frame, names, question.family.kind)
        except WinstanError:
            continue
        assert response.categories is not None  # the family's kind says so
        found.append(response.categories)
    return join_categories(found, parsed.response_spec.name) if found else None
