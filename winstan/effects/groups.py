"""Group effects as tables: deviations from the population, and totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import distinct_rows
from winstan.design import evaluate, product_of_heights
from winstan.effects.intervals import describe
from winstan.effects.means import n_draws_of
from winstan.effects.own_values import (
    OwnValues,
    atoms_of,
    columns_of,
    own_values,
    reference_text,
    with_values,
)
from winstan.errors import OptionError, near_matches
from winstan.options import EffectKind, check_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.design import NewRows, RandomTerm
    from winstan.effects.specification import Specified
    from winstan.options import Interval

FEWEST_ROWS = 200
"""Rows of the predictors that vary within groups which tell what lies in a group term's span."""
AT_ONCE = 100_000
"""Rows evaluated at a time."""


def group_effects(
    model: Specified, posterior: Mapping[str, Array], factor: str, kind: EffectKind = "deviation"
) -> dict[str, tuple[tuple[Any, ...], Array]]:
    """Gather the effects of a factor, on the scale of the linear predictor.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    factor
    kind : {"deviation", "total"}
        What a group departs from the population by, or the two together. A total is what the
        population's columns add up to in the columns of the group term: ``x`` to the x of
        ``(x|g)``, the intercept (at X = 0) to each condition of ``(0 + cond|g)``. Predictors that
        are constant within every group are at the group's own value: a knock-out's slope of x has
        ``genotype:x`` in it. Effects that no population column adds to have no total. Effects of
        other factors, nested ones included, are not in it.

    Returns
    -------
    dict
        By effect (``Intercept``, ``Days``, ``cond[b]``): the levels, and draws of shape (S, L).

    Raises
    ------
    OptionError
        If the factor or the kind is unknown, or no effect has a total.
    """
    check_option("kind", kind, EffectKind)
    terms = [group for group in model.design.groups if group.factor == factor]
    if not terms:
        factors = [group.factor for group in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(str(factor), factors)
        )
    if kind == "total":
        refuse_curves(model, "Totals")
    n = n_draws_of(posterior)
    out: dict[str, tuple[tuple[Any, ...], Array]] = {}
    for group in terms:
        u = np.concatenate(
            [
                posterior[group.effect_name(effect)].reshape(n, len(effect.columns), group.n_levels)
                for effect in group.effects
            ],
            axis=1,
        )
        if kind == "deviation":
            out |= {name: (group.levels, u[:, k]) for k, name in enumerate(group.column_names)}
            continue
        own = own_values(model, group)
        shares, population = _shares(model, group, own), _population(model, posterior)
        curved = _curved(model, posterior, own, population)
        for k, name in enumerate(group.column_names):
            if shares[:, k].any():
                of_setting = population @ shares[:, k].T
                for column, beyond in curved.items():
                    of_setting += beyond * shares[:, k, column]
                out[name] = (group.levels, u[:, k] + of_setting[:, own.setting])
    if not out:
        raise OptionError(
            f"No effect of {factor!r} has a population-level counterpart to be added to: only "
            "kind='deviation' is defined."
        )
    return out


def group_table(
    effects: Mapping[str, tuple[tuple[Any, ...], Array]], prob: float, interval: Interval
) -> pd.DataFrame:
    """Summarise group effects: effect, level, mean, sd, and the interval's ends."""
    return pd.DataFrame(
        [
            {"effect": name, "level": level} | describe(draws[:, j], prob, interval)
            for name, (levels, draws) in effects.items()
            for j, level in enumerate(levels)
        ]
    )


def refuse_curves(model: Specified, what: str) -> None:
    """Refuse what is at no place of a curve.

    Raises
    ------
    OptionError
    """
    if model.design.smooths or any(group.shared is not None for group in model.design.groups):
        along = next(iter(model.formula.curved_columns), "x")
        raise OptionError(
            f"{what} of groups are at one place of a curve along {along!r}, and there is none by "
            "itself: ask fit.predict for the rows that are meant, or fit.conditional along it."
        )


def group_draws(effects: Mapping[str, tuple[tuple[Any, ...], Array]]) -> pd.DataFrame:
    """Return the draws of group effects in long form: effect, level, draw, value."""
    parts = []
    for name, (levels, draws) in effects.items():
        n, L = draws.shape
        parts.append(
            pd.DataFrame(
                {
                    "effect": name,
                    "level": np.tile(np.array(levels, object), n),
                    "draw": np.repeat(np.arange(n), L),
                    "value": draws.reshape(-1),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _population(model: Specified, posterior: Mapping[str, Array]) -> Array:
    """Draws of the population's coefficients, the Intercept (or zero) first: (S, 1 + K)."""
    n = n_draws_of(posterior)
    K = model.design.X.shape[1]
    out = np.zeros((n, 1 + K))
    if model.design.intercept_name in posterior:  # thresholds stand for it
        out[:, 0] = posterior[model.design.intercept_name]
    for term in model.design.terms:
        out[:, [1 + c for c in term.columns]] = posterior[term.variable].reshape(n, -1)
    return out


def _curved(
    model: Specified, posterior: Mapping[str, Array], own: OwnValues, population: Array
) -> dict[int, Array]:
    """Return what monotonic columns at the levels' own values add beyond equal steps.

    By place among the coefficients, shape (S, n), of the n combinations of own values. What varies
    within groups has the same curve in the group term.
    """
    design, steps = model.design, model.design.steps[own.first]
    out: dict[int, Array] = {}
    for term in design.terms:
        names = [
            one.name
            for one in design.monotones
            if one.name in term.monotonic and one.column in own.columns
        ]
        if names:
            curve = product_of_heights(design.monotones, names, steps, posterior)
            out |= {1 + c: population[:, [1 + c]] * (curve - 1) for c in term.columns}
    return out


def totals_text(model: Specified, factor: str) -> str:
    """Say at which predictors the totals of a factor are: ``each mouse at its own genotype; ...``.

    A factor that stands for a term's intercept, as in ``(0 + cond|mouse)``, is not held anywhere.
    """
    group = next(group for group in model.design.groups if group.factor == factor)
    each = {
        column
        for spec in model.formula.groups
        if spec.factor == factor and not spec.design.intercept
        for column in columns_of(spec.design.atoms.values())
    }
    return reference_text(model, own_values(model, group), left_out=each)


def _shares(model: Specified, group: RandomTerm, own: OwnValues) -> Array:
    """Coordinates of the population's columns in those of a group term, shape (n, q, 1 + K).

    For each of the n combinations of own values that levels have. Columns that do not lie in the
    term's span, these values being given, have none: they are at zero.
    """
    design = model.design
    constant = np.full(len(group.Z), float(design.intercept))
    whole = _coordinates(group.Z, np.column_stack([constant, design.X]))
    shares = np.repeat(whole[None], len(own.first), axis=0)
    atoms = [atoms_of(model.formula.effects, term) for term in design.terms]
    affected = [
        (term, of_term)
        for term, of_term in zip(design.terms, atoms, strict=True)
        if set(columns_of(of_term)) & set(own.columns)
    ]
    if not affected:
        return shares
    columns = [c for term, _ in affected for c in term.columns]
    place = 1 + np.array(columns)
    g = next(g for g, other in enumerate(design.groups) if other is group)
    mixed = any(_mixes(model, atom.columns, own) for _, of_term in affected for atom in of_term)
    if mixed or design.memory.common.empty:
        # log(week - birth) may not be there for another mouse's birth, nor every cell: rows as
        # they are.
        setting_of_row = own.setting[group.level]
        for n in range(len(own.first)):
            rows = setting_of_row == n
            shares[n][:, place] = _coordinates(group.Z[rows], design.X[np.ix_(rows, columns)])
        return shares
    rows = _telling_rows(model, group, own)
    step = max(1, AT_ONCE // len(rows))
    for start in range(0, len(own.first), step):
        some = own.first[start : start + step]
        evaluated = _evaluated_at(model, rows, some, own)
        for n in range(len(some)):
            part = slice(n * len(rows), (n + 1) * len(rows))
            shares[start + n][:, place] = _coordinates(
                evaluated.Z[g][part], evaluated.X[part][:, columns]
            )
    return shares


def _mixes(model: Specified, columns: tuple[str, ...], own: OwnValues) -> bool:
    """Whether a function takes columns that are constant within groups, and ones that are not."""
    known = [column for column in columns if column in model.design.predictors]
    return 0 < sum(column in own.columns for column in known) < len(known)


def _telling_rows(model: Specified, group: RandomTerm, own: OwnValues) -> np.ndarray:
    """Choose design rows that show how the columns vary within groups.

    All distinct ones, or, of many, each combination of labels and a choice of the numbers.
    """
    predictors = model.design.predictors
    varying = [c for c in columns_of(model.formula.atoms) if c in predictors]
    varying = [c for c in varying if c not in own.columns]
    if not varying:
        return np.zeros(1, int)
    first, _ = distinct_rows(predictors, varying)
    enough = FEWEST_ROWS + 5 * (model.design.X.shape[1] + group.Z.shape[1])
    if len(first) <= enough:
        return first
    labelled = [
        c
        for c in varying
        if isinstance(predictors[c].dtype, pd.CategoricalDtype) or predictors[c].nunique() <= 10
    ]
    of_labels = distinct_rows(predictors, labelled)[0] if labelled else first[:1]
    some = first[np.linspace(0, len(first) - 1, enough).astype(int)]
    return np.unique(np.concatenate([of_labels, some]))


def _evaluated_at(model: Specified, rows: np.ndarray, first: np.ndarray, own: OwnValues) -> NewRows:
    """Evaluate some rows at each of several combinations of own values, one after another."""
    values = dict.fromkeys(own.columns, np.repeat(first, len(rows)))
    return evaluate(model.design, with_values(model, np.tile(rows, len(first)), values))


def _coordinates(Z: Array, X: Array) -> Array:
    """Coordinates of columns in those of Z, shape (q, columns); zero where they have none."""
    size = np.abs(Z).max(axis=0)
    size = np.where(size > 0, size, 1.0)  # so that columns of any unit weigh alike
    shares = np.linalg.lstsq(Z / size, X)[0]
    outside = np.abs(X - (Z / size) @ shares).max(axis=0) > 1e-9 * np.abs(X).max(axis=0)
    shares[:, outside] = 0.0
    shares[np.abs(shares) < 1e-9 * np.maximum(np.abs(shares).max(axis=0), 1e-300)] = 0.0
    return shares / size[:, None]
