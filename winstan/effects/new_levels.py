"""Group levels that were not fitted: found, refused, or drawn from the fitted population."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_levels
from winstan.effects.comparisons import matching_levels
from winstan.effects.means import n_draws_of
from winstan.errors import DataError, OptionError, near_matches

if TYPE_CHECKING:
    from winstan.design import GroupTerm, NewRows
    from winstan.families.links import Array
    from winstan.model import Model


GROUPS = ("these", "new", "average", "zero")
# Averages are over combinations of the levels of all factors: no setting of one of them.
BY_FACTOR = ("these", "new", "zero")


def group_settings(model: Model, groups: Any) -> dict[str, str]:
    """Read a ``groups=`` option: the setting of each group factor.

    Parameters
    ----------
    model
    groups
        One of `GROUPS` for all factors; or a mapping from factors to one of `BY_FACTOR`, where
        factors that it leaves out have ``"these"``.

    Raises
    ------
    OptionError
        If a setting or a factor is unknown.
    """
    factors = list(dict.fromkeys(group.factor for group in model.design.groups))
    if not isinstance(groups, Mapping):
        if not isinstance(groups, str) or groups not in GROUPS:
            raise OptionError(
                f"groups must be 'these', 'new', 'average' or 'zero', not {groups!r}; or one of "
                "'these', 'new' and 'zero' for each factor: groups={'mouse': 'new'}."
            )
        return dict.fromkeys(factors, groups)
    for name, setting in groups.items():
        if name not in factors:
            raise OptionError(
                f"groups= names {name!r}, which is no group factor of {model.formula.text!r}."
                + near_matches(str(name), factors)
            )
        if not isinstance(setting, str) or setting not in BY_FACTOR:
            raise OptionError(
                f"groups= gives {setting!r} for {name!r}: a factor's setting is 'these', 'new' or "
                "'zero' ('average' is of all factors together: groups='average')."
            )
    return dict.fromkeys(factors, "these") | dict(groups)


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
    model: Model, rows: NewRows, factors: pd.DataFrame, only: Collection[str]
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
    for group, level, columns in _terms(model, rows):
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
            "groups='new' draws their effects from the fitted population, groups='average' "
            "averages over the fitted groups, and groups='zero' leaves group effects out."
        )


def draw_new_levels(
    model: Model,
    posterior: Mapping[str, Array],
    rows: NewRows,
    factors: pd.DataFrame,
    rng: np.random.Generator,
    only: Collection[str],
) -> tuple[dict[str, Array], NewRows]:
    """Draw the effects of levels that were not fitted, from each draw's population.

    Rows of one new level share its effects, which are normal with the draw's standard deviations
    and correlations. Levels that were fitted keep their own. Factors other than `only` are left as
    they are.

    Returns
    -------
    posterior : dict
        With the new levels' effects after those of the fitted ones.
    rows : NewRows
        Whose new levels are numbered accordingly.
    """
    out = dict(posterior)
    levels = []
    at = dict.fromkeys((group.factor for group in model.design.groups), 0)
    for group, level, columns in _terms(model, rows):
        correlation = None
        width = group.Z.shape[1]
        if group.correlated and width > 1:
            # A factor's correlations stand term after term.
            n_pairs = width * (width - 1) // 2
            start = at[group.factor]
            correlation = posterior[f"{group.factor}_corr"][:, start : start + n_pairs]
            at[group.factor] += n_pairs
        new = np.flatnonzero(level < 0)
        if not new.size or group.factor not in only:
            levels.append(level)
            continue
        number = factors[columns].iloc[new].groupby(columns, sort=False, observed=True).ngroup()
        extended = level.copy()
        extended[new] = len(group.levels) + number.to_numpy()
        levels.append(extended)
        u = _effects(group, posterior, correlation, int(number.max()) + 1, rng)
        for effect in group.effects:
            name = f"{effect.name}|{group.factor}"
            fresh = u[:, list(effect.columns)]
            old = posterior[name]
            fresh = fresh.reshape(*old.shape[:-1], fresh.shape[-1])
            out[name] = np.concatenate([old, fresh], axis=-1)
    return out, replace(rows, level=tuple(levels))


def _effects(
    group: GroupTerm,
    posterior: Mapping[str, Array],
    correlation: Array | None,
    n_levels: int,
    rng: np.random.Generator,
) -> Array:
    """Draw the effects of new levels, shape (S, q, n_levels)."""
    n, width = n_draws_of(posterior), group.Z.shape[1]
    u = rng.standard_normal((n, width, n_levels))
    if correlation is not None:
        R = np.broadcast_to(np.eye(width), (n, width, width)).copy()
        pairs = [(i, j) for i in range(width) for j in range(i)]
        for k, (i, j) in enumerate(pairs):
            R[:, i, j] = R[:, j, i] = correlation[:, k]
        # By eigenvectors: a correlation near one may leave no Cholesky factor after rounding.
        values, vectors = np.linalg.eigh(R)
        u = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ u
    sd = np.concatenate(
        [posterior[f"{e.name}|{group.factor}_sigma"].reshape(n, -1) for e in group.effects], axis=1
    )
    return sd[:, :, None] * u


def _terms(model: Model, rows: NewRows) -> list[tuple[GroupTerm, np.ndarray, list[str]]]:
    """Each group term, with the rows' levels and the columns of its factor."""
    return [
        (group, level, list(factor.columns))
        for group, level, factor in zip(
            model.design.groups, rows.level, model.design.memory.factors, strict=True
        )
    ]
