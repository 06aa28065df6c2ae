"""Group effects as tables: deviations from the population, and totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.effects.intervals import describe
from winstan.effects.means import n_draws_of
from winstan.errors import OptionError, near_matches
from winstan.variables import effect_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.design import GroupTerm
    from winstan.families.links import Array
    from winstan.model import Model

KINDS = ("deviation", "total")


def group_effects(
    model: Model, posterior: Mapping[str, Array], factor: str, kind: str = "deviation"
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
        ``(x|g)``, the intercept (at X = 0) to each condition of ``(0 + cond|g)``. Effects that no
        population column adds to have no total. Effects of other factors, nested ones included,
        are not in it.

    Returns
    -------
    dict
        By effect (``Intercept``, ``Days``, ``cond[b]``): the levels, and draws of shape (S, L).

    Raises
    ------
    OptionError
        If the factor or the kind is unknown, or no effect has a total.
    """
    if kind not in KINDS:
        raise OptionError(f"kind must be 'deviation' or 'total', not {kind!r}.")
    terms = [group for group in model.design.groups if group.factor == factor]
    if not terms:
        factors = [group.factor for group in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(str(factor), factors)
        )
    n = n_draws_of(posterior)
    out: dict[str, tuple[tuple[Any, ...], Array]] = {}
    for group in terms:
        u = np.concatenate(
            [
                posterior[f"{effect.name}|{factor}"].reshape(
                    n, len(effect.columns), len(group.levels)
                )
                for effect in group.effects
            ],
            axis=1,
        )
        shares = _shares(model, group) if kind == "total" else None
        for k, name in enumerate(effect_names(group)):
            if shares is None:
                out[name] = (group.levels, u[:, k])
            elif shares[k].any():
                out[name] = (
                    group.levels,
                    u[:, k] + (_population(model, posterior) @ shares[k])[:, None],
                )
    if not out:
        raise OptionError(
            f"No effect of {factor!r} has a population-level counterpart to be added to: only "
            "kind='deviation' is defined."
        )
    return out


def group_table(
    effects: Mapping[str, tuple[tuple[Any, ...], Array]], prob: float, interval: str
) -> pd.DataFrame:
    """Summarise group effects: effect, level, mean, sd, and the interval's ends."""
    return pd.DataFrame(
        [
            {"effect": name, "level": level} | describe(draws[:, j], prob, interval)
            for name, (levels, draws) in effects.items()
            for j, level in enumerate(levels)
        ]
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


def _population(model: Model, posterior: Mapping[str, Array]) -> Array:
    """Draws of the population's coefficients, the Intercept (or zero) first: (S, 1 + K)."""
    n = n_draws_of(posterior)
    K = model.design.X.shape[1]
    out = np.zeros((n, 1 + K))
    if "Intercept" in posterior:
        out[:, 0] = posterior["Intercept"]
    for term in model.design.terms:
        out[:, [1 + c for c in term.columns]] = posterior[term.name].reshape(n, -1)
    return out


def _shares(model: Model, group: GroupTerm) -> Array:
    """Coordinates of the population's columns in those of a group term, shape (q, 1 + K).

    Columns that do not lie in the term's span have none.
    """
    X = np.column_stack([np.full(len(group.Z), float(model.design.intercept)), model.design.X])
    size = np.abs(group.Z).max(axis=0)
    size = np.where(size > 0, size, 1.0)  # so that columns of any unit weigh alike
    shares = np.linalg.lstsq(group.Z / size, X)[0]
    outside = np.abs(X - (group.Z / size) @ shares).max(axis=0) > 1e-9 * np.abs(X).max(axis=0)
    shares[:, outside] = 0.0
    shares[np.abs(shares) < 1e-9 * np.maximum(np.abs(shares).max(axis=0), 1e-300)] = 0.0
    return shares / size[:, None]
