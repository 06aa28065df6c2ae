"""Linear predictors and mean responses of rows of predictors, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.design import NewRows
from winstan.families.family import mean_itself

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.effects.specification import Specified
    from winstan.model import Model

# Draws times rows held at once: what the processor's cache holds is five times as quick as more.
CHUNK = 150_000


def linear_predictor(
    model: Specified, posterior: Mapping[str, Array], rows: NewRows
) -> Iterator[tuple[slice, Array]]:
    """Evaluate eta at new rows, a chunk of rows at a time.

    Offsets are left out: the mean is that of a unit of exposure. A level that was not among the
    data (-1) has no effect of its own.

    Yields
    ------
    part : slice
        The rows of this chunk.
    eta : ndarray, shape (S, rows of the chunk)
    """
    n_draws = n_draws_of(posterior)
    n_rows = rows.X.shape[0]
    slopes = [posterior[t.name].reshape(n_draws, -1) for t in model.design.terms]
    beta = np.hstack(slopes) if slopes else np.zeros((n_draws, 0))
    columns = [c for term in model.design.terms for c in term.columns]
    size = max(1, CHUNK // n_draws)
    for start in range(0, n_rows, size):
        part = slice(start, min(start + size, n_rows))
        eta = beta @ rows.X[part][:, columns].T
        if "Intercept" in posterior:
            eta += posterior["Intercept"][:, None]
        for group, Z, level in zip(model.design.groups, rows.Z, rows.level, strict=True):
            known = level[part] >= 0
            if not known.any():
                continue
            at = np.where(known, level[part], 0)
            for effect in group.effects:
                # As many levels as the draws have: those of the data, and perhaps new ones.
                u = posterior[group.effect_name(effect)]
                u = u.reshape(n_draws, len(effect.columns), u.shape[-1])
                for i, column in enumerate(effect.columns):
                    eta += u[:, i, at] * (Z[part, column] * known)
        yield part, eta


def mean_response(model: Specified, posterior: Mapping[str, Array], eta: Array) -> Array:
    """Return the mean response where the linear predictor is eta, shape (S, n)."""
    return model.family.response_mean(model.link.inverse(eta), auxiliary(model, posterior))


def mean_slope(model: Model, posterior: Mapping[str, Array], eta: Array) -> Array:
    """Return the derivative of the mean response by eta, shape (S, n).

    Exact where the inverse link gives the mean. Elsewhere (lognormal) a symmetric difference whose
    step, the cube root of the machine's epsilon, balances rounding and truncation at 1e-10.
    """
    if model.family.response_mean is mean_itself:
        return model.link.inverse_derivative(eta)
    step = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(eta))
    above, below = eta + step, eta - step
    rise = mean_response(model, posterior, above) - mean_response(model, posterior, below)
    return rise / (above - below)


def auxiliary(model: Specified, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Draws of the auxiliary parameters, shape (S, 1) each."""
    return {name: posterior[name][:, None] for name in model.family.auxiliary}


def rows_of(design: Design) -> NewRows:
    """Return the distinct rows of the data themselves, D of them."""
    return NewRows(
        design.X,
        tuple(group.Z for group in design.groups),
        tuple(group.level for group in design.groups),
        design.offset,
    )


def taken(rows: NewRows, at: np.ndarray) -> NewRows:
    """Return some rows, each as often as it is named."""
    return NewRows(
        rows.X[at],
        tuple(Z[at] for Z in rows.Z),
        tuple(level[at] for level in rows.level),
        rows.offset[at],
    )


def n_draws_of(posterior: Mapping[str, Array]) -> int:
    """Return the number of draws, S."""
    return next(iter(posterior.values())).shape[0]
