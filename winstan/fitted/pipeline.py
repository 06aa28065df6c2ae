"""From formula and data to the model, and from the model to the fit."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypedDict

from winstan.by_category import with_categories, with_counts
from winstan.data import frame_from
from winstan.data.tables import in_memory
from winstan.design import build_design
from winstan.design.zero_trials import leave_out_zero_trials
from winstan.design_warnings import is_silent, silenced
from winstan.diagnostics import diagnose
from winstan.draws import to_datatree
from winstan.families import family_named
from winstan.fitted.fit import Fit
from winstan.formula import parse_formula
from winstan.guards.checks import check_model
from winstan.model import build_model
from winstan.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    import numpy as np

    from winstan.backends import Backend, Settings
    from winstan.data import Frame
    from winstan.families import Family
    from winstan.model import Model
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


def model_from(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family,
    namespace: Mapping[str, Any],
    *,
    silence: str | Iterable[str] | None = None,
    **options: Unpack[ModelOptions],
) -> Model:
    """Go from formula and data to the model, with every check that comes before sampling.

    Parameters and errors are those of `fit`; `namespace` has the names that the formula may call.
    """
    with silenced(silence):
        if not (is_silent("pseudoreplication") and is_silent("skew")):
            data = in_memory(data)  # these guards look at columns that the formula does not use
        model, frame = model_and_frame(formula, data, family, namespace, **options)
        check_model(model, frame, data)
    return model


def model_and_frame(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family,
    namespace: Mapping[str, Any],
    *,
    formulas: Mapping[str, str] | None = None,
    link: str | None = None,
    weights: str | None = None,
    trials: str | int | None = None,
    rows: np.ndarray | None = None,
    categories: tuple[Any, ...] | None = None,
    **options: Any,
) -> tuple[Model, Frame]:
    """Run the stages up to the model, without the guards; `options` are those of `build_model`."""
    chosen = family_named(family)
    parsed = parse_formula(formula, namespace, formulas, for_all=chosen.of_labels is not None)
    frame = frame_from(
        data, parsed, weights=weights, trials=trials, rows=rows, all_levels=chosen.of_categories
    )
    frame = replace(frame, categories=categories)
    parsed = with_counts(parsed, chosen)
    frame = leave_out_zero_trials(parsed, frame, namespace)
    parsed, chosen = with_categories(parsed, chosen, frame, namespace)
    design = build_design(parsed, frame, namespace, chosen.kind, chosen.parameters[0].name)
    return build_model(parsed, design, chosen, chosen.link(link), **options), frame


def fit_by(backend: Backend, model: Model, settings: Settings, start: float) -> Fit:
    """Sample a model with one backend, and judge the draws; `start` is `perf_counter`'s."""
    sampled = backend.sample(model, settings)
    tree = to_datatree(model, sampled)
    table = summarise(tree)
    constant = table.index.intersection(list(model.coefficients.constant_names))
    diagnostics = diagnose(sampled, table.drop(index=constant))
    return Fit(model, tree, diagnostics, backend.name, perf_counter() - start, table)
