"""Monotonic effects as data of the Stan templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.coordinates.monotonic import CurvedColumn

if TYPE_CHECKING:
    from winstan.model import Model

_BY_ROW = ("curved_x", "curved_center", "curved_reference", "curved_slope", "curved_mean")


def monotonic_data(model: Model, rows: int) -> dict[str, Any]:
    """Return what ``stan/include/data.stan`` needs of them; of other models nothing but sizes.

    Parameters
    ----------
    model
    rows
        Of the linear predictor.
    """
    simplexes, N = model.simplexes, sum(group.q for group in model.stacked.groups)
    if simplexes is None:
        return {
            **dict.fromkeys(("n_mono", "n_product", "n_curved"), 0),
            **dict.fromkeys(
                ("mono_steps", "mono_from", "curved_at", "curved_product"), np.zeros(0, int)
            ),
            "mono_at": np.zeros((0, rows), int),
            "in_product": np.zeros((0, 0), int),
            "curved_constant": np.zeros(0),
            **dict.fromkeys(_BY_ROW, np.zeros((rows, 0))),
            "curved_scaled": np.zeros(0, int),
            "curved_place": np.zeros((model.population.shape[1], 0)),
            **dict.fromkeys(("intercept_place", "intercept_rows"), np.zeros(0)),
            "effect_product": np.zeros(N, int),
        }
    sizes = np.array([one.n + 1 for one in simplexes.monotones])
    P, V = model.population.shape[1], range(len(sizes))
    columns = model.curved or (
        _nothing(rows),
    )  # of group terms alone: the template has one at least
    n = len(columns)
    matrices = {name: np.zeros((n, rows)) for name in _BY_ROW}
    places = np.zeros((P, n))
    for c, column in enumerate(columns):
        for name in _BY_ROW:
            matrices[name][c] = getattr(column, name.removeprefix("curved_"))
        if column.at is not None:
            places[column.at, c] = 1.0
    follows = any(column.mean.any() for column in columns)
    return {
        "n_mono": len(sizes),
        "mono_steps": sizes - 1,
        "mono_from": model.first_piece + np.array(simplexes.starts),
        "mono_at": np.tile((model.cells.steps + 1).T, (1, model.cells.blocks)),
        "n_product": len(simplexes.products),
        "in_product": np.array([[int(v in own) for v in V] for own in simplexes.products]),
        "n_curved": len(columns),
        "curved_at": np.array([0 if c.at is None else c.at + 1 for c in columns], int),
        "curved_constant": np.array([c.constant for c in columns], float),
        "curved_product": np.array([c.product + 1 for c in columns], int),
        **{name: matrix.T for name, matrix in matrices.items()},
        "curved_scaled": np.array([int(c.scaled) for c in columns], int),
        "curved_place": places,
        "intercept_place": np.eye(1, P)[0] if follows else np.zeros(P),
        "intercept_rows": (np.arange(rows) < model.cells.n).astype(float),
        "effect_product": np.concatenate([np.zeros(0, int), *simplexes.effect_product]) + 1,
    }


def _nothing(rows: int) -> CurvedColumn:
    """Return a column of zeros, whose coefficient is zero."""
    zero = np.zeros(rows)
    return CurvedColumn(None, 0.0, 0, zero, zero, zero, zero, zero)
