"""Building the model: from formula and data through every stage up to the `Model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from winstan._angles import mean_direction
from winstan.approximation.problem import Problem
from winstan.approximation.simplexes import fit_simplexes
from winstan.by_category import with_categories, with_counts
from winstan.cells import compress
from winstan.centering import center_levels, centered_design, predictor_means
from winstan.coefficients import Coefficients
from winstan.coordinates import choose_coordinates
from winstan.coordinates.curves import bounds_of, posterior_sds, shrunk_of, with_numbers
from winstan.coordinates.monotonic import CurvedColumn, curved_columns, raw_columns
from winstan.data import frame_from
from winstan.design import build_design, stack
from winstan.design.zero_trials import leave_out_zero_trials
from winstan.errors import DataError, OptionError, PriorError, near_matches
from winstan.families import family_named
from winstan.families.definition import definition_of
from winstan.families.limits import limited
from winstan.formula import parse_formula
from winstan.inputs import Inputs, names_in_use
from winstan.likelihood import Likelihood
from winstan.marginal import Plan, adapt_coordinates, marginalise, plan_marginal
from winstan.model import Model, lkj_numbers
from winstan.monotonic import Simplexes
from winstan.priors import Flat, Priors, resolve
from winstan.residual import adapt, check_residual, correlate, residual_slots
from winstan.scales import default_slots, measure_scales
from winstan.shrinkage import Shrinkage
from winstan.tuning import USUAL, Tuning
from winstan.validation import (
    check_intercept,
    check_names,
    check_noise,
    check_parameters,
    check_predicted,
    check_response,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coordinates import Coordinates
    from winstan.data import Frame
    from winstan.design import Design, Stacked
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.marginal import Marginal, VarianceCoordinates
    from winstan.priors import Prior
    from winstan.residual import CorrelatedResiduals
    from winstan.scales import Scales


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
    return model_of(inputs, parsed, tuning=tuning), inputs.frame


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
    """Read the formula and take its columns out of the data; arguments as of `model_and_frame`."""
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
    tuning
        How it is computed.

    Raises
    ------
    DataError, FamilyError, PriorError
    """
    if design.response.limits is not None:
        family = limited(family, design.response.limits)
    check_predicted(formula, family)
    stacked = stack(design)
    check_parameters(formula, design, family)
    check_intercept(formula, design, family)
    check_response(design, family, link)
    # As far from the data as can be, whatever angle is called zero; one that is turned stays so.
    if link.cut and not link.origin:
        link = link.about(float(mean_direction(design.response.y, design.weights)))
    cells = compress(design, stacked, family, link)
    likelihood = Likelihood.of(cells, family, link, stacked.parameters[1:])
    check_names(stacked, likelihood)
    scales = measure_scales(cells, likelihood)
    slots = default_slots(stacked, cells, likelihood, scales)
    if design.residual is not None:
        check_residual(design, family, link, parametrization)
        slots += residual_slots(design.residual)
    centered = center and design.intercept
    location = "Intercept" if family.thresholds is None else family.thresholds.name
    apart = centered and stacked.intercept  # an Intercept before the columns
    if isinstance(priors, Priors):
        resolved = priors
    else:
        resolved = resolve(slots, priors, at_mean=[location] if apart else [])
    predictor_mean = predictor_means(stacked, cells, centered=apart)
    means = None
    if center and np.any(stacked.constant):
        means, resolved = center_levels(stacked, cells, resolved)
    coefficients = Coefficients.of(stacked, resolved)
    problem, bent = _problem_of(
        stacked, cells, (predictor_mean, means), coefficients, likelihood, scales, resolved, tuning
    )
    population = bent.population
    constant = population @ coefficients.constant
    cells = replace(cells, offset=cells.offset + constant)
    population = population[:, coefficients.sampled]
    sampled = _parametrization(stacked, parametrization)
    plan, correlated = None, design.residual is not None
    own = {name: resolved.of(name) for name in coefficients.sampled_names}
    if not correlated and (parametrization is None or parametrization == "marginal"):
        plan = _plan(stacked, cells, population, likelihood, own, parametrization)
    coordinates = coordinates or _coordinates(
        design, problem, sampled, resolved, marginal=plan is not None or correlated
    )
    check_noise(design, likelihood, coordinates, scales.response)
    sds = posterior_sds(coordinates.decorrelation, population.shape[1])
    shrinkage = Shrinkage.of(stacked, cells, coefficients, resolved, likelihood, scales)
    shrunk = None
    if shrinkage is not None:
        shrunk = shrunk_of(shrinkage, coordinates.beta_location, sds, problem.beta_prior[:, 1])
    coordinates = _with_other_numbers(coordinates, shrinkage, bent.simplexes)
    integrated = _integrated(
        design, stacked, cells, population, likelihood, plan, coordinates, own, resolved, tuning
    )
    return Model(
        formula=formula,
        design=design,
        stacked=stacked,
        cells=cells,
        likelihood=likelihood,
        priors=resolved,
        coefficients=coefficients,
        center=centered,
        predictor_mean=predictor_mean,
        level_means=means,
        population=population,
        constant=constant,
        bounds=bounds_of(list(own.values()), sds),
        shrinkage=shrinkage,
        shrunk=shrunk,
        simplexes=bent.simplexes,
        curved=bent.curved,
        coordinates=coordinates,
        tuning=tuning,
        **integrated,
    )


class _Integrated(TypedDict, total=False):
    """What a model has where coefficients and effects are integrated out."""

    marginal: Marginal
    residual: CorrelatedResiduals
    variances: VarianceCoordinates


def _integrated(
    design: Design,
    stacked: Stacked,
    cells: Cells,
    population: Array,
    likelihood: Likelihood,
    plan: Plan | None,
    coordinates: Coordinates,
    own: Mapping[str, Prior],
    priors: Priors,
    tuning: Tuning,
) -> _Integrated:
    """Take the statistics, and find coordinates of what is left to sample.

    `own` are the priors of the coefficients that are sampled.
    """
    lkj = lkj_numbers(stacked, priors)
    if design.residual is not None:
        residual = correlate(
            design.residual, stacked, cells, population, likelihood, coordinates, own, priors, lkj
        )
        return {"residual": residual, "variances": adapt(residual, coordinates, tuning)}
    if plan is None:
        return {}
    marginal = marginalise(plan, cells, population, coordinates, list(own.values()))
    sd_priors = [priors[name] for group in stacked.groups for name in group.sd_names]
    noise = priors[str(likelihood.family.noise)]
    variances = adapt_coordinates(
        stacked, cells, coordinates, marginal, sd_priors, noise, lkj, tuning
    )
    return {"marginal": marginal, "variances": variances}


@dataclass(frozen=True, slots=True, eq=False)
class _Bent:
    """The population design of all coefficients, and what bends it (see `Model`)."""

    population: Array
    simplexes: Simplexes | None = None
    curved: tuple[CurvedColumn, ...] = ()


def _problem_of(
    stacked: Stacked,
    cells: Cells,
    centers: tuple[Array, Array | None],
    coefficients: Coefficients,
    likelihood: Likelihood,
    scales: Scales,
    priors: Priors,
    tuning: Tuning,
) -> tuple[Problem, _Bent]:
    """Return the model's numbers, where it has monotonic effects at simplexes near the data's."""

    def problem_at(near: Cells) -> tuple[Problem, Array]:
        whole = centered_design(stacked, near, *centers)
        own = _problem(stacked, cells, whole, coefficients, likelihood, scales, priors, tuning)
        return replace(own, Z=near.Z), whole

    problem, population = problem_at(cells)
    simplexes = Simplexes.of(stacked, priors)
    if simplexes is None:
        return problem, _Bent(population)
    raw = raw_columns(simplexes, stacked, cells, coefficients)
    simplexes = fit_simplexes(simplexes, problem, *raw)
    problem, population = problem_at(simplexes.at_reference(cells))
    curved = curved_columns(simplexes, stacked, cells, coefficients, priors, population)
    return problem, _Bent(population, simplexes, curved)


def _with_other_numbers(
    coordinates: Coordinates, shrinkage: Shrinkage | None, simplexes: Simplexes | None
) -> Coordinates:
    """Put the coordinates of numbers that are none of the family's after those of its own."""
    if shrinkage is not None:
        coordinates = with_numbers(coordinates, *shrinkage.free_scales())
    if simplexes is not None:
        coordinates = with_numbers(coordinates, simplexes.location, simplexes.scale)
    return coordinates


def _coordinates(
    design: Design,
    problem: Problem,
    sampled: Mapping[int, bool],
    priors: Priors,
    *,
    marginal: bool,
) -> Coordinates:
    """Choose the coordinates; numbers beyond what a double holds are the data's fault."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # an error is raised, if it matters
            return choose_coordinates(problem, sampled, marginal=marginal)
    except np.linalg.LinAlgError as failed:
        reason: Exception = failed
    except ValueError as failed:
        if "infs or NaNs" not in str(failed):  # scipy's words for numbers that have overflowed
            raise
        reason = failed
    failed_so = f"The approximate fit that starts the sampler failed ({reason}): "
    flat = [name for name, prior in priors.table.items() if isinstance(prior, Flat)]
    if flat:
        raise PriorError(
            f"{failed_so}the priors of {', '.join(map(repr, flat))} are Flat, and the data may not "
            "bound them (a predictor that tells the response for certain, say). Give them Normal "
            "priors."
        ) from reason
    y = design.response.y
    wide = "; model its logarithm if it is so wide" if y.min() > 0 else ""
    raise DataError(
        f"{failed_so}'{design.response.name}' runs from {y.min():.3g} to {y.max():.3g}. Look for "
        f"wrong values in it and in the predictors{wide}."
    ) from reason


def _plan(
    stacked: Stacked,
    cells: Cells,
    population: Array,
    likelihood: Likelihood,
    priors: Mapping[str, Prior],
    wanted: str | None,
) -> Plan | None:
    """How coefficients and effects are integrated out; None where they are to be sampled."""
    plan = plan_marginal(stacked, cells, population, likelihood, priors)
    if isinstance(plan, Plan):
        return plan if wanted == "marginal" or plan.is_cheaper else None
    if wanted == "marginal":
        raise OptionError(
            f"parametrization='marginal' is not possible here: {plan}. Leave it out: the "
            "coefficients and effects are then sampled."
        )
    return None


def _parametrization(stacked: Stacked, wanted: str | Mapping[str, str] | None) -> dict[int, bool]:
    known = {"centered": True, "noncentered": False}
    factors = [group.factor for group in stacked.groups]
    if wanted is None or wanted == "marginal":
        return {}
    if not isinstance(wanted, str | Mapping) or (isinstance(wanted, str) and wanted not in known):
        raise OptionError(
            f"parametrization= must be 'marginal', 'centered', 'noncentered', or one of the last "
            f"two by group factor, not {wanted!r}."
        )
    if isinstance(wanted, str):
        wanted = dict.fromkeys(factors, wanted)
    for factor, choice in wanted.items():
        if factor not in factors:
            raise OptionError(
                f"parametrization= names {factor!r}, which is no group factor of the formula."
                + near_matches(factor, factors)
            )
        if choice not in known:
            raise OptionError(
                f"parametrization= of {factor!r} must be 'centered' or 'noncentered', "
                f"not {choice!r}."
                + (
                    " All factors are marginal together: parametrization='marginal'."
                    if choice == "marginal"
                    else ""
                )
            )
    return {m: known[wanted[factor]] for m, factor in enumerate(factors) if factor in wanted}


def _problem(
    stacked: Stacked,
    cells: Cells,
    population: Array,
    coefficients: Coefficients,
    likelihood: Likelihood,
    scales: Scales,
    priors: Priors,
    tuning: Tuning,
) -> Problem:
    vector = likelihood.family.thresholds
    return Problem(
        X=population[:, coefficients.sampled],
        Z=cells.Z,
        level=cells.level,
        n_levels=tuple(len(group.levels) for group in stacked.groups),
        correlated=tuple(group.correlated for group in stacked.groups),
        offset=cells.offset + population @ coefficients.constant,
        likelihood=likelihood,
        beta_prior=scales.normal_priors(stacked, cells, priors),
        sd_guess=np.concatenate([[], *scales.group_sds(stacked, cells)]),
        sd_prior=tuple(priors[name] for group in stacked.groups for name in group.sd_names),
        aux_prior=tuple(priors.of(number.name) for number in likelihood.scalars),
        aux_guess=scales.numbers(likelihood.scalars),
        start=scales.eta_mean,
        tuning=tuning,
        threshold_prior=None if vector is None else priors[vector.name],
    )
