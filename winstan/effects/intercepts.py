"""Each group's intercept on the response scale: its mean response at the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design import evaluate
from winstan.effects.groups import refuse_curves
from winstan.effects.intervals import describe
from winstan.effects.means import (
    auxiliary,
    curve_of,
    mean_needs_beside,
    mean_response,
    rows_of,
    take_rows,
)
from winstan.effects.own_values import (
    OwnValues,
    atoms_of,
    is_factor,
    own_values,
    reference_text,
    with_values,
)
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.design import NewRows, RandomTerm, Term
    from winstan.effects.specification import Specified
    from winstan.formula.terms import Effects
    from winstan.options import Interval


def group_intercepts(
    model: Specified, posterior: Mapping[str, Array], factor: str, prob: float, interval: Interval
) -> pd.DataFrame:
    """Each group's intercept on the response scale: the mean response at X = 0.

    Predictors that are constant within every group (its genotype, its dose) are at the group's own
    value. Without a population intercept, the levels of the factor that stands for it (``cond`` in
    ``0 + cond``) are averaged, each counting once. Another factor's effect is at zero, unless each
    level of `factor` lies within one level of it, as ``b`` does in ``a/b``.

    Returns
    -------
    DataFrame
        Columns level, mean, sd, and the interval's ends. Its ``attrs["at"]`` says what X is.
    """
    group = next((g for g in model.design.groups if g.factor == factor), None)
    if group is None:
        factors = [g.factor for g in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(str(factor), factors)
        )
    refuse_curves(model, "Intercepts")
    varying = [e for e in group.effects if e.name == "1"]
    if not varying:
        raise OptionError(
            f"This model has no intercepts by {factor!r}: it has no term (1|{factor})."
        )
    if mean_needs_beside(model):
        names = ", ".join(map(repr, model.design.beside))
        raise OptionError(
            f"The mean of a {model.family.name} response depends on {names}, which has a formula: "
            "there is no one intercept by group. Ask fit.predict or fit.means for the means."
        )
    beside = auxiliary(model, posterior, rows_of(model.design))
    own = own_values(model, group)
    averaged = _averaged_columns(model) - set(own.columns)
    counted = averaged | set(own.columns)
    terms = [t for t in model.design.terms if _within(model.formula.effects, t, counted)]
    of_groups = [
        (g, other, parent, effects)
        for g, (other, spec) in enumerate(
            zip(model.design.groups, model.formula.groups, strict=True)
        )
        if (parent := _parents(group, other)) is not None
        and (
            effects := [
                e for e in other.effects if e.name == "1" or _within(spec.design, e, counted)
            ]
        )
    ]
    mu: Any = 0.0
    cells = _cells(model, own, averaged)
    for cell in cells:
        eta = np.zeros((len(posterior[group.effect_name(varying[0])]), len(group.levels)))
        if model.design.intercept_name in posterior:
            eta += posterior[model.design.intercept_name][:, None]
        for term in terms:
            beta = posterior[term.variable].reshape(len(eta), -1)
            at_settings = beta @ cell.X[:, list(term.columns)].T
            curve = curve_of(model.design, term, posterior, cell.steps)
            eta += (at_settings * curve)[:, own.setting]
        for g, other, parent, effects in of_groups:
            for effect in effects:
                u = posterior[other.effect_name(effect)]
                u = u.reshape(len(eta), len(effect.columns), len(other.levels))[:, :, parent]
                curve = curve_of(model.design, effect, posterior, cell.steps[own.setting])
                Z = cell.Z[g][own.setting][:, list(effect.columns)]
                eta += np.einsum("skl,lk->sl", u, Z) * curve
        mu = mu + mean_response(model, beside, eta) / len(cells)
    circular = model.family.circular
    mu = np.angle(mu) if circular else mu
    rows = [
        {"level": level} | describe(mu[:, j], prob, interval, circular=circular)
        for j, level in enumerate(group.levels)
    ]
    table = pd.DataFrame(rows)
    table.attrs["at"] = reference_text(model, own, averaged)
    return table


def _averaged_columns(model: Specified) -> frozenset[str]:
    """Columns of the factors that stand for the population intercept; none where there is one."""
    if model.design.constant is None:
        return frozenset()
    found: set[str] = set()
    for term in model.design.terms:
        atoms = atoms_of(model.formula.effects, term)
        # Fully coded: the constant is a sum of its columns. Others are zero at their reference.
        if np.any(model.design.constant[list(term.columns)]) and all(
            is_factor(model, atom) for atom in atoms
        ):
            found.update(column for atom in atoms for column in atom.columns)
    return frozenset(found)


def _cells(model: Specified, own: OwnValues, averaged: frozenset[str]) -> list[NewRows]:
    """Return the rows to average, of each combination of the averaged columns.

    Each holds a row of every combination of the groups' own values. What else varies within groups
    is at some value: the columns that it moves are left out.
    """
    rows = rows_of(model.design)
    if not averaged:
        return [take_rows(rows, own.first)]
    first = np.flatnonzero(~model.design.predictors.duplicated(sorted(averaged)).to_numpy())
    if not own.columns:
        return [take_rows(rows, np.array([cell])) for cell in first]
    n = len(own.first)
    return [
        evaluate(
            model.design,
            with_values(model, own.first, dict.fromkeys(averaged, np.full(n, cell))),
        )
        for cell in first
    ]


def _parents(group: RandomTerm, other: RandomTerm) -> Array | None:
    """Return the level of another factor in which each level lies; None where it is not one."""
    pairs = np.unique(np.stack([group.level, other.level]), axis=1)
    return pairs[1] if pairs.shape[1] == len(group.levels) else None


def _within(effects: Effects, term: Term, columns: frozenset[str]) -> bool:
    """Whether a term is made of these columns alone."""
    atoms = atoms_of(effects, term)
    return bool(atoms) and {c for atom in atoms for c in atom.columns} <= columns
