"""Draws made up for a model, so that what comes after sampling can be tested without a sampler."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from winstan.draws import Draws
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_from_draws

if TYPE_CHECKING:
    from winstan.model import Model


def made_posterior(
    model: Model, *, chains: int = 2, draws: int = 20, seed: int = 0
) -> dict[str, np.ndarray]:
    """Draws of every variable: positive ones for scales and shapes, moderate ones for the rest."""
    rng = np.random.default_rng(seed)
    out = {}
    for variable in model.variables:
        x = rng.normal(0.3, 0.5, (chains, draws, *variable.shape))
        if variable.role in ("sd", "auxiliary"):
            x = np.exp(x)
        elif variable.role == "correlation":
            x = np.tanh(x)
        vector = model.family.thresholds
        if vector is not None and vector.domain == "ordered" and variable.name == vector.name:
            x = np.sort(x, axis=-1)
        out[variable.name] = x
    return out


def flat(posterior: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The chains joined."""
    return {name: x.reshape(-1, *x.shape[2:]) for name, x in posterior.items()}


def made_fit(
    model: Model, *, chains: int = 4, draws: int = 400, seed: int = 0, divergent: int = 0
) -> Fit:
    """A fit whose draws are independent, and so converged."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    diverging = np.zeros(shape, bool)
    diverging[0, :divergent] = True
    made = Draws(
        made_posterior(model, chains=chains, draws=draws, seed=seed),
        {
            "lp": rng.normal(size=shape),
            "diverging": diverging,
            "energy": rng.normal(size=shape),
            "tree_depth": np.full(shape, 3),
            "n_steps": np.full(shape, 7),
            "acceptance_rate": np.full(shape, 0.9),
            "step_size": np.full(shape, 0.5),
        },
    )
    return fit_from_draws(Fit, model, made, "stan", perf_counter())


def fit_with(model, posterior) -> Fit:
    """A fit with these draws, shape (chains, draws, ...) each."""
    shape = posterior["Intercept"].shape
    stats_of = {"lp": 0.0, "diverging": False, "energy": 0.0, "tree_depth": 3, "n_steps": 7}
    rng = np.random.default_rng(0)
    sample_stats = {k: np.full(shape, v) for k, v in stats_of.items()}
    sample_stats["energy"] = rng.normal(size=shape)
    made_up = Draws(posterior, sample_stats)
    return fit_from_draws(Fit, model, made_up, "stan", perf_counter())
