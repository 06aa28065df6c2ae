"""Answers by category: each category's probability is a mean response of its own.

A response of K categories has no one mean. What is asked of it is asked K times, of the probability
of each category, and the answers are put under each other; or once, of the mean of the numbers that
the categories are, or of their ranks: the mean score.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design.categories import numbers_of
from winstan.design_warnings import silenced
from winstan.effects.parameters import about
from winstan.effects.specification import Specification
from winstan.errors import OptionError
from winstan.families.categories import of_category, of_score, place_of_reference
from winstan.families.links import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.design.response import Response
    from winstan.effects.specification import Specified
    from winstan.model import Model

SCORE = "score"
"""What ``parameter=`` takes for the mean score of a response of ordered categories."""
CATEGORY = "category"
"""The column of tables that says of which category a row is."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the questions that a question to a model comes to.

    Attributes
    ----------
    category
        Whose probability is asked for; None where there is one answer, without categories.
    model : Specified
        Whose mean response is that probability, or what else is asked for.
    note : str
        What the answer is of, where a table is to say so.
    parameter : str or None
        Of the linear predictor of a category: the parameter that it is of. The model is the whole.
    """

    category: Any
    model: Specified
    note: str = ""
    parameter: str | None = None


def parts_of(model: Model, parameter: str | None) -> tuple[Part, ...]:
    """Return what is asked of: the mean response, a parameter, or each category's probability.

    Parameters
    ----------
    model
    parameter
        As for `about`; of categories, None is all of them, ``"score"`` their mean score and
        ``"mu"`` the linear predictor.

    Raises
    ------
    OptionError
        If the model has no such parameter, or no score.
    """
    categories = model.design.response.categories
    if parameter == SCORE and SCORE not in model.family.auxiliary:
        return (_of_score(model),)
    if parameter is not None or categories is None:
        return (Part(None, about(model, parameter)),)
    return tuple(_of_category(model, k) for k in range(len(categories)))


def linear_parts(model: Model) -> tuple[Part, ...]:
    """Return whose linear predictors there are: the model's, or those of unordered categories.

    The reference has none: the others' are log odds against it.
    """
    labels = model.design.response.categories
    if labels is None or model.family.kind != "unordered":
        return (Part(None, model),)
    reference = place_of_reference(model.family.reference, labels)
    others = [label for k, label in enumerate(labels) if k != reference]
    return tuple(
        Part(label, model, parameter=name)
        for label, name in zip(others, model.family.means, strict=True)
    )


def answers[T](parts: Sequence[Part], answer: Callable[[Specified], T]) -> list[T]:
    """Answer each part; what is to be warned of all of them is told once."""
    return answers_of(parts, lambda part: answer(part.model))


def answers_of[T](parts: Sequence[Part], answer: Callable[[Part], T]) -> list[T]:
    """Answer each part, as `answers` does, where the answer is more than its model's."""
    out = []
    for k, part in enumerate(parts):
        with silenced("extrapolation") if k else nullcontext():
            out.append(answer(part))
    return out


def by_category(parts: Sequence[Part], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of the parts under each other, with a column that says which is which."""
    if len(parts) == 1 and parts[0].category is None:
        table = tables[0]
        if parts[0].note:
            table.attrs[SCORE] = parts[0].note
        return table
    if CATEGORY in tables[0].columns:
        raise OptionError(
            f"The column {CATEGORY!r} has the name of a column of the result, which has a row for "
            "each category. Rename it, and fit again."
        )
    attrs = dict(tables[0].attrs)
    is_number = all(type(part.category) is int for part in parts)
    ropes = {p.category: t.attrs.get("rope") for p, t in zip(parts, tables, strict=True)}
    for part, table in zip(parts, tables, strict=True):
        table.attrs.clear()  # pd.concat compares them
        labels = [part.category] * len(table)
        table.insert(0, CATEGORY, pd.Series(labels, dtype=None if is_number else object))
    out = pd.concat(tables, ignore_index=True)
    if "rope" in attrs:
        attrs["rope"] = ropes
    out.attrs |= attrs
    return out


def _of_category(model: Model, k: int) -> Part:
    """Ask of the probability of category k, of which the data are whether a row has it."""
    response = model.design.response
    assert response.categories is not None
    label = response.categories[k]
    observed = replace(
        response,
        y=(response.y == k).astype(float),
        levels=(f"not {label}", label),
        categories=None,
    )
    return Part(
        label,
        _specified(
            model, of_category(model.family, model.link, k, len(response.categories)), observed
        ),
    )


def _of_score(model: Model) -> Part:
    """Ask of the mean of the numbers that categories are, or of their ranks from 1 up."""
    response, name = model.design.response, model.family.name
    if response.categories is None or model.family.kind != "ordered":
        raise OptionError(
            f"parameter={SCORE!r} is the mean score of ordered categories, which a response of "
            f"the {name} family has not."
        )
    scores, note = scores_of(response.categories)
    observed = replace(
        response,
        name=f"score of {response.name}",
        y=np.asarray(scores)[response.y.astype(int)],
        categories=None,
    )
    return Part(None, _specified(model, of_score(model.family, model.link, scores), observed), note)


def scores_of(categories: Sequence[Any]) -> tuple[tuple[float, ...], str]:
    """Return the numbers that categories are, or else their ranks, and words that say which."""
    numbers = numbers_of(tuple(categories))
    if numbers is not None and not any(isinstance(label, bool) for label in categories):
        return numbers, "the categories' own numbers"
    ranks = tuple(float(rank) for rank in range(1, len(categories) + 1))
    named = ", ".join(f"{rank:g} = {c}" for rank, c in zip(ranks, categories, strict=True))
    return ranks, f"ranks: {named}"


def _specified(model: Model, family: Any, response: Response) -> Specification:
    design = replace(model.design, response=response)
    return Specification(model.formula, design, family, LINKS["identity"])
