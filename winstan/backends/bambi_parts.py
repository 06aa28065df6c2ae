"""A model in bambi's terms: formulas, data, links, priors, and its names for them.

bambi has a component for each parameter that has a formula. Variables of those beside the mean
begin with the parameter's name, as winstan's do; priors and aliases are given by component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.backends.bambi_levels import level_terms
from winstan.backends.program_names import speakable
from winstan.errors import BackendError
from winstan.families.sample import LEFT, MEASURED, RIGHT
from winstan.priors import Beta, Flat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.families.distribution import BambiFamily
    from winstan.formula import Formula
    from winstan.model import Model
    from winstan.priors import Prior

OWN = "winstan_"
RESPONSE, TRIALS, WEIGHT = f"{OWN}y", f"{OWN}trials", f"{OWN}weight"
STATUS, LOWER, UPPER = f"{OWN}status", f"{OWN}lower", f"{OWN}upper"
WORDS = {LEFT: "left", MEASURED: "none", RIGHT: "right"}
# Rows of whole weights are repeated, up to this many in all.
REPEAT_UP_TO = 1_000_000


def family_of(model: Model) -> BambiFamily:
    """Return the family as bambi has it.

    Raises
    ------
    BackendError
        If it has none.
    """
    if (vector := model.family.thresholds) is not None and model.family.bambi is None:
        raise BackendError(
            f"bambi has the {vector.label} of {model.family.name!r} at the zeros of predictors, "
            "with priors of other coordinates: it cannot state this model's; backend='stan' and "
            "'pymc' can."
        )
    if model.family.of_labels is not None:
        raise BackendError(
            "bambi has one prior for the coefficients of all categories, and here each has one of "
            "its own: backend='stan' and 'pymc' have them."
        )
    if model.family.bambi is None:
        raise BackendError(
            f"bambi has no family {model.family.name!r} of these parameters; backend='stan' and "
            "'pymc' have."
        )
    return model.family.bambi


def component_of(model: Model, parameter: str) -> str:
    """Name a parameter as bambi does."""
    return family_of(model).names.get(parameter, parameter)


def factor_columns(model: Model) -> dict[str, str]:
    """Name a column for each factor: what users call theirs may be no name for bambi."""
    factors = dict.fromkeys(group.factor for group in model.stacked.groups)
    return {factor: f"{OWN}group_{i}" for i, factor in enumerate(factors)}


def aliases(model: Model) -> dict[str, str]:
    """Name the variables whose own names cannot be those of variables and dims."""
    names = [
        f"{design.prefix}{term}"
        for design in model.design.every
        for term in _terms_of(model, design)
    ]
    return {name: f"{OWN}term_{i}" for i, name in enumerate(names) if speakable(name) != name}


def aliases_by_component(model: Model) -> dict[str, Any]:
    """Return `aliases` as bambi takes them: by term, and by parameter if several are predicted.

    Parameters that bambi has another name for are called by ours too, and so are their terms.
    """
    known, names = aliases(model), family_of(model).names
    by_parameter = {}
    for design in model.design.every:
        terms = {term: f"{design.prefix}{term}" for term in _terms_of(model, design)}
        own = {term: known[name] for term, name in terms.items() if name in known}
        if design.parameter in names:
            if design.intercept:
                terms["Intercept"] = design.intercept_name
            own = {names[design.parameter]: design.parameter} | terms | own
        by_parameter[component_of(model, design.parameter)] = own
    numbers = {their: our for our, their in names.items() if our not in model.design.beside}
    if not model.design.beside:
        return by_parameter[model.design.parameter] | numbers
    return {parameter: own for parameter, own in by_parameter.items() if own} | numbers


def _terms_of(model: Model, design: Design) -> Iterator[str]:
    """List a component's terms by bambi's names, but for its intercept."""
    yield from (term.name for term in design.terms)
    columns = factor_columns(model)
    for group in design.groups:
        yield from (f"{effect.name}|{columns[group.factor]}" for effect in group.effects)


def formulas(model: Model) -> list[str]:
    """Write the formula of the mean, and those of other parameters."""
    response, limits = RESPONSE, model.design.response.limits
    if limits is not None and limits.truncated:
        response = f"truncated({RESPONSE}, {LOWER}, {UPPER})"
    elif limits is not None:
        response = f"censored({RESPONSE}, {STATUS})"
    elif model.design.response.trials is not None:
        response = f"p({RESPONSE}, {TRIALS})"
    elif weights_of(model) is not None:
        response = f"weighted({RESPONSE}, {WEIGHT})"
    left = [response, *(component_of(model, name) for name in model.formula.parameters)]
    pairs = zip(left, model.formula.every, model.design.every, strict=True)
    return [f"{name} ~ {_right(model, formula, design)}" for name, formula, design in pairs]


def _right(model: Model, formula: Formula, design: Design) -> str:
    columns = factor_columns(model)
    right = [formula.common, *(f"offset({offset})" for offset in formula.offset)]
    for spec, group in zip(formula.groups, design.groups, strict=True):
        right.append(f"({spec.effects}|{columns[group.factor]})")
    return " + ".join(right)


def links(model: Model) -> str | dict[str, str]:
    """Return the link of the mean, or those of all parameters that have a formula."""
    if not model.design.beside:
        return model.link.name
    names = [component_of(model, design.parameter) for design in model.design.every]
    pairs = zip(names, model.likelihood.links, strict=True)
    return {name: link.name for name, link in pairs}


def centers(model: Model) -> bool:
    """Whether some parameter has its Intercept at the mean of its predictors.

    bambi centres those that have one, all or none.
    """
    return any(design.intercept_name in model.priors.at_mean for design in model.design.every)


def data_of(model: Model) -> pd.DataFrame:
    """Rows for bambi: predictors as they are, response and levels as the design has them."""
    design = model.design
    data = design.predictors.iloc[design.row].reset_index(drop=True)
    for name in data.columns:
        if data[name].dtype == bool:
            data[name] = data[name].astype(int)
    y = design.response.y
    for name, values in _limit_columns(model).items():
        data[name] = values
    if model.family.log_response:
        y = np.log(y)
    if model.family.circular:
        y = wrap_angles(y)
    data[RESPONSE] = y.astype(int) if model.family.whole else y
    if design.response.trials is not None:
        data[TRIALS] = design.response.trials.astype(int)
    weights, columns = weights_of(model), factor_columns(model)
    if weights is not None:
        data[WEIGHT] = weights
    for group in model.stacked.groups:
        codes = group.level[design.row]
        # Levels by number, so that their order is ours whatever they are called.
        column = columns[group.factor]
        data[column] = pd.Categorical(codes, categories=range(len(group.levels)))
    if design.weights is not None and weights is None:
        return data.loc[data.index.repeat(design.weights.astype(int))].reset_index(drop=True)
    return data


def _limit_columns(model: Model) -> dict[str, Any]:
    """Return the columns of a censored or truncated response, on bambi's scale of it."""
    limits, n = model.design.response.limits, len(model.design.row)
    if limits is None:
        return {}
    if not limits.truncated:
        return {} if limits.status is None else {STATUS: [WORDS[code] for code in limits.status]}
    out: dict[str, Any] = {}
    for name, bound, end in ((LOWER, limits.lb, -np.inf), (UPPER, limits.ub, np.inf)):
        ends = np.full(n, end) if bound is None else bound
        if model.family.log_response and bound is not None:
            ends = np.where(ends > 0, np.log(np.where(ends > 0, ends, 1.0)), -np.inf)
        out[name] = ends
    return out


def weights_of(model: Model) -> Array | None:
    """Frequency weights to pass on; None without any, or where rows can be repeated instead.

    bambi centres predictors at the mean of its rows, whatever their weights.
    """
    weights = model.design.weights
    if weights is None or (
        np.array_equal(weights, np.round(weights)) and weights.sum() <= REPEAT_UP_TO
    ):
        return None
    return weights


def priors_of(bmb: Any, model: Model) -> dict[str, Any]:
    """Translate the priors: by term of the mean, and by parameter, then by term of others."""
    priors, mean = model.priors.table, model.design
    out, complements = _priors_of_component(bmb, model, mean), family_of(model).complements
    for p in model.family.parameters[1:]:
        beside, theirs = mean.beside.get(p.name), component_of(model, p.name)
        if beside is not None:
            out[theirs] = _priors_of_component(bmb, model, beside)
        else:
            prior, name = priors[p.name], complements.get(p.name, theirs)
            if p.name in complements and isinstance(prior, Beta):
                prior = Beta(prior.beta, prior.alpha)
            out[name] = _prior(bmb, [prior], scalar=True, domain=p.domain)
    return out


def _priors_of_component(bmb: Any, model: Model, design: Design) -> dict[str, Any]:
    priors, columns = model.priors.table, factor_columns(model)
    out = {}
    if design.intercept:
        own = [priors[design.intercept_name]]
        out["Intercept"] = _prior(bmb, own, scalar=True, domain="real")
    moved = level_terms(model)  # their priors are potentials
    for term in design.terms:
        own = [Flat() if term.variable in moved else priors[name] for name in term.column_names]
        out[term.name] = _prior(bmb, own, scalar=not term.labels, domain="real")
    for group in design.groups:
        for effect in group.effects:
            own = [priors[name] for name in group.sd_names_of(effect)]
            sigma = _prior(bmb, own, scalar=not effect.labels, domain="positive")
            key = f"{effect.name}|{columns[group.factor]}"
            out[key] = bmb.Prior("Normal", mu=0, sigma=sigma)
    return out


def _prior(bmb: Any, priors: list[Prior], *, scalar: bool, domain: str) -> Any:
    """Translate the priors of one term: one distribution, with a number for each column."""
    kinds = {prior.pymc_name(domain) for prior in priors}
    if len(kinds) > 1:
        raise BackendError(
            f"bambi cannot mix priors of the kinds {' and '.join(sorted(kinds))} in one term; "
            "backend='stan' and 'pymc' can."
        )
    by_prior = [prior.pymc_numbers for prior in priors]
    numbers = {
        name: by_prior[0][name] if scalar else np.array([own[name] for own in by_prior])
        for name in by_prior[0]
    }
    return bmb.Prior(priors[0].pymc_name(domain), **numbers)
