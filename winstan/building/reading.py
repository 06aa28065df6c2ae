"""What is asked of which data: the formula read, its columns taken out of the user's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from winstan.by_category import with_counts
from winstan.data import frame_from
from winstan.design.zero_trials import leave_out_zero_trials
from winstan.families import family_named
from winstan.families.definition import definition_of
from winstan.formula import parse_formula
from winstan.inputs import Inputs, names_in_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.families import Family
    from winstan.formula import Formula
    from winstan.priors import Prior


class ModelOptions(TypedDict, total=False):
    """What can be said of a model beside its formula, data and family: options of `winstan.fit`.

    `rows` is where the data's rows stand in the user's frame, if they are a part of it;
    `categories` are then those that the response has in all of that frame.
    """

    formulas: Mapping[str, str] | None
    link: str | None
    priors: Mapping[str, Prior] | None
    center: bool
    weights: str | None
    trials: str | int | None
    parametrization: str | Mapping[str, str] | None
    rows: np.ndarray | None
    categories: tuple[Any, ...] | None


def read_inputs(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family,
    namespace: Mapping[str, Any],
    *,
    formulas: Mapping[str, str] | None = None,
    rows: np.ndarray | None = None,
    categories: tuple[Any, ...] | None = None,
    **options: Any,
) -> tuple[Inputs, Formula]:
    """Read the formula and take its columns out of the data; options are `ModelOptions`."""
    chosen = family_named(family)
    parsed = parse_formula(formula, namespace, formulas, for_all=chosen.of_labels is not None)
    frame = frame_from(
        data,
        parsed,
        weights=options.get("weights"),
        trials=options.get("trials"),
        rows=rows,
        all_levels=chosen.of_categories,
    )
    frame = leave_out_zero_trials(
        with_counts(parsed, chosen), replace(frame, categories=categories), namespace
    )
    inputs = Inputs(
        formula=formula if isinstance(formula, str) else tuple(formula),
        formulas=dict(formulas or {}),
        family=chosen,
        namespace=names_in_use(parsed, namespace),
        frame=frame,
        definition=definition_of(chosen),
        **options,
    )
    return inputs, parsed
