"""What is asked of which data: the formula read, its columns taken out of the user's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from winstan.by_category import with_counts
from winstan.data import frame_from
from winstan.design.zero_trials import leave_out_zero_trials
from winstan.engines import Source, Support, enter, grouped_frame
from winstan.families import Sample, family_named
from winstan.families.definition import definition_of
from winstan.formula import parse_formula
from winstan.inputs import Inputs, names_in_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.data import Frame
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
    frame = _frame(data, parsed, chosen, namespace, rows, options)
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


# Ends of the open intervals in which the responses of a kind lie.
_ENDS = {"real": (-np.inf, np.inf), "positive": (0.0, np.inf), "unit": (0.0, 1.0)}


def _frame(
    data: Any,
    formula: Formula,
    family: Family,
    namespace: Mapping[str, Any],
    rows: np.ndarray | None,
    options: Mapping[str, Any],
) -> Frame:
    """Take the columns in use out of the data, or let their engine group the rows."""
    weights, trials, every = options.get("weights"), options.get("trials"), family.of_categories
    entered = enter(data)
    if not isinstance(entered, Source):
        return frame_from(
            entered, formula, weights=weights, trials=trials, rows=rows, all_levels=every
        )
    functions: tuple[str, ...] = ()
    support = None
    if _has_moments(entered, formula, family, trials):
        wanted = family.support(Sample(np.array([-np.inf]), None, np.zeros(1)))[1]
        functions = family.sufficient
        needs = f"family={family.name!r} needs {wanted or 'a finite response'}"
        support = Support(*_ENDS[family.kind], needs)
    return grouped_frame(
        entered,
        formula,
        namespace,
        functions=functions,
        support=support,
        weights=weights,
        trials=trials,
        all_levels=every,
    )


def _has_moments(source: Source, formula: Formula, family: Family, trials: Any) -> bool:
    """Whether means and sums of squares say all of the response that the model needs."""
    spec = formula.response_spec
    beside = spec.trials or spec.limits or spec.success or spec.counts or trials is not None
    if not family.sufficient or beside:
        return False
    if set(formula.response_columns) & set(formula.predictor_columns):
        return False
    schema = source.table.collect_schema()
    own = [schema[name] for name in formula.response_columns if name in schema.names()]
    return all(dtype.is_numeric() for dtype in own)
