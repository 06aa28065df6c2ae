"""Thresholds of ordered categories, as bambi can be given them.

bambi has them at the zeros of all predictors, and ours have their prior at the means: flat ones,
and a potential of them and of the coefficients, are the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from winstan.backends.bambi_levels import elements_of, said_of
from winstan.backends.bambi_priors import Made
from winstan.backends.program_names import number, quote, speakable
from winstan.backends.pymc_linear import LATENT, inverse
from winstan.backends.pymc_priors import threshold_log_density
from winstan.priors import Dirichlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.backends.bambi_levels import Element
    from winstan.backends.program_names import Names
    from winstan.model import Model


def threshold_prior(bmb: Any, model: Model) -> Any:
    """Return flat thresholds, in increasing order if they are ordered."""
    vector = model.family.thresholds
    assert vector is not None
    if vector.domain != "ordered":
        return bmb.Prior("Flat")
    n = len(model.likelihood.threshold_labels)
    return bmb.Prior("Flat", dist=Made("Flat", {}, ordered=n))


def threshold_potential(model: Model) -> tuple[list[str], Callable[..., Any]]:
    """Return bambi's variables, and the log density of the thresholds' prior that takes them."""
    name, moves = _moves(model)
    names = [name, *dict.fromkeys(element.name for _, element in moves)]

    def log_density(*variables: Any) -> Any:
        values = dict(zip(names, variables, strict=True))
        at_mean = values[name] - sum(mean * element.of(values) for mean, element in moves)
        n = len(model.likelihood.threshold_labels)
        return threshold_log_density(import_module("pymc"), model, at_mean, n)

    return names, log_density


def threshold_program(model: Model, identifiers: Names) -> list[str]:
    """Write the potential, as lines that define ``thresholds`` for ``potentials=[thresholds]``."""
    name, moves = _moves(model)
    names = list(dict.fromkeys(element.name for _, element in moves))
    called = {other: identifiers.new(said_of(model, other)) for other in [name, *names]}
    at, lines = called[name], list[str]()
    if moves:
        terms = " + ".join(f"{number(mean)} * {element.written(called)}" for mean, element in moves)
        at, lines = "at_mean", [f"    at_mean = {called[name]} - ({terms})"]
    more, density = _density(model, at)
    where = " at the mean of the predictors" * bool(moves)
    return [
        "",
        f"# {model.priors[name]}{where}",
        f"def log_prior({', '.join(called.values())}):",
        *lines,
        *(f"    {line}" for line in more),
        f"    return {density}",
        "",
        "",
        f"thresholds = ([{', '.join(quote(speakable(said_of(model, o))) for o in called)}], "
        "log_prior)",
    ]


def _moves(model: Model) -> tuple[str, list[tuple[float, Element]]]:
    """Return the thresholds' name, and what they are less by where their prior is."""
    vector = model.family.thresholds
    assert vector is not None
    if vector.name not in model.priors.at_mean:
        return vector.name, []
    elements = elements_of(model, model.stacked.terms)
    means = ((float(model.predictor_mean[column]), own) for column, own in elements.items())
    return vector.name, [(mean, own) for mean, own in means if mean]


def _density(model: Model, at: str) -> tuple[list[str], str]:
    """Write the log density of thresholds: statements before it, and the number that it is."""
    vector = model.family.thresholds
    assert vector is not None
    prior = model.priors[vector.name]
    if not isinstance(prior, Dirichlet):
        return [], _summed(prior.pymc_name("real"), prior.pymc_numbers, at)
    before, parts = [], [f"({at} - pm.math.exp({at})).sum()"]
    if model.link.name in LATENT:
        parts = [_summed(*LATENT[model.link.name], at)]
    if prior.numbers[0] != 1:
        made = inverse(model.link, at)
        before = [f"below = pm.math.concatenate([[0.0], {made}, [1.0]])"]
        power = number(prior.numbers[0] - 1)
        parts.append(f"{power} * pm.math.log(below[1:] - below[:-1]).sum()")
    return before, " + ".join(parts)


def _summed(kind: str, numbers: dict[str, float], at: str) -> str:
    said = ", ".join(f"{name}={number(value)}" for name, value in numbers.items())
    return f"pm.logp(pm.{kind}.dist({said}), {at}).sum()"
