"""Likelihoods of models with one group intercept, its effects integrated out, and their maxima.

What lme4, glmmTMB and ordinal maximise, from winstan's densities of single rows: Laplace's
approximation with one node, adaptive Gauss-Hermite quadrature with more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import optimize, special

from winstan.effects.pointwise import pointwise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model
    from winstan.variables import Variable


_SHARES = np.array([[1.0], [0.5], [0.2], [0.05]])  # of a step of Newton's: the best is taken


class Marginal:
    """The likelihood of a model with `(1|factor)`, by the numbers of all its other parameters."""

    def __init__(self, model: Model, data: pd.DataFrame, factor: str, nodes: int = 1) -> None:
        self.model, self.term = model, f"1|{factor}"
        (effects,) = (v for v in model.variables if v.name == self.term)
        (levels,) = effects.coords.values()
        self.level = pd.Categorical(data[factor].astype(str), [str(x) for x in levels]).codes
        assert (self.level >= 0).all()
        self.J = len(levels)
        self.mode = np.zeros(self.J)
        self.nodes, self.weights = np.polynomial.hermite_e.hermegauss(nodes)
        self.others = [v for v in model.variables if v.name != self.term]

    def named(self, at: np.ndarray) -> dict[str, np.ndarray]:
        """Numbers by variable, in the order of the model's; those of positive ones are logs."""
        out, start = {}, 0
        for v in self.others:
            size = int(np.prod(v.shape))
            own = at[start : start + size].reshape(v.shape)
            out[v.name] = np.exp(own) if _positive(v) else own
            start += size
        assert start == at.size
        return out

    def unnamed(self, numbers: Sequence[float]) -> np.ndarray:
        """Numbers of all parameters, in the model's order; of the positive ones, logs."""
        positive = np.concatenate(
            [np.full(int(np.prod(v.shape)), _positive(v)) for v in self.others]
        )
        values = np.array(numbers, float)
        return np.where(positive, np.log(np.abs(values)), values)

    def log_likelihood(self, at: np.ndarray) -> float:
        named = self.named(at)
        sd = float(named[f"{self.term}_sigma"])
        for _ in range(40):
            h = 1e-3 * sd
            above, middle, below = self._joint(
                named, sd, self.mode + h * np.array([[1], [0], [-1]])
            )
            curvature = (above - 2 * middle + below) / h**2
            # Where the likelihood curves upwards, only the effects' own density does not.
            step = (above - below) / (2 * h) / np.maximum(-curvature, 0.5 / sd**2)
            tried = self.mode + _SHARES * np.clip(step, -sd, sd)
            best = self._joint(named, sd, tried).argmax(0)
            self.mode = tried[best, np.arange(self.J)]
            if np.abs(step).max() < 1e-7:
                break
        scale = 1 / np.sqrt(-curvature)
        x = self.nodes[:, None]
        joint = self._joint(named, sd, self.mode + scale * x)
        each = special.logsumexp(joint + x**2 / 2, b=self.weights[:, None], axis=0)
        return float((each + np.log(scale)).sum())

    def maximum(self, start: np.ndarray) -> tuple[np.ndarray, float]:
        found = optimize.minimize(
            lambda at: -self.log_likelihood(at), start, method="BFGS",
            options={"gtol": 1e-4, "eps": 1e-5},
        )  # fmt: skip
        return found.x, -float(found.fun)

    def _joint(self, named: dict[str, np.ndarray], sd: float, u: np.ndarray) -> np.ndarray:
        """Log density of the data and the effects, by group; u has shape (S, J)."""
        S = len(u)
        draws = {k: np.broadcast_to(v, (S, *np.shape(v))) for k, v in named.items()}
        found = pointwise(self.model, draws | {self.term: u})
        rows = np.empty((S, found.n))
        for part, values in found.blocks:
            rows[:, part] = values
        total = np.zeros((S, self.J))
        np.add.at(total.T, self.level, rows[:, found.number].T)
        return total - 0.5 * (u / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


def _positive(variable: Variable) -> bool:
    return variable.role == "sd" or (variable.role == "auxiliary" and variable.name != "threshold")
