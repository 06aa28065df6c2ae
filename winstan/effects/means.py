"""Linear predictors and mean responses of rows of predictors, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan.design import NewRows
    from winstan.families.links import Array
    from winstan.model import Model

# Draws times rows held at once: 8 million doubles.
CHUNK = 8_000_000


def linear_predictor(
    model: Model, posterior: Mapping[str, Array], rows: NewRows
) -> Iterator[tuple[slice, Array]]:
    """Evaluate eta at new rows, a chunk of rows at a time.

    Offsets are left out: the mean is that of a unit of exposure. A level that was not among the
    data has no effect of its own.

    Yields
    ------
    part : slice
        The rows of this chunk.
    eta : ndarray, shape (S, rows of the chunk)
    """
    n_draws = next(iter(posterior.values())).shape[0]
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
            at = np.where(known, level[part], 0)
            for effect in group.effects:
                u = posterior[f"{effect.name}|{group.factor}"].reshape(
                    n_draws, len(effect.columns), len(group.levels)
                )
                for i, column in enumerate(effect.columns):
                    eta += u[:, i, at] * (Z[part, column] * known)
        yield part, eta


def mean_response(model: Model, posterior: Mapping[str, Array], eta: Array) -> Array:
    """Return the mean response where the linear predictor is eta, shape (S, n)."""
    aux = {name: posterior[name][:, None] for name in model.family.auxiliary}
    return model.family.response_mean(model.link.inverse(eta), aux)
