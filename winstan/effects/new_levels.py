"""Group levels that were not fitted: found, refused, or drawn from the fitted population."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels
from winstan.effects.comparisons import matching_levels
from winstan.effects.covariances import Covariances, covariances
from winstan.errors import DataError

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design, NewRows, RandomTerm
    from winstan.effects.specification import Specified


ARM = " arm"
"""A column beside those of a factor; no formula's name begins with a blank."""


def as_fitted(values: pd.Series, known: Collection[Any]) -> pd.Series:
    """Give values the fitted levels that they stand for: the number 308 the level ``"308"``.

    Parameters
    ----------
    values
        A column of new rows, complete.
    known
        The fitted levels.

    Returns
    -------
    Series
        Where a value stands for no level, it stays as it is; among levels of text as text.
    """
    is_text = all(isinstance(level, str) for level in known)
    found: dict[Any, Any] = {}
    for value in values.unique().tolist():
        same = matching_levels(known, value)
        found[value] = same[0] if len(same) == 1 else str(value) if is_text else value
    if all(type(a) is type(b) or a == b for a, b in found.items()):
        return values
    places = {level: k for k, level in enumerate(dict.fromkeys(found.values()))}
    codes = [places[found[value]] for value in values.tolist()]
    if set(found.values()) <= set(known):
        return pd.Series(np.array(list(places))[codes])
    # Numbers beside text: as categories, they are no mixture.
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(list(places), dtype=object)))


def refuse_new_levels(
    model: Specified, rows: NewRows, factors: pd.DataFrame, only: Collection[str]
) -> None:
    """Refuse rows with a level that was not fitted.

    Parameters
    ----------
    model
    rows
        The new rows, coded.
    factors : DataFrame
        The columns of the group factors, n rows.
    only
        The factors that are looked at.

    Raises
    ------
    DataError
        With the levels, the count of rows, and the remedy.
    """
    for group, level, columns in _terms(model.design.every, rows.every):
        bad = np.flatnonzero(level < 0)
        if not bad.size or group.factor not in only:
            continue
        names = dict.fromkeys(
            ":".join(map(str, values)) if len(values) > 1 else values[0]
            for values in factors[columns].iloc[bad].itertuples(index=False, name=None)
        )
        raise DataError(
            f"{how_many(len(bad), 'row')} of the new data {'has' if len(bad) == 1 else 'have'} "
            f"{how_many(len(names), 'level')} of {group.factor!r} that "
            f"{'was' if len(names) == 1 else 'were'} not fitted: {some_levels(list(names))}. "
            "groups='new' draws their effects from the fitted population, groups='population' "
            "averages over it, and groups='typical' leaves group effects out."
        )


def draw_new_levels(
    model: Specified,
    posterior: Mapping[str, Array],
    rows: NewRows,
    factors: pd.DataFrame,
    rng: np.random.Generator,
    only: Collection[str],
    *,
    latent: Callable[[Array, pd.DataFrame], Array] | None = None,
) -> tuple[dict[str, Array], NewRows]:
    """Draw the effects of levels that were not fitted, from each draw's population.

    Rows of one new level share its effects, which are normal with the draw's standard deviations
    and correlations. Levels that were fitted keep their own. Factors other than `only` are left as
    they are. `latent` draws those of single rows, by their sd and columns; without it they are
    independent.

    Returns
    -------
    posterior : dict
        With the new levels' effects after those of the fitted ones.
    rows : NewRows
        Whose new levels are numbered accordingly.
    """
    out = dict(posterior)
    designs, coded = model.design.every[: len(rows.every)], rows.every
    levels = [list(one.level) for one in coded]
    place = {one.parameter: d for d, one in enumerate(designs)}
    for group, members in model.design.drawn:
        # Effects on parameters whose rows are not there are not asked for.
        inside = [(place[name], m) for name, m in members if name in place]
        if not inside or group.factor not in only:
            continue
        d, m = inside[0]
        level, columns = coded[d].level[m], list(designs[d].memory.factors[m].columns)
        new = np.flatnonzero(level < 0)
        if not new.size:
            continue
        named, arm = factors[columns].iloc[new], coded[d].arm[m]
        if arm is not None:  # one name in two arms is of two groups
            arm = arm[new]
            named = named.assign(**{ARM: arm})
        number = named.groupby(list(named.columns), sort=False, observed=True).ngroup()
        extended = level.copy()
        extended[new] = len(group.levels) + number.to_numpy()
        for d, m in inside:
            levels[d][m] = extended
        if arm is not None:
            arm = arm[np.unique(number.to_numpy(), return_index=True)[1]]
        if group.latent and latent is not None:
            each = np.unique(number.to_numpy(), return_index=True)[1]
            u = latent(covariances(group, posterior).sd[0, :, 0], named.iloc[each])[:, None]
        else:
            u = draw_effects(covariances(group, posterior), int(number.max()) + 1, arm, rng)
        for effect in group.effects:
            name = group.effect_name(effect)
            fresh = u[:, list(effect.columns)]
            old = posterior[name]
            fresh = fresh.reshape(*old.shape[:-1], fresh.shape[-1])
            out[name] = np.concatenate([old, fresh], axis=-1)
    first, *others = (
        replace(one, level=tuple(level)) for one, level in zip(coded, levels, strict=True)
    )
    return out, replace(first, beside=dict(zip(rows.beside, others, strict=True)))


def draw_effects(
    of: Covariances, n_levels: int, arm: np.ndarray | None, rng: np.random.Generator
) -> Array:
    """Draw the effects of new levels from each draw's population, shape (S, q, n_levels).

    Parameters
    ----------
    of
        The covariances of the term's effects.
    n_levels
    arm : ndarray of int, shape (n_levels,), or None
        Of each level.
    rng
    """
    u = rng.standard_normal((*of.sd.shape[1:], n_levels))
    out = np.empty_like(u)
    for k in range(len(of.sd)):
        at = slice(None) if arm is None else arm == k
        own = u[:, :, at]
        if of.correlation is not None:
            # By eigenvectors: a correlation near one may leave no Cholesky factor after rounding.
            values, vectors = np.linalg.eigh(of.correlation[k])
            own = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ own
        out[:, :, at] = of.sd[k][:, :, None] * own
    return out


def _terms(
    designs: Sequence[Design], coded: Sequence[NewRows]
) -> list[tuple[RandomTerm, np.ndarray, list[str]]]:
    """Each group term of parameters that have rows, with their levels and its factor's columns."""
    return [
        (group, level, list(factor.columns))
        for design, rows in zip(designs, coded, strict=False)
        for group, level, factor in zip(
            design.groups, rows.level, design.memory.factors, strict=True
        )
    ]
