"""Intercepts whose priors are at other means than those of the rows that bambi gets.

bambi centres predictors at the mean of its rows. A refit without some rows has its priors where the
whole fit has them: flat ones, and a potential of Intercepts and coefficients, are the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.bambi_levels import Element, elements_of
from winstan.backends.bambi_names import places

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.model import Model

_CLOSE = 1e-9


def intercepts_elsewhere(model: Model) -> frozenset[str]:
    """Name the Intercepts of a model whose rows have other means; none if they have the same."""
    stacked, design = model.stacked, model.design
    weight = np.bincount(design.row, design.weights, minlength=len(stacked.X))
    of_rows = weight @ stacked.X / weight.sum()
    close = _CLOSE * np.abs(stacked.X).max(axis=0, initial=0.0)
    centred = _centred(model)
    moved = (abs(of_rows[i] - mean) > close[i] for own in centred.values() for i, mean in own)
    return frozenset(centred) if any(moved) else frozenset()


def intercept_potential(model: Model) -> tuple[list[str], Callable[..., Any]]:
    """Return bambi's variables, and the log density of the Intercepts that takes them."""
    at, elements = places(model), elements_of(model, model.stacked.terms)
    parts = []
    for name, means in _centred(model).items():
        place = at[name]
        own = Element(place.name, () if place.category is None else (place.category,), place.sign)
        moves = [(mean, elements[i]) for i, mean in means if mean]
        parts.append((model.priors[name], own, moves))
    used = [e.name for _, own, moves in parts for e in (own, *(one for _, one in moves))]
    names = list(dict.fromkeys(used))

    def log_density(*variables: Any) -> Any:
        pm, values, total = import_module("pymc"), dict(zip(names, variables, strict=True)), 0.0
        for prior, own, moves in parts:
            value = own.of(values) + sum(mean * one.of(values) for mean, one in moves)
            kind = getattr(pm, prior.pymc_name("real"))
            total = total + pm.logp(kind.dist(**prior.pymc_numbers), value)
        return total

    return names, log_density


def _centred(model: Model) -> dict[str, list[tuple[int, float]]]:
    """Return, by Intercept whose prior is at the means, the other columns and their means."""
    stacked, out = model.stacked, {}
    if model.family.thresholds is not None:  # they have a potential of their own
        return {}
    for b, design in enumerate(model.design.every):
        name, means = design.intercept_name, model.predictor_mean
        if name not in model.priors.at_mean:
            continue
        own = stacked.block == b
        if name in stacked.column_names:
            column = stacked.column_names.index(name)
            assert model.level_means is not None
            means, own[column] = model.level_means[column], False
        out[name] = [(int(i), float(means[i])) for i in np.flatnonzero(own)]
    return out
