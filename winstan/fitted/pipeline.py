"""The two halves of a fit: a model that has passed every check, and its draws, judged."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.building import model_and_frame
from winstan.design_warnings import is_silent, silenced, warn_design
from winstan.diagnostics import diagnose
from winstan.draws import to_datatree
from winstan.effects import ArvizGroups
from winstan.engines import Source, enter
from winstan.errors import ConvergenceWarning, WinstanError, warn_user
from winstan.guards.checks import OF_DESIGN, OF_SAMPLES, check_model
from winstan.summary import scalars_of, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from winstan.backends import Backend, Settings
    from winstan.building import ModelOptions
    from winstan.draws import Draws
    from winstan.families import Family
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model


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
        data = enter(data)  # guards look at columns that the formula does not use
        model, frame = model_and_frame(formula, data, family, namespace, **options)
        if not isinstance(data, Source):
            check_model(model, frame, data)
            return model
        check_model(model, frame, frame.data, which=OF_DESIGN)
        if all(map(is_silent, OF_SAMPLES)):
            return model
        sample = frame.sampled
        n = len(nw.from_native(sample, eager_only=True))
        of = f"a sample of {n:,} of {frame.n_rows:,} rows"
        try:
            with silenced("all"):
                of_sample, own = model_and_frame(formula, sample, family, namespace, **options)
        except WinstanError as error:  # few rows may lack what all have: a level, any spread
            _tell_unjudged(of, error)
            return model
        check_model(of_sample, own, sample, which=OF_SAMPLES, of=f"In {of}: ")
    return model


def _tell_unjudged(of: str, error: WinstanError) -> None:
    """Warn that the guards of rows have seen none."""
    unasked = ", ".join(sorted(name for name in OF_SAMPLES if not is_silent(name)))
    warn_design(
        f"Rows are judged by {of}, and this one cannot be modelled by itself "
        f"({type(error).__name__}: {error}). The fit is of all rows, as asked for, but none of "
        f"these was looked for: {unasked}. A fit of some thousand rows in memory looks for them.",
        "unjudged_rows",
    )


def warn_of_verdict(fit: FittedModel, who: str = "") -> None:
    """Warn if the draws should not be trusted as they are."""
    if not fit.diagnostics.ok:
        warn_user(who + fit.verdict, ConvergenceWarning)


def fit_by[F: FittedModel](
    kind: type[F], backend: Backend, model: Model, settings: Settings, start: float
) -> F:
    """Sample a model with one backend, and judge the draws; `start` is `perf_counter`'s."""
    sampled = backend.sample(model, settings)
    return fit_from_draws(kind, model, sampled, backend.name, start, settings)


def fit_from_draws[F: FittedModel](
    kind: type[F],
    model: Model,
    sampled: Draws,
    backend: str,
    start: float,
    settings: Settings | None = None,
) -> F:
    """Judge a model's draws; `start` is `perf_counter`'s."""
    tree = to_datatree(model, sampled, ArvizGroups(model))
    scalars = scalars_of(tree)
    table = table_of(scalars)
    moving = scalars.without(set(model.coefficients.constant_names))
    diagnostics = diagnose(sampled, table[table.index.isin(moving.names)], moving.values)
    return kind(model, tree, diagnostics, backend, perf_counter() - start, table, settings)
