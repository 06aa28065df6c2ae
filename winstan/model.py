"""The model: formula, design, cells, family, priors, coordinates. All that a backend sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan._angles import mean_direction
from winstan.approximation.problem import Problem
from winstan.cells import Cells, compress
from winstan.centering import center_levels, centered_design, predictor_means
from winstan.coefficients import Coefficients
from winstan.coordinates import Coordinates, choose_coordinates
from winstan.coordinates.coordinates import FEW_GROUPS
from winstan.coordinates.curves import (
    Bounds,
    Shrunk,
    bounds_of,
    posterior_sds,
    shrunk_of,
    with_numbers,
)
from winstan.design import stack
from winstan.errors import (
    DataError,
    OptionError,
    PriorError,
    near_matches,
)
from winstan.families.limits import limited
from winstan.likelihood import Likelihood
from winstan.marginal import (
    Marginal,
    Plan,
    VarianceCoordinates,
    adapt_coordinates,
    marginalise,
    plan_marginal,
)
from winstan.priors import Flat, Priors, resolve
from winstan.scales import Scales, default_slots, measure_scales
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
from winstan.variables import Variable, variables

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design, Stacked
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.priors import Prior


# Stan's own target acceptance; one for random slopes that are sampled, where correlations near one
# bring divergences at Stan's step size, and for sds that the data hardly tell from zero; where
# effects are integrated out, one for slopes whose sd may vanish, whose groups are few, or whose
# prior has correlations at one and minus one (LKJ below 1), and one for intercepts' sds that may.
ACCEPT = 0.8
ACCEPT_CURVED = 0.98
ACCEPT_MARGINAL_SLOPES = 0.9
ACCEPT_MARGINAL = 0.85
# Where the coordinates are about standard normal there is a step size to find, and no scales. They
# are less so with correlations, and small steps take longer to find.
WARMUP = 100
WARMUP_CURVED = 150
WARMUP_METRIC = 300
# Of more coordinates that warm-up is too short for their covariances.
DENSE_UP_TO = 60
# One step size for all draws brings every coordinate of equal width about to its mirror image at
# once: InstEval's 4,102 mix a third better where it varies.
MANY_COORDINATES = 1000
JITTER = 0.5
# The worst R-hat of four thousand effects is 1.01 by chance alone, after a thousand draws.
DRAWS = 1000
DRAWS_OF_MANY = 2000


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed model and its data, ready for any backend.

    Attributes
    ----------
    formula : Formula
    design : Design
        Terms, levels and rows of the mean, as its formula has them, and of other parameters.
    stacked : Stacked
        The linear predictors of all parameters that have a formula, as one.
    cells : Cells
        The design's distinct rows, with sufficient statistics.
    likelihood : Likelihood
        The density of the cells' data by what is sampled.
    priors : Priors
    coefficients : Coefficients
        Which of them are sampled: P.
    center : bool
        Whether the prior of the Intercept is at the mean of the predictors.
    predictor_mean : ndarray, shape (K,)
        What is subtracted from each population-level predictor; zeros if not centred.
    level_means : ndarray, shape (K, K), or None
        Without an Intercept apart: what is subtracted within the levels of the columns that stand
        for it (`winstan.centering`).
    population : ndarray, shape (B * C, P)
        The population-level design of the cells: a column of ones for the Intercept, and the
        centred predictors.
    constant : ndarray, shape (B * C,)
        What coefficients that are constant add to the linear predictors: part of the cells' offset.
    coordinates : Coordinates
        The coordinates to sample in; of what is integrated out, where `variances` starts.
    bounds : Bounds
        Of the coefficients that have any.
    shrinkage : Shrinkage or None
        The prior that coefficients share, if there is one.
    shrunk : Shrunk or None
        Their coordinates.
    marginal : Marginal or None
        Statistics by which coefficients and effects are integrated out (and drawn afterwards);
        None where they are sampled.
    variances : VarianceCoordinates or None
        The coordinates of what remains to be sampled beside `marginal`.
    tuning : Tuning
    """

    formula: Formula
    design: Design
    stacked: Stacked
    cells: Cells
    likelihood: Likelihood
    priors: Priors
    coefficients: Coefficients
    center: bool
    predictor_mean: Array
    level_means: Array | None
    population: Array
    constant: Array
    coordinates: Coordinates
    bounds: Bounds
    shrinkage: Shrinkage | None = None
    shrunk: Shrunk | None = None
    marginal: Marginal | None = None
    variances: VarianceCoordinates | None = None
    tuning: Tuning = USUAL

    @property
    def family(self) -> Family:
        """The distribution of the response."""
        return self.likelihood.family

    @property
    def link(self) -> Link:
        """The link of its mean."""
        return self.likelihood.link

    @property
    def template(self) -> str:
        """Name of the Stan template that has its density."""
        return self.family.template if self.marginal is None else "gaussian_marginal"

    @property
    def target_accept(self) -> float:
        """NUTS's target acceptance rate, unless the user gives one."""
        if self.marginal is not None:
            open_ended = ACCEPT_MARGINAL_SLOPES if self.slopes else ACCEPT_MARGINAL
            return open_ended if self._open_ended else ACCEPT
        curved = self.slopes or self.coordinates.curved or self.family.dense_metric
        return ACCEPT_CURVED if curved else ACCEPT

    @property
    def metric(self) -> str:
        """The Euclidean metric of Stan's NUTS: ``"unit_e"``, or one to adapt.

        ``"diag_e"`` with random slopes; where coefficients and effects are integrated out,
        ``"dense_e"`` if the variances' posterior was not found well, or where the family asks for
        it and the parameters are few.
        """
        if self.variances is not None:
            return "unit_e" if self.variances.converged else "dense_e"
        if self.family.dense_metric and self._sampled <= DENSE_UP_TO:
            return "dense_e"
        return "diag_e" if self.slopes or self.family.dense_metric else "unit_e"

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
        decorrelation = self.coordinates.decorrelation
        return (
            0
            if self.marginal
            else len(decorrelation.remaining_scale) + decorrelation.eliminated_scale.size
        )

    @property
    def _open_ended(self) -> bool:
        """Whether an sd may vanish, or correlations may come near one."""
        groups = self.stacked.groups
        few = any(g.q > 1 and g.n_levels < FEW_GROUPS for g in groups)
        lkj = _lkj(self.stacked, self.priors)
        return few or self.coordinates.vanishing or min(lkj, default=1.0) < 1.0

    @property
    def slopes(self) -> bool:
        """Whether some group term has several effects a level."""
        return any(group.q > 1 for group in self.stacked.groups)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The parameters, in order, as every backend reports them."""
        return variables(self.stacked, self.likelihood, self.shrinkage)


def default_draws(sampled: int) -> int:
    """Draws of each chain where so many coefficients and effects are sampled."""
    return DRAWS_OF_MANY if sampled > MANY_COORDINATES else DRAWS


def build_model(
    formula: Formula,
    design: Design,
    family: Family,
    link: Link,
    *,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    parametrization: str | Mapping[str, str] | None = None,
    tuning: Tuning = USUAL,
) -> Model:
    """Put a model together: check the response, compress it, resolve priors, choose coordinates.

    Parameters
    ----------
    formula, design
    family, link
    priors
        The user's, by parameter name or class.
    center
        Whether to centre the population-level predictors.
    parametrization : {"marginal", "centered", "noncentered"}, or a mapping, or None
        "marginal" integrates coefficients and effects out; the others sample them, and can be given
        by group factor. None takes marginal where that is possible and cheaper; factors without a
        name here are sampled as standard scores of what the data say of them.
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
    if link.cut:  # as far from the data as can be, whatever angle is called zero
        link = link.about(float(mean_direction(design.response.y, design.weights)))
    cells = compress(design, stacked, family, link)
    likelihood = Likelihood.of(cells, family, link, stacked.parameters[1:])
    check_names(stacked, likelihood)
    scales = measure_scales(cells, likelihood)
    slots = default_slots(stacked, cells, likelihood, scales)
    centered = center and design.intercept
    location = "Intercept" if family.thresholds is None else family.thresholds.name
    apart = centered and stacked.intercept  # an Intercept before the columns
    resolved = resolve(slots, priors, at_mean=[location] if apart else [])
    predictor_mean = predictor_means(stacked, cells, centered=apart)
    means = None
    if center and np.any(stacked.constant):
        means, resolved = center_levels(stacked, cells, resolved)
    coefficients = Coefficients.of(stacked, resolved)
    population = centered_design(stacked, cells, predictor_mean, means)
    constant = population @ coefficients.constant
    cells = replace(cells, offset=cells.offset + constant)
    population = population[:, coefficients.sampled]
    problem = _problem(stacked, cells, population, likelihood, scales, resolved, tuning)
    sampled = _parametrization(stacked, parametrization)
    plan = None
    own = {name: resolved.of(name) for name in coefficients.sampled_names}
    if parametrization is None or parametrization == "marginal":
        plan = _plan(stacked, cells, population, likelihood, own, parametrization)
    coordinates = _coordinates(design, problem, sampled, resolved, marginal=plan is not None)
    check_noise(design, likelihood, coordinates, scales.response)
    sds = posterior_sds(coordinates.decorrelation, population.shape[1])
    shrinkage = Shrinkage.of(stacked, cells, coefficients, resolved, likelihood, scales)
    shrunk = None
    if shrinkage is not None:
        wide = problem.beta_prior[:, 1]
        shrunk = shrunk_of(shrinkage, coordinates.beta_location, sds, wide)
        coordinates = replace(coordinates, **with_numbers(coordinates, shrinkage))
    marginal = variances = None
    if plan is not None:
        marginal = marginalise(plan, cells, population, coordinates, list(own.values()))
        variances = adapt_coordinates(
            stacked,
            cells,
            coordinates,
            marginal,
            problem.sd_prior,
            resolved[str(family.noise)],
            _lkj(stacked, resolved),
            tuning,
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
        coordinates=coordinates,
        marginal=marginal,
        variances=variances,
        tuning=tuning,
    )


def _lkj(stacked: Stacked, priors: Priors) -> tuple[float, ...]:
    """Return the number of each correlation matrix's prior."""
    names = [group.correlation_name for group in stacked.groups if group.has_correlations]
    return tuple(priors[name].numbers[0] for name in names)


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
    likelihood: Likelihood,
    scales: Scales,
    priors: Priors,
    tuning: Tuning,
) -> Problem:
    vector = likelihood.family.thresholds
    return Problem(
        X=population,
        Z=cells.Z,
        level=cells.level,
        n_levels=tuple(len(group.levels) for group in stacked.groups),
        correlated=tuple(group.correlated for group in stacked.groups),
        offset=cells.offset,
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
