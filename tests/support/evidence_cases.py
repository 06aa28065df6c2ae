"""Models whose evidence is published or has a closed form, and exact draws of one."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pandas as pd
from models import model_of
from scipy import stats

import winstan as ws
from winstan.draws import Draws
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_from_draws

DYESTUFF = {
    "Intercept": ws.Normal(1500, 100),
    "sigma": ws.Exponential(1 / 50),
    "1|Batch_sigma": ws.Exponential(1 / 50),
}


def priors_of(formula: str) -> dict[str, ws.Normal]:
    return {k: p for k, p in DYESTUFF.items() if "Batch" in formula or "Batch" not in k}


def known_errors(n: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame({"y": rng.normal(71, 4, n), "s": rng.uniform(2, 5, n)})


def conjugate(data: pd.DataFrame, mu: float, tau: float) -> tuple[float, float, float]:
    """Log marginal likelihood, posterior mean and sd of a normal mean, errors known."""
    V = np.diag(data.s**2) + tau**2
    precision = (1 / data.s**2).sum() + 1 / tau**2
    mean = ((data.y / data.s**2).sum() + mu / tau**2) / precision
    whole = stats.multivariate_normal.logpdf(data.y, np.full(len(data), mu), V)
    return float(whole), float(mean), float(precision**-0.5)


def exact_fit(n_chains: int = 4, n: int = 2500) -> tuple[Fit, pd.DataFrame]:
    """Exact draws of a conjugate mean."""
    data = known_errors()
    model = model_of("y | se(s) ~ 1", data, "gaussian", priors={"Intercept": ws.Normal(60, 10)})
    _, mean, sd = conjugate(data, 60, 10)
    draws = np.random.default_rng(0).normal(mean, sd, (n_chains, n))
    rest = {
        name: np.full((n_chains, n), 1.0)
        for name in ("lp", "energy", "acceptance_rate", "step_size")
    }
    rest |= {"diverging": np.zeros((n_chains, n), bool), "tree_depth": np.ones((n_chains, n), int),
             "n_steps": np.ones((n_chains, n), int)}  # fmt: skip
    rest["energy"] = np.random.default_rng(1).normal(size=(n_chains, n))
    made_up = Draws({"Intercept": draws}, rest)
    return fit_from_draws(Fit, model, made_up, "stan", perf_counter()), data
