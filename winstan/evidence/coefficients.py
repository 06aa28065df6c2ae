"""Coefficients on the whole line: those with bounds, and those that share a prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class FreeCoefficients:
    """The P coefficients of a model, and the numbers that stand for them.

    One between bounds is the logit of its place, one above (below) a single bound the logarithm of
    its distance. One that is shrunk is as in `winstan.coordinates.curves`.

    Attributes
    ----------
    model : Model
    """

    model: Model

    def free(self, beta: Array, numbers: Array) -> Array:
        """Return free numbers, (S, P), of coefficients, (S, P)."""
        out = beta.copy()
        bounds = self.model.bounds
        for p, low, high in zip(bounds.at, bounds.lower, bounds.upper, strict=True):
            below, above = beta[:, p] - low, high - beta[:, p]
            if np.isinf(high):
                out[:, p] = np.log(below)
            elif np.isinf(low):
                out[:, p] = -np.log(above)
            else:
                out[:, p] = np.log(below) - np.log(above)
        for p, location, scale in self._shrunk(numbers):
            out[:, p] = (beta[:, p] - location) / scale
        return out

    def bound(self, free: Array, numbers: Array) -> tuple[Array, Array]:
        """Undo `free`; and return the log Jacobian, (S,)."""
        out, log_jacobian = free.copy(), np.zeros(len(free))
        bounds = self.model.bounds
        for p, low, high in zip(bounds.at, bounds.lower, bounds.upper, strict=True):
            x = free[:, p]
            if np.isinf(high):
                out[:, p] = low + np.exp(x)
                log_jacobian += x
            elif np.isinf(low):
                out[:, p] = high - np.exp(-x)
                log_jacobian -= x
            else:
                out[:, p] = low + (high - low) * special.expit(x)
                log_jacobian += np.log(high - low) + special.log_expit(x) + special.log_expit(-x)
        for p, location, scale in self._shrunk(numbers):
            out[:, p] = location + scale * free[:, p]
            log_jacobian += np.log(scale)
        return out, log_jacobian

    def _shrunk(self, numbers: Array) -> list[tuple[int, Array, Array]]:
        """Return place, location and scale of each that is shrunk, given its variance."""
        model = self.model
        shrinkage, shrunk = model.shrinkage, model.shrunk
        if shrinkage is None or shrunk is None:
            return []
        sigma = None if shrinkage.sigma is None else numbers[:, shrinkage.sigma]
        variances = shrinkage.variances(numbers[:, len(model.likelihood.scalars) :], sigma)
        out = []
        for j, variance in enumerate(variances):
            given = 1 / (shrunk.known[j] + 1 / variance)
            scale = np.sqrt(given) * shrunk.root[j]
            out.append((int(shrinkage.at[j]), given * shrunk.score[j], scale))
        return out
