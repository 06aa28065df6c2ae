"""The model: formula, design, cells, family, priors and geometry. All that a backend ever sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.cells import Cells, compress
from winstan.errors import (
    DataError,
    FamilyError,
    FormulaError,
    OptionError,
    PriorError,
    near_matches,
)
from winstan.families import check_support
from winstan.families.sample import Sample
from winstan.geometry import Geometry, choose_geometry
from winstan.geometry.laplace import Problem
from winstan.marginal import (
    Marginal,
    Plan,
    VarianceCoordinates,
    marginalise,
    plan_marginal,
    settle,
)
from winstan.priors import Flat, Priors, resolve
from winstan.scales import Scales, correlation_names, default_slots, measure_scales
from winstan.variables import Variable, variables

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.families import Family
    from winstan.families.links import Array, Link
    from winstan.formula import Formula
    from winstan.priors import Prior


# Stan's own target acceptance; and one for random slopes that are sampled, where correlations near
# one bring divergences at Stan's step size, and for sds that the data hardly tell from zero.
ACCEPT = 0.8
ACCEPT_CURVED = 0.98
# Where the coordinates are about standard normal there is a step size to find, and no scales. They
# are less so with correlations, and small steps take longer to find.
WARMUP = 100
WARMUP_CURVED = 150
WARMUP_METRIC = 300
# One step size for all draws brings every coordinate of equal width about to its mirror image at
# once: InstEval's 4,102 mix a third better where it varies.
MANY_COORDINATES = 1000
JITTER = 0.5
# The worst R-hat of four thousand effects is 1.01 by chance alone, after a thousand draws.
DRAWS = 1000
DRAWS_OF_MANY = 2000
# A residual sd of a smaller share of the response's is no noise, but the rounding of its numbers.
EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed model and its data, ready for any backend.

    Attributes
    ----------
    formula : Formula
    design : Design
        Terms, levels and rows, as the formula has them.
    cells : Cells
        The design's distinct rows, with sufficient statistics.
    family : Family
    link : Link
    priors : Priors
    center : bool
        Whether the prior of the Intercept is at the mean of the predictors.
    predictor_mean : ndarray, shape (K,)
        What is subtracted from each population-level predictor; zeros if not centred.
    population : ndarray, shape (C, P)
        The population-level design of the cells: a column of ones if there is an intercept, and
        the centred predictors.
    geometry : Geometry
        The coordinates to sample in.
    marginal : Marginal or None
        Statistics by which coefficients and effects are integrated out (and drawn afterwards);
        None where they are sampled.
    """

    formula: Formula
    design: Design
    cells: Cells
    family: Family
    link: Link
    priors: Priors
    center: bool
    predictor_mean: Array
    population: Array
    geometry: Geometry
    marginal: Marginal | None = None
    variances: VarianceCoordinates | None = None

    @property
    def template(self) -> str:
        """Name of the Stan template that has its density."""
        return self.family.template if self.marginal is None else "gaussian_marginal"

    @property
    def target_accept(self) -> float:
        """NUTS's target acceptance rate, unless the user gives one."""
        if self.marginal is not None:
            return ACCEPT
        return ACCEPT_CURVED if self.slopes or self.geometry.curved else ACCEPT

    @property
    def metric(self) -> str:
        """The Euclidean metric of Stan's NUTS: ``"unit_e"``, or one to adapt.

        ``"diag_e"`` with random slopes; where coefficients and effects are integrated out,
        ``"dense_e"`` if the variances' posterior was not found well.
        """
        if self.variances is not None:
            return "unit_e" if self.variances.settled else "dense_e"
        return "diag_e" if self.slopes else "unit_e"

    def warmup(self, target_accept: float) -> int:
        """Warm-up iterations of each chain at this acceptance rate, unless the user gives them."""
        if self.metric != "unit_e":
            return WARMUP_METRIC
        return WARMUP if target_accept <= ACCEPT else WARMUP_CURVED

    @property
    def draws(self) -> int:
        """Draws of each chain, unless the user says how many."""
        return default_draws(self._sampled)

    @property
    def step_size_jitter(self) -> float:
        """Share by which Stan's NUTS varies its step size: half with thousands of effects, or 0."""
        return JITTER if self._sampled > MANY_COORDINATES else 0.0

    @property
    def _sampled(self) -> int:
        """Coefficients and effects that are sampled."""
        whitening = self.geometry.whitening
        return 0 if self.marginal else len(whitening.joint_scale) + whitening.rest_scale.size

    @property
    def slopes(self) -> bool:
        """Whether some group term has several effects a level."""
        return any(group.Z.shape[1] > 1 for group in self.design.groups)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The parameters, in order, as every backend reports them."""
        return variables(self.design, self.family)


def default_draws(sampled: int) -> int:
    """Draws of each chain where so many coefficients and effects are sampled."""
    return DRAWS_OF_MANY if sampled > MANY_COORDINATES else DRAWS


def build_model(
    formula: Formula,
    design: Design,
    positions: np.ndarray,
    family: Family,
    link: Link,
    *,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    parametrization: str | Mapping[str, str] | None = None,
) -> Model:
    """Put a model together: check the response, compress it, settle priors and geometry.

    Parameters
    ----------
    formula, design
    positions : ndarray of int, shape (N,)
        Positions of the design's data rows in the user's data frame, for messages.
    family, link
    priors
        The user's, by parameter name or class.
    center
        Whether to centre the population-level predictors.
    parametrization : {"marginal", "centered", "noncentered"}, or a mapping, or None
        "marginal" integrates coefficients and effects out; the others sample them, and can be given
        by group factor. None takes marginal where that is possible and pays; factors without a
        name here are sampled as standard scores of what the data say of them.

    Raises
    ------
    DataError, FamilyError, PriorError
    """
    _check_names(design, family)
    _check_parameters(formula, design, family)
    _check_response(design, family, link, positions)
    cells = compress(design, family, link)
    centered = center and design.intercept
    predictor_mean = (
        np.average(cells.X, axis=0, weights=cells.weight)
        if centered
        else np.zeros(cells.X.shape[1])
    )
    population = cells.X - predictor_mean
    if design.intercept:
        population = np.column_stack([np.ones(cells.n), population])
    scales = measure_scales(cells, family, link)
    resolved = resolve(default_slots(design, cells, family, scales), priors, center=centered)
    problem = _problem(design, cells, population, family, link, scales, resolved)
    sampled = _parametrization(design, parametrization)
    plan = None
    if parametrization is None or parametrization == "marginal":
        plan = _plan(design, cells, population, family, link, resolved, parametrization)
    geometry = _geometry(design, problem, sampled, resolved, marginal=plan is not None)
    _check_noise(design, family, geometry, scales.response)
    marginal = coordinates = None
    if plan is not None:
        coefficients = list(resolved.table.values())[: population.shape[1]]
        marginal = marginalise(plan, cells, population, geometry, coefficients)
        coordinates = settle(
            design,
            cells,
            geometry,
            marginal,
            problem.sd_prior,
            resolved.table["sigma"],
            tuple(resolved[name].numbers[0] for name, _ in correlation_names(design)),
        )
    return Model(
        formula=formula,
        design=design,
        cells=cells,
        family=family,
        link=link,
        priors=resolved,
        center=centered,
        predictor_mean=predictor_mean,
        population=population,
        geometry=geometry,
        marginal=marginal,
        variances=coordinates,
    )


def _geometry(
    design: Design,
    problem: Problem,
    sampled: Mapping[int, bool],
    priors: Priors,
    *,
    marginal: bool,
) -> Geometry:
    """Choose the coordinates; numbers beyond what a double holds are the data's fault."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # an error is raised, if it matters
            return choose_geometry(problem, sampled, marginal=marginal)
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


def _check_parameters(formula: Formula, design: Design, family: Family) -> None:
    if not (design.intercept or design.X.shape[1] or design.groups or family.auxiliary):
        raise FormulaError(
            f"The {family.name} model of {formula.text!r} has no parameter: no intercept, no "
            "predictor, no group term. Leave out the 0, or add a term."
        )


def _check_noise(design: Design, family: Family, geometry: Geometry, response: float) -> None:
    """Refuse a response that the formula gives exactly: sigma would be the rounding of numbers.

    As many coefficients as rows give any response exactly; there the priors say what sigma is.
    """
    if "sigma" not in family.auxiliary or design.response.y.size <= geometry.beta_location.size:
        return
    log_sigma = geometry.log_aux_location[family.auxiliary.index("sigma")]
    if np.exp(log_sigma) < EXACT * response:
        raise DataError(
            f"The formula gives {design.response.name!r} exactly, in all {design.response.y.size} "
            f"rows: of its sd of {response:.3g} nothing is left but rounding. Was the column "
            "computed from the predictors, or from the group factors?"
        )


def _check_names(design: Design, family: Family) -> None:
    """Refuse a predictor that has the name of another parameter: draws are found by name."""
    reported = variables(design, family)
    names = [variable.name for variable in reported]
    names += {"chain", "draw", *(dim for variable in reported for dim in variable.coords)}
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormulaError(
            f"The predictor {twice[0]!r} has the name of a parameter, or of a dimension of the "
            f"draws, of the {family.name} model. "
            f"Rename the column, or write I({twice[0]})."
        )


def _check_response(design: Design, family: Family, link: Link, positions: np.ndarray) -> None:
    response = design.response
    y, trials = response.y, response.trials
    if family.trials and trials is None:
        raise FamilyError(
            f"family='binomial' needs the number of trials: write "
            f"`p({response.name}, trials) ~ ...`, or give trials= a column or a number."
        )
    if trials is not None and not family.trials:
        raise FamilyError(
            f"The response has trials, which family={family.name!r} does not take; "
            "use family='binomial'."
        )
    if response.levels is not None and family.name != "bernoulli":
        raise FamilyError(
            f"{response.name!r} has the levels {' and '.join(map(repr, response.levels))}: "
            f"family={family.name!r} needs numbers. Two levels fit family='bernoulli'."
        )
    zeros = np.broadcast_to(0.0, y.shape)
    check_support(family, Sample(y, design.weights, zeros, trials), response.name, positions)
    same = y.size < 2 or bool(np.all(y == y[0]))
    if trials is not None:
        same = bool(np.all(y == 0) or np.all(y == trials))
    if same:
        raise DataError(
            f"The response {response.name!r} is constant: all {y.size} rows are "
            f"{y[0]:g}, so there is nothing to explain. "
            "Check the column, or the filter before it."
        )
    mean = float(np.average(y, weights=design.weights))
    if link.name == "log" and mean <= 0:
        raise FamilyError(
            f"link='log' needs a positive mean, but that of {response.name!r} is {mean:g}. "
            "Use link='identity'."
        )


def _plan(
    design: Design,
    cells: Cells,
    population: Array,
    family: Family,
    link: Link,
    priors: Priors,
    wanted: str | None,
) -> Plan | None:
    """How coefficients and effects are integrated out; None where they are to be sampled."""
    plan = plan_marginal(design, cells, population, family, link, priors.table)
    if isinstance(plan, Plan):
        return plan if wanted == "marginal" or plan.pays else None
    if wanted == "marginal":
        raise OptionError(
            f"parametrization='marginal' is not possible here: {plan}. Leave it out: the "
            "coefficients and effects are then sampled."
        )
    return None


def _parametrization(design: Design, wanted: str | Mapping[str, str] | None) -> dict[int, bool]:
    known = {"centered": True, "noncentered": False}
    factors = [group.factor for group in design.groups]
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
    design: Design,
    cells: Cells,
    population: Array,
    family: Family,
    link: Link,
    scales: Scales,
    priors: Priors,
) -> Problem:
    P = population.shape[1]
    return Problem(
        X=population,
        Z=cells.Z,
        level=cells.level,
        n_levels=tuple(len(group.levels) for group in design.groups),
        correlated=tuple(group.correlated for group in design.groups),
        offset=cells.offset,
        family=family,
        link=link,
        statistics=cells.statistics,
        beta_prior=scales.normal_priors(design, cells, priors),
        sd_guess=scales.group_scale(design, cells),
        sd_prior=tuple(list(priors.table.values())[P : P + sum(Z.shape[1] for Z in cells.Z)]),
        aux_prior=tuple(priors.table[name] for name in family.auxiliary),
        aux_guess=scales.auxiliary(family),
        start=scales.eta_mean,
    )
