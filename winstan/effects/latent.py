"""Latent effects of new rows: drawn with their correlation, or given those of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.effects.correlated import check_places, places_and_units
from winstan.residual.rows import given_observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.design import RandomTerm
    from winstan.effects.specification import Specified
    from winstan.options import Whose


def draw_latent(
    model: Specified,
    posterior: Mapping[str, Array],
    sd: Array,
    rows: Any,
    *,
    given: bool,
    rng: np.random.Generator,
) -> Array:
    """Draw the latent effects of new rows, those of a unit with their correlation.

    Parameters
    ----------
    model
        With `correlation`, of latent effects.
    posterior
    sd : ndarray, shape (S,)
    rows
        A data frame with the columns of the term, n rows.
    given
        Whether effects of rows of their units in the data are counted.
    rng

    Returns
    -------
    ndarray, shape (S, n)
    """
    term, correlation = model.design.residual, model.correlation
    assert term is not None
    assert correlation is not None
    structure = correlation.structure
    correlations, group = posterior[structure.name], latent_term(model)
    level = group.level[model.design.row]
    place, unit = places_and_units(term, rows)
    out = np.empty((len(sd), place.size))
    for one in np.unique(unit):
        at = np.flatnonzero(unit == one)
        seen = np.flatnonzero(term.unit == one) if one >= 0 else np.zeros(0, int)
        check_places(term, place[at], at, term.place[seen], one)
        seen = seen if given else seen[:0]
        effects = posterior[group.effect_name(group.effects[0])][:, level[seen]]
        mean, root = given_observed(
            structure, correlations, term.place[seen], place[at], effects / sd[:, None]
        )
        noise = (root @ rng.standard_normal((len(sd), at.size, 1)))[..., 0]
        out[:, at] = sd[:, None] * (mean + noise)
    return out


def latent_term(model: Specified) -> RandomTerm:
    """Return the term of latent effects."""
    return next(group for group in model.design.groups if group.latent)


def groups_of_rows(model: Specified, groups: Whose, *, new: bool) -> Whose:
    """Say that latent effects of rows that were not fitted are drawn, where groups are these."""
    if groups != "these" or not new or model.correlation is None or model.residuals is not None:
        return groups
    return {latent_term(model).factor: "new"}
