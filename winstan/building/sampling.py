"""How a model is sampled: what is integrated out, and the coordinates of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from winstan.coordinates import choose_coordinates
from winstan.coordinates.curves import shrunk_of, with_numbers
from winstan.coordinates.innovations import with_innovations
from winstan.errors import DataError, OptionError, PriorError, near_matches
from winstan.marginal import Plan, adapt_coordinates, marginalise, plan_marginal
from winstan.model import lkj_numbers
from winstan.priors import Constant, Flat, Normal, StudentT
from winstan.residual import adapt, are_uninformed, correlate, latent_place
from winstan.shrinkage import Shrinkage

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.problem import Problem
    from winstan.building.statement import Statement
    from winstan.coefficients import Coefficients
    from winstan.coordinates import Coordinates
    from winstan.coordinates.curves import Shrunk
    from winstan.design import Stacked
    from winstan.marginal import Marginal, VarianceCoordinates
    from winstan.model import Model
    from winstan.monotonic import Simplexes
    from winstan.priors import Prior, Priors
    from winstan.residual import CorrelatedResiduals, RowCorrelation
    from winstan.tuning import Tuning


def check_parametrization(
    stacked: Stacked, wanted: str | Mapping[str, str] | None
) -> dict[int, bool]:
    """Return which group terms the user wants centred (True) or not, by their place.

    Raises
    ------
    OptionError
    """
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


def make_plan(
    statement: Statement,
    population: Array,
    own: Mapping[str, Prior],
    wanted: str | Mapping[str, str] | None,
) -> Plan | None:
    """Plan how coefficients and effects are integrated out; None where that is not by a `Plan`.

    Parameters
    ----------
    statement
    population : ndarray, shape (B * C, P)
    own
        Priors of the P coefficients that are sampled.
    wanted
        The user's parametrization.

    Raises
    ------
    OptionError
        If the user wants what is not possible.
    """
    if statement.integrates_residuals or wanted not in (None, "marginal"):
        return None
    plan = plan_marginal(statement.stacked, statement.cells, population, statement.likelihood, own)
    if isinstance(plan, Plan):
        return plan if wanted == "marginal" or plan.is_cheaper else None
    if wanted == "marginal":
        raise OptionError(
            f"parametrization='marginal' is not possible here: {plan}. Leave it out: "
            "coefficients are then sampled, and effects too, but for some of many groups."
        )
    return None


def find_coordinates(
    statement: Statement,
    problem: Problem,
    sampled: Mapping[int, bool],
    priors: Priors,
    *,
    marginal: bool,
) -> Coordinates:
    """Choose the coordinates by the approximate fit.

    Parameters
    ----------
    statement, problem
    sampled
        From `check_parametrization`. Effects of single rows that it does not name are sampled as
        innovations where the data say little of them.
    priors
    marginal
        Whether coefficients and effects are integrated out.

    Raises
    ------
    PriorError, DataError
        If numbers of the fit are beyond what a double holds.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # an error is raised, if it matters
            found = choose_coordinates(
                problem,
                sampled,
                marginal=marginal,
                given_noise=not (marginal or sampled) and _are_about_normal(statement, priors),
            )
            place = latent_place(statement.stacked)
            if place is None or place in sampled:
                return found
            first_sd = statement.stacked.groups[place].sds.start
            if not are_uninformed(found, place, first_sd):
                return found
            found = choose_coordinates(problem, {**sampled, place: False})
            return with_innovations(found, place)
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
    response = statement.design.response
    y = response.y
    wide = "; model its logarithm if it is so wide" if y.min() > 0 else ""
    raise DataError(
        f"{failed_so}'{response.name}' runs from {y.min():.3g} to {y.max():.3g}. Look for "
        f"wrong values in it and in the predictors{wide}."
    ) from reason


def _are_about_normal(statement: Statement, priors: Priors) -> bool:
    """Whether priors of coefficients are about normal, and rows are independent."""
    own = [priors.of(name) for name in statement.stacked.coefficient_names]
    plain = all(isinstance(p, Constant | Normal | StudentT) and not p.bounded for p in own)
    return plain and statement.design.residual is None and not statement.stacked.monotones


def find_shrinkage(
    statement: Statement,
    coefficients: Coefficients,
    priors: Priors,
    coordinates: Coordinates,
    sds: Array,
    prior_sds: Array,
    like: Model | None = None,
) -> tuple[Shrinkage | None, Shrunk | None]:
    """Return the prior that coefficients share, if there is one, and their coordinates.

    `sds` are about those of the P coefficients' posterior, `prior_sds` those of their prior; the
    prior of `like`, a model of more rows, is taken as it is.
    """
    shrinkage = (
        like.shrinkage
        if like is not None
        else Shrinkage.of(
            statement.stacked,
            statement.cells,
            coefficients,
            priors,
            statement.likelihood,
            statement.scales,
        )
    )
    if shrinkage is None:
        return None, None
    return shrinkage, shrunk_of(shrinkage, coordinates.beta_location, sds, prior_sds)


def with_other_numbers(
    coordinates: Coordinates,
    shrinkage: Shrinkage | None,
    simplexes: Simplexes | None,
    correlation: RowCorrelation | None,
) -> Coordinates:
    """Put coordinates of other numbers after those of the family's own."""
    if shrinkage is not None:
        coordinates = with_numbers(coordinates, *shrinkage.free_scales())
    if simplexes is not None:
        coordinates = with_numbers(coordinates, simplexes.location, simplexes.scale)
    if correlation is not None:
        coordinates = with_numbers(coordinates, correlation.start, correlation.width)
    return coordinates


class Integrated(TypedDict, total=False):
    """What a model has where coefficients and effects are integrated out."""

    marginal: Marginal
    residual: CorrelatedResiduals
    variances: VarianceCoordinates


def integrate_out(
    statement: Statement,
    population: Array,
    plan: Plan | None,
    coordinates: Coordinates,
    own: Mapping[str, Prior],
    priors: Priors,
    tuning: Tuning,
) -> Integrated:
    """Take the statistics, and find coordinates of what is left to sample.

    Parameters
    ----------
    statement
    population : ndarray, shape (B * C, P)
    plan
        From `make_plan`.
    coordinates
        Those of the approximate fit.
    own
        Priors of the P coefficients that are sampled.
    priors, tuning
    """
    stacked, cells, likelihood = statement.stacked, statement.cells, statement.likelihood
    term = statement.design.residual
    lkj = lkj_numbers(stacked, priors)
    if term is not None and statement.integrates_residuals:
        residual = correlate(
            term, stacked, cells, population, likelihood, coordinates, own, priors, lkj
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
