"""The stages in order, from inputs to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from winstan.building.centering import Centering, resolve_priors
from winstan.building.problem import pose_problem
from winstan.building.reading import read_inputs
from winstan.building.sampling import (
    check_parametrization,
    find_coordinates,
    find_shrinkage,
    integrate_out,
    make_plan,
    with_other_numbers,
)
from winstan.building.statement import summarise
from winstan.by_category import with_categories, with_counts
from winstan.coefficients import Coefficients
from winstan.coordinates.curves import bounds_of, posterior_sds
from winstan.design import build_design
from winstan.families.limits import unlimited
from winstan.formula import parse_formula
from winstan.formula.residual import with_latent
from winstan.model import Model
from winstan.residual import correlate_rows
from winstan.tuning import USUAL, Tuning
from winstan.validation import check_noise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.coordinates import Coordinates
    from winstan.data import Frame
    from winstan.design import Design
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.inputs import Inputs
    from winstan.priors import Prior, Priors


def model_and_frame(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family,
    namespace: Mapping[str, Any],
    **options: Any,
) -> tuple[Model, Frame]:
    """Run the stages up to the model, without the guards; `options` are those of `ModelOptions`."""
    tuning = options.pop("tuning", USUAL)
    inputs, parsed = read_inputs(formula, data, family, namespace, **options)
    kept = replace(inputs, frame=replace(inputs.frame, sampled=None))
    return model_of(kept, parsed, tuning=tuning), inputs.frame


def model_of(
    inputs: Inputs,
    parsed: Formula | None = None,
    *,
    priors: Priors | None = None,
    coordinates: Coordinates | None = None,
    tuning: Tuning = USUAL,
) -> Model:
    """Run the stages from inputs to the model.

    Parameters
    ----------
    inputs
    parsed
        Their formula, where it was read already.
    priors
        Those of an equal model, whatever the defaults are now.
    coordinates
        Its coordinates; None to look for them.
    tuning
    """
    family, namespace, frame = inputs.family, inputs.namespace, inputs.frame
    if parsed is None:
        every = family.of_labels is not None
        parsed = parse_formula(inputs.formula, namespace, inputs.formulas, for_all=every)
    parsed, chosen = with_categories(with_counts(parsed, family), family, frame, namespace)
    if chosen.residuals == "latent":
        parsed = with_latent(parsed)
    design = build_design(parsed, frame, namespace, chosen.kind, chosen.parameters[0].name)
    model = build_model(
        parsed,
        design,
        chosen,
        chosen.link(inputs.link),
        priors=inputs.priors if priors is None else priors,
        center=inputs.center,
        parametrization=inputs.parametrization,
        coordinates=coordinates,
        tuning=tuning,
    )
    return replace(model, inputs=inputs)


def build_model(
    formula: Formula,
    design: Design,
    family: Family,
    link: Link,
    *,
    priors: Mapping[str, Prior] | Priors | None = None,
    center: bool = True,
    parametrization: str | Mapping[str, str] | None = None,
    coordinates: Coordinates | None = None,
    like: Model | None = None,
    tuning: Tuning = USUAL,
) -> Model:
    """Put a model together: check the response, compress it, resolve priors, choose coordinates.

    Parameters
    ----------
    formula, design
    family, link
    priors
        The user's, by parameter name or class; or those of another model of the same parameters,
        whatever scales this response has.
    center
        Whether to centre the population-level predictors.
    parametrization : {"marginal", "centered", "noncentered"}, or a mapping, or None
        "marginal" integrates coefficients and effects out; the others sample them, and can be given
        by group factor. None takes marginal where that is possible and cheaper; factors without a
        name here are sampled as standard scores of what the data say of them.
    coordinates
        Those of an equal model; None to look for them.
    like
        A model of more rows of the same data, of which this one has all that its priors depend on:
        where predictors are centred, units of shrinkage, and bounds by the data.
    tuning
        How it is computed.

    Raises
    ------
    DataError, FamilyError, PriorError
    """
    statement = summarise(formula, design, family, link, parametrization, like)
    if like is None:
        centering, resolved = resolve_priors(statement, priors, center=center)
    else:
        centering, resolved = Centering.of(like), like.priors
    coefficients = Coefficients.of(statement.stacked, resolved)
    problem, predictors = pose_problem(statement, centering, coefficients, resolved, tuning)
    constant = predictors.population @ coefficients.constant
    statement = statement.with_offset(constant)
    population = predictors.population[:, coefficients.sampled]
    own = {name: resolved.of(name) for name in coefficients.sampled_names}

    sampled = check_parametrization(statement.stacked, parametrization)
    plan = make_plan(statement, population, own, parametrization)
    correlation = None
    if design.residual is not None and not statement.integrates_residuals:
        correlation = correlate_rows(design, statement.stacked, resolved)
    if coordinates is None:
        integrated = plan is not None or statement.integrates_residuals
        coordinates = find_coordinates(statement, problem, sampled, resolved, marginal=integrated)
    check_noise(design, statement.likelihood, coordinates, statement.scales.response)
    sds = posterior_sds(coordinates.decorrelation, population.shape[1])
    shrinkage, shrunk = find_shrinkage(
        statement, coefficients, resolved, coordinates, sds, problem.beta_prior[:, 1], like
    )
    coordinates = with_other_numbers(coordinates, shrinkage, predictors.simplexes, correlation)
    return Model(
        formula=formula,
        design=design,
        stacked=statement.stacked,
        cells=statement.cells,
        likelihood=statement.likelihood,
        priors=resolved,
        coefficients=coefficients,
        center=centering.centered,
        predictor_mean=centering.predictor_mean,
        level_means=centering.level_means,
        population=population,
        constant=constant,
        bounds=bounds_of(list(own.values()), sds),
        shrinkage=shrinkage,
        shrunk=shrunk,
        simplexes=predictors.simplexes,
        curved=predictors.curved,
        correlation=correlation,
        coordinates=coordinates,
        tuning=tuning,
        **integrate_out(statement, population, plan, coordinates, own, resolved, tuning),
    )


def refit_model(
    model: Model, design: Design, parametrization: str | Mapping[str, str] | None = None
) -> Model:
    """Return the model of some rows of another's data, whose priors are those of all its rows.

    Parameters
    ----------
    model
        Of all rows.
    design
        Of some, from `winstan.design.take_data`.
    parametrization
        As for `winstan.fit`.
    """
    return build_model(
        model.formula,
        design,
        unlimited(model.family),
        model.link,
        parametrization=parametrization,
        like=model,
        tuning=model.tuning,
    )
