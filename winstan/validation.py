"""Models that are refused before anything is fitted: names, responses, nothing left to explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.cells import sample_of
from winstan.data.columns import how_many
from winstan.design.response import check_categories
from winstan.errors import DataError, FamilyError, FormulaError, near_matches
from winstan.families import check_support
from winstan.families.sample import LEFT, RIGHT, Sample
from winstan.families.suitable import fitting_families, named, usual_families
from winstan.variables import variables

# Sums of squares of many rows, and their squares, are still numbers.
_LARGEST = 1e70

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.coordinates import Coordinates
    from winstan.design import Design, Stacked
    from winstan.design.response import Response
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.likelihood import Likelihood

# A residual sd of a smaller share of the response's is no noise, but the rounding of its numbers.
EXACT = 1e-9
# Of families whose noise is a share of the mean, what the search for the precision climbs to.
EXACT_SHARE = 1e-6


def check_parameters(formula: Formula, design: Design, family: Family) -> None:
    """Refuse a model that has nothing to estimate."""
    if not (design.intercept or design.X.shape[1] or design.groups or family.auxiliary):
        raise FormulaError(
            f"The {family.name} model of {formula.text!r} has no parameter: no intercept, no "
            "predictor, no group term. Leave out the 0, or add a term."
        )


def check_intercept(formula: Formula, design: Design, family: Family) -> None:
    """Refuse thresholds without an Intercept, which they would have in any case."""
    if family.thresholds is not None and not design.intercept:
        raise FormulaError(
            f"The {family.name} model of {formula.text!r} has no Intercept to leave out: its "
            f"{family.thresholds.label} are one for each category but the last. Leave out the 0 "
            "(or -1): contrasts and means of every level are the same."
        )


def check_predicted(formula: Formula, family: Family) -> None:
    """Refuse formulas of parameters that the family has not, or cannot predict."""
    for name in formula.parameters:
        if name == family.parameters[0].name:
            raise FormulaError(
                f"{name!r} is the mean, which the first formula is of: {formula.mean_text!r}."
            )
        limits = formula.response_spec.limits
        error = None if limits is None or limits.with_sigma else limits.error
        if error is not None and name == "sigma":
            raise FormulaError(
                f"Beside standard errors that are known there is no {name!r}, of which there is "
                f"the formula {formula.parameters[name].text!r}: write "
                f"se({error.text}, sigma=True) for a spread beyond them."
            )
        if name not in family.auxiliary:
            has = ", ".join(map(repr, family.auxiliary)) or "none beside the mean"
            raise FormulaError(
                f"The {family.name} family has no parameter {name!r}, of which there is the "
                f"formula {formula.parameters[name].text!r}; it has {has}. A second response is "
                "a model of its own." + near_matches(name, family.auxiliary)
            )
        text = formula.parameters[name].text
        if name not in family.scores and family.parameter(name).bound:
            by = [group.factor for group in formula.parameters[name].groups] or ["..."]
            raise FormulaError(
                f"{name!r} of the {family.name} family cannot have a formula, as {text!r}: the "
                "least response of all rows bounds it. That of each group would be bounded by the "
                "group's own least response, which a new group does not have, so that nothing "
                "could be said of the population. Fit each group alone, "
                f"ws.fit_each(..., by={by[0]!r}), or use family='exgaussian', where the formula "
                "moves the whole distribution."
            )
        if name not in family.scores and family.joint_score is None:
            raise FormulaError(
                f"{name!r} of the {family.name} family cannot have a formula: the family states no "
                f"score of it (`Family.scores`). Leave {text!r} out."
            )


def check_names(stacked: Stacked, likelihood: Likelihood) -> None:
    """Refuse a predictor that has the name of another parameter: draws are found by name."""
    reported, family = variables(stacked, likelihood), likelihood.family
    names = [variable.name for variable in reported]
    names += likelihood.predicted
    names += {"chain", "draw", *(dim for variable in reported for dim in variable.coords)}
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormulaError(
            f"The predictor {twice[0]!r} has the name of a parameter, or of a dimension of the "
            f"draws, of the {family.name} model. "
            f"Rename the column, or write I({twice[0]})."
        )


def check_response(design: Design, family: Family, link: Link) -> None:
    """Refuse a response that the family does not have, or that never varies."""
    response = design.response
    y, trials = response.y, response.trials
    sample = sample_of(design, np.broadcast_to(0.0, y.shape))
    if family.trials and trials is None:
        raise FamilyError(
            f"family={family.name!r} needs the number of trials: write "
            f"`p({_successes(response.name)}, trials) ~ ...`, or give trials= a column or a number."
            + _of_no_trials(sample)
        )
    if trials is not None and not family.trials:
        raise FamilyError(
            f"The response has trials, which family={family.name!r} does not take; "
            f"use {named(usual_families('successes'))}."
        )
    if response.levels is not None and family.kind != "binary":
        raise FamilyError(
            f"{response.name!r} has the levels {' and '.join(map(repr, response.levels))}: "
            f"family={family.name!r} needs numbers. Two levels fit family='bernoulli'."
        )
    if response.categories is not None:
        check_categories(response)
    count = None if design.grouped is None else design.grouped.count
    check_support(family, sample, response.name, design.kept, count)
    _check_measured(response)
    same = _never_varies(response)
    if same and (edge := _at_the_edge(design, family)):
        raise DataError(edge)
    status = None if response.limits is None else response.limits.status
    if same and status is not None and np.ptp(status):
        raise DataError(
            f"All {how_many(y.size, 'row')} of {response.name!r} have the one value {y[0]:g}, and "
            "only their status differs: no spread says on which scale they are. Whether a row is "
            "below that value is a response of its own, with family='bernoulli'."
        )
    if same:
        raise DataError(
            f"The response {response.name!r} is constant: all {design.n_used} rows are "
            f"{y[0]:g}, so there is nothing to explain. "
            "Check the column, or the filter before it."
        )
    _check_size(response)
    if family.scale_part is not None:
        _check_part(family, sample, response.name)
    mean = float(np.average(y, weights=design.weights))
    if link.name == "log" and mean <= 0:
        raise FamilyError(
            f"link='log' needs a positive mean, but that of {response.name!r} is {mean:g}. "
            "Use link='identity'."
        )


def _check_size(response: Response) -> None:
    """Refuse numbers in a unit so large or so small that their squares are none."""
    y, name = response.y, response.name
    size = float(np.abs(y).max())
    if 1 / _LARGEST < size < _LARGEST:
        return
    which = f"of {how_many(y.size, 'row')}"
    if response.moments:
        which = f"mean of {how_many(y.size, 'group')} of rows"
    raise DataError(
        f"The largest {which} of {name!r} is {size:.3g} in size, and the fit takes "
        f"{1 / _LARGEST:g} to {_LARGEST:g}: put it in another unit, such as {name} / {size:.0e}."
    )


def _check_part(family: Family, sample: Sample, name: str) -> None:
    """Refuse a response whose mean is of some rows only, where these have one value or none."""
    assert family.scale_part is not None
    part, n = family.scale_part(sample).y, sample.y.size
    if part.size and np.ptp(part) > 0:
        return
    what = "between 0 and 1" if family.kind == "proportion" else "above zero"
    rows = f"{how_many(part.size, 'row')} {what}" if part.size else f"no row {what}"
    same = ", all of one value" if part.size > 1 else ""
    raise DataError(
        f"{name!r} has {rows}{same}, of {n}: there is nothing to estimate the mean and the noise "
        f"of such rows by, which family={family.name!r} has. Whether a row is {what} is a response "
        "of its own, with family='bernoulli'."
    )


def _successes(name: str) -> str:
    """Return what would be the successes: of a quotient of two, as glm takes it, the first."""
    return name.split("/", maxsplit=1)[0].strip() if name.count("/") == 1 else name


def _of_no_trials(sample: Sample) -> str:
    """Name the families of shares to those who have no trials, where the response is of these."""
    y = sample.y
    if np.all((y >= 0) & (y <= 1)) and np.any((y > 0) & (y < 1)):
        return f" Shares that are not of trials fit {named(fitting_families(sample))}."
    return ""


def _never_varies(response: Response) -> bool:
    """Whether all rows say the same of the response."""
    y, trials, limits = response.y, response.trials, response.limits
    if trials is not None:
        return bool(np.all(y == 0) or np.all(y == trials))
    upper = y if limits is None or limits.upper is None else limits.upper
    if any(np.any(own.squares > 0) for own in response.moments.values()):
        return False
    if response.moments and 0 < np.abs(y).max() < 1 / _LARGEST:
        return False  # squares of what is so small are zero, whether it varies or not
    return bool(np.all(y == y[:1]) and np.all(upper == upper[:1]))


def _check_measured(response: Response) -> None:
    """Refuse responses that are all beyond their limits, on one side: nothing says how far."""
    status = None if response.limits is None else response.limits.status
    for side, code in (("left", LEFT), ("right", RIGHT)):
        if status is not None and np.all(status == code):
            raise DataError(
                f"All {how_many(status.size, 'row')} of {response.name!r} are {side}-censored: "
                "nothing says how far beyond their limits the responses are. Check the status, or "
                "take in rows that were measured."
            )


def _at_the_edge(design: Design, family: Family) -> str | None:
    """Say what counts that are all zero, or all successes, can tell; None of other constants.

    The bound is exact for independent rows: the mean at which so few counts (successes, failures)
    have a probability of 5%.
    """
    response = design.response
    y, name = response.y, response.name
    rows = how_many(y.size, "row")
    weight = np.ones(y.size) if design.weights is None else design.weights
    remedy = "Check the column, or the filter before it, or take in conditions where it varies."
    if family.kind == "count":
        if np.any(y):
            return None
        return (
            f"All counts of {name!r} are zero, in {rows}: there is nothing to compare, and the "
            f"data bound the mean only from above (below {-np.log(0.05) / weight.sum():.2g} a row, "
            f"with 95% confidence, if counts are Poisson's). {remedy}"
        )
    if not family.of_trials:
        return None
    trials = np.ones(y.size) if response.trials is None else response.trials
    total = float(weight @ trials)
    failed = not np.any(y)
    what = "failures" if failed else "successes"
    if response.levels is not None:
        what = f"{response.levels[int(y[0])]!r}"
    who = f"all {total:,.0f} trials, of {rows}," if family.trials else f"all {rows}"
    bound = 0.05 ** (1 / total)
    limit = f"from above (below {1 - bound:.3g}" if failed else f"from below (above {bound:.3g}"
    return (
        f"The response {name!r} never varies: {who} are {what}. There is nothing to compare, and "
        f"the data bound the probability of a success only {limit}, with 95% confidence, if "
        f"trials are independent). {remedy}"
    )


def check_noise(
    design: Design, likelihood: Likelihood, coordinates: Coordinates, response: float
) -> None:
    """Refuse a response that the formula gives exactly: its noise would be the rounding of numbers.

    As many coefficients as rows give any response exactly; there the priors say what sigma is.
    """
    family = likelihood.family
    if design.n_used <= coordinates.beta_location.size:
        return
    if family.noise is not None:
        share = _fitted(likelihood, coordinates, family.noise).max(initial=0.0) / response
        exact = share < EXACT
    elif family.precision is not None:
        precision = _fitted(likelihood, coordinates, family.precision).min(initial=np.inf)
        exact = precision > EXACT_SHARE**-2
    else:
        return
    if exact:
        raise DataError(
            f"The formula gives {design.response.name!r} exactly, in all {design.n_used} "
            f"rows: of its sd of {response:.3g} nothing is left but rounding. Was the column "
            "computed from the predictors, or from the group factors?"
        )


def _fitted(likelihood: Likelihood, coordinates: Coordinates, name: str) -> Array:
    """Return a positive parameter beside the mean by the approximate fit: of each cell, or one."""
    if name in likelihood.predicted:
        block = likelihood.predicted.index(name) + 1
        fitted: Array = likelihood.links[block].inverse(likelihood.block(coordinates.eta, block))
        return fitted
    numbers = [number.name for number in likelihood.scalars]
    return np.exp(coordinates.aux_location[[numbers.index(name)]])
