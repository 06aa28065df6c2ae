"""A model in bambi's terms: formulas, data, links and priors, by its names (`bambi_names`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.backends.bambi_curves import curves_of, every_curve
from winstan.backends.bambi_intercepts import intercepts_elsewhere
from winstan.backends.bambi_levels import level_terms
from winstan.backends.bambi_names import (
    OWN,
    RESPONSE,
    component_of,
    factor_columns,
    group_terms,
    has_categories,
    is_mirrored,
    name_of_effect,
    stated,
)
from winstan.backends.bambi_priors import Made
from winstan.backends.bambi_thresholds import threshold_prior
from winstan.errors import BackendError
from winstan.families.categories import place_of_reference
from winstan.families.sample import LEFT, MEASURED, RIGHT
from winstan.priors import Beta, Cauchy, Flat, Normal, StudentT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.model import Model
    from winstan.priors import Prior

TRIALS, WEIGHT = f"{OWN}trials", f"{OWN}weight"
STATUS, LOWER, UPPER = f"{OWN}status", f"{OWN}lower", f"{OWN}upper"
WORDS = {LEFT: "left", MEASURED: "none", RIGHT: "right"}
# Rows of whole weights are repeated, up to this many in all.
REPEAT_UP_TO = 1_000_000


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
    first, *others = stated(model)
    left = [response, *(component_of(model, design.parameter) for _, design in others)]
    pairs = zip(left, [first, *others], strict=True)
    return [f"{name} ~ {_right(model, *own)}" for name, own in pairs]


def _right(model: Model, formula: Formula, design: Design) -> str:
    columns = factor_columns(model)
    right = common_terms(model, formula, design)
    right += [curve.term.text for curve in curves_of(design)]
    for spec, group in zip(formula.groups, design.groups, strict=True):
        right.append(f"({spec.effects}|{columns[group.factor]})")
    return " + ".join(right)


def common_terms(model: Model, formula: Formula, design: Design) -> list[str]:
    """Write the terms of a formula that are not by group."""
    common = formula.common
    if model.family.thresholds is not None:  # bambi leaves the Intercept out, and says so
        common = common.removeprefix("1 + ") if common != "1" else "0"
        common = common if common == "0" else f"0 + {common}"
    sign = "-1 * " if is_mirrored(model, design.parameter) else ""
    return [common, *(f"offset({sign}({o}))" if sign else f"offset({o})" for o in formula.offset)]


def links(model: Model) -> str | dict[str, str]:
    """Return the link of the mean, or those of all parameters that have a formula."""
    designs = [design for _, design in stated(model)]
    if len(designs) == 1:
        return model.link.name
    names = [component_of(model, design.parameter) for design in designs]
    return {name: link.name for name, link in zip(names, model.likelihood.links, strict=True)}


def centers(model: Model) -> bool:
    """Whether some parameter has its Intercept at the mean of its predictors.

    bambi centres those that have one, all or none.
    """
    if intercepts_elsewhere(model):
        return False
    return any(design.intercept_name in model.priors.at_mean for design in model.design.every)


def data_of(model: Model) -> pd.DataFrame:
    """Rows for bambi: predictors as they are, response and levels as the design has them."""
    design = model.design
    data = design.predictors.iloc[design.row].reset_index(drop=True)
    for name in data.columns:
        if data[name].dtype == bool:
            data[name] = data[name].astype(int)
    for name, values in _limit_columns(model).items():
        data[name] = values
    data[RESPONSE] = _response_of(model)
    if design.response.trials is not None:
        data[TRIALS] = design.response.trials.astype(int)
    weights, columns = weights_of(model), factor_columns(model)
    if weights is not None:
        data[WEIGHT] = weights
    for curve in every_curve(model):
        for name, values in curve.columns(model).items():
            data[name] = values
    for group in group_terms(model):
        codes = group.level[design.row]
        # Levels by number, so that their order is ours whatever they are called.
        column = columns[group.factor]
        data[column] = pd.Categorical(codes, categories=range(len(group.levels)))
    if design.weights is not None and weights is None:
        return data.loc[data.index.repeat(design.weights.astype(int))].reset_index(drop=True)
    return data


def _response_of(model: Model) -> Any:
    y, family = model.design.response.y, model.family
    if model.design.response.categories is not None:
        # formulae sorts categories that are not ordered.
        return pd.Categorical(y.astype(int), categories=category_order(model), ordered=True)
    if family.log_response:
        return np.log(y)
    if family.circular:
        return wrap_angles(y)
    return y.astype(int) if family.whole else y


def category_order(model: Model) -> list[int]:
    """Return the places of the categories as bambi takes them: the reference first."""
    labels = model.design.response.categories
    assert labels is not None
    if not has_categories(model):
        return list(range(len(labels)))
    reference = place_of_reference(model.family.reference, labels)
    return [reference, *(k for k in range(len(labels)) if k != reference)]


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
    if has_categories(model):
        return _priors_of_component(bmb, model, model.design.every)
    priors, mean = model.priors.table, model.design
    out = _priors_of_component(bmb, model, [mean])
    for p in model.family.parameters[1:]:
        beside, theirs = mean.beside.get(p.name), component_of(model, p.name)
        if p.is_vector:
            out[p.name] = threshold_prior(bmb, model)
        elif beside is not None:
            out[theirs] = _priors_of_component(bmb, model, [beside])
        else:
            prior = priors[p.name]
            if is_mirrored(model, p.name) and isinstance(prior, Beta):
                prior = Beta(prior.beta, prior.alpha)
            out[theirs] = _prior(bmb, [[prior]], scalar=True, domain=p.domain)
    return out


def _priors_of_component(bmb: Any, model: Model, designs: Sequence[Design]) -> dict[str, Any]:
    """Translate the priors of a linear predictor's terms, or of those of several categories."""
    priors, columns = model.priors.table, factor_columns(model)
    mirrored = is_mirrored(model, designs[0].parameter)
    moved = level_terms(model)  # their priors are potentials

    def own(name: str) -> Prior:
        return _mirrored(priors[name]) if mirrored else priors[name]

    out, first, elsewhere = {}, designs[0], intercepts_elsewhere(model)
    if first.intercept and model.family.thresholds is None:
        known = [design.intercept_name for design in designs]
        intercepts = [[Flat() if name in elsewhere else own(name) for name in known]]
        out["Intercept"] = _prior(bmb, intercepts, scalar=True, domain="real")
    for k, term in enumerate(first.terms):
        each = [design.terms[k] for design in designs]
        by_column = [
            [Flat() if t.variable in moved else own(t.column_names[i]) for t in each]
            for i in range(len(term.columns))
        ]
        out[term.name] = _prior(bmb, by_column, scalar=not term.labels, domain="real")
    for curve in curves_of(first):
        out[curve.term.name] = {
            their: _prior(
                bmb,
                [[priors[shared.names[i]]] for shared in curve.smooth.shared],
                scalar=not curve.by,
                domain="positive",
            )
            for i, their in enumerate(("sigma", "ell"))
        }
    for g, group in enumerate(first.groups):
        for e, effect in enumerate(group.effects):
            names = [d.groups[g].sd_names_of(d.groups[g].effects[e]) for d in designs]
            by_column = [[priors[name] for name in row] for row in zip(*names, strict=True)]
            sigma = _prior(bmb, by_column, scalar=not effect.labels, domain="positive")
            key = name_of_effect(effect, columns[group.factor])
            out[key] = bmb.Prior("Normal", mu=0, sigma=sigma)
    return out


def _mirrored(prior: Prior) -> Prior:
    """Return the prior of a coefficient, negated."""
    if isinstance(prior, Normal):
        return Normal(-prior.mu, prior.sigma, -prior.upper, -prior.lower)
    if isinstance(prior, StudentT | Cauchy):
        return replace(prior, mu=-prior.mu)
    return prior


def _prior(bmb: Any, priors: list[list[Prior]], *, scalar: bool, domain: str) -> Any:
    """Translate the priors of one term, by column and category: one distribution of all."""
    every = [prior for row in priors for prior in row]
    kinds = {prior.pymc_name(domain) for prior in every}
    if len(kinds) > 1:
        raise BackendError(
            f"bambi cannot mix priors of the kinds {' and '.join(sorted(kinds))} in one term; "
            "backend='stan' and 'pymc' can."
        )
    (kind,) = kinds
    names = every[0].pymc_numbers
    if len(priors[0]) > 1 and len(set(every)) > 1:
        # bambi takes numbers by column, and gives all categories the same.
        rows = priors[0] if scalar else priors
        return bmb.Prior(kind, dist=Made(kind, _numbers(rows, names)))
    if scalar:
        return bmb.Prior(kind, **names)
    return bmb.Prior(kind, **_numbers([row[0] for row in priors], names))


def _numbers(priors: Any, names: Iterable[str]) -> dict[str, Array]:
    """Return the numbers of priors, of one shape with them."""
    every = np.array(priors, dtype=object)
    of = np.vectorize(lambda prior, name: prior.pymc_numbers[name], otypes=[float])
    return {name: of(every, name) for name in names}
