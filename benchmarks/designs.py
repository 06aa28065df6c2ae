"""The designs that are timed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.design import Design
from benchmarks.family_designs import FAMILY_DESIGNS
from benchmarks.other_designs import OTHERS


def lfp(n_trials: int) -> pd.DataFrame:
    """Simulate trials of eight mice, `n_trials` in each of two conditions."""
    return ws.simulate_lfp(n_trials=n_trials, seed=1)


def resampled_lfp(n_rows: int, seed: int = 2) -> pd.DataFrame:
    """Draw rows with replacement from 480,000 simulated trials, which keeps the marginals."""
    trials = lfp(30_000)
    rows = np.random.default_rng(seed).integers(len(trials), size=n_rows)
    return trials.iloc[rows].reset_index(drop=True)


def regression(n_rows: int = 100_000, n_predictors: int = 20, seed: int = 3) -> pd.DataFrame:
    """Simulate a linear regression whose predictors are normal with neighbours' correlation 0.5."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_predictors))
    for k in range(1, n_predictors):
        X[:, k] = 0.5 * X[:, k - 1] + np.sqrt(0.75) * X[:, k]
    slopes = rng.normal(0, 0.5, n_predictors)
    data = pd.DataFrame(X, columns=[f"x{k}" for k in range(1, n_predictors + 1)])
    return data.assign(y=10 + X @ slopes + 2 * rng.standard_normal(n_rows))


def spikes(n_conditions: int = 40, seed: int = 4) -> pd.DataFrame:
    """Simulate Poisson counts of 24 neurons, 20 trials in each condition: 19,200 rows."""
    effects = 0.8 * np.sin(np.linspace(0, 2 * np.pi, n_conditions, endpoint=False))
    return ws.simulate_spikes(
        n_mice=4,
        n_neurons=6,
        n_trials=20,
        conditions={f"c{k:02d}": effect for k, effect in enumerate(effects)},
        seed=seed,
        dispersion=None,
        mouse_slope_sd=0.0,
        neuron_slope_sd=0.0,
    )


def verbal_aggression() -> pd.DataFrame:
    """Read the answers of VerbAgg, as 0 and 1."""
    answers = ws.load("VerbAgg")
    return answers.assign(yes=(answers["r2"] == "Y").astype(int)).drop(columns="r2")


_LFP = "Power ~ stim + (1|mouse)"

_MAIN = (
    Design("lfp", "LFP, 480 rows", _LFP, "gamma", partial(lfp, 30), 300, budget=150.0),
    Design("lfp-75k", "LFP, 75,008 rows", _LFP, "gamma", partial(lfp, 4688), 100),
    Design("lfp-480k", "LFP, 480,000 rows", _LFP, "gamma", partial(lfp, 30_000), 100),
    Design(
        "lfp-5m",
        "LFP, 5,000,000 rows",
        _LFP,
        "gamma",
        partial(resampled_lfp, 5_000_000),
        100,
        budget=75.0,
    ),
    Design(
        "sleepstudy",
        "sleepstudy, correlated slopes",
        "Reaction ~ Days + (Days|Subject)",
        "gaussian",
        partial(ws.load, "sleepstudy"),
        25,
        nearest="Reaction ~ Days + (Days||Subject)",
    ),
    Design(
        "penicillin",
        "Penicillin, crossed",
        "diameter ~ 1 + (1|plate) + (1|sample)",
        "gaussian",
        partial(ws.load, "Penicillin"),
        10,
    ),
    Design(
        "pastes",
        "Pastes, nested",
        "strength ~ 1 + (1|batch/cask)",
        "gaussian",
        partial(ws.load, "Pastes"),
        10,
    ),
    Design(
        "cbpp",
        "cbpp, binomial",
        "p(incidence, size) ~ period + (1|herd)",
        "binomial",
        partial(ws.load, "cbpp"),
        10,
    ),
    Design(
        "grouseticks",
        "grouseticks, three group terms",
        "TICKS ~ YEAR + cHEIGHT + (1|BROOD) + (1|INDEX) + (1|LOCATION)",
        "poisson",
        partial(ws.load, "grouseticks"),
        10,
    ),
    Design(
        "verbagg",
        "VerbAgg, 7,584 binary rows, crossed",
        "yes ~ Anger + Gender + btype + situ + (1|id) + (1|item)",
        "bernoulli",
        verbal_aggression,
        10,
        budget=240.0,
    ),
    Design(
        "radon",
        "ARM radon, 919 homes, 85 counties",
        "log_radon ~ first_floor + uranium + (1|county)",
        "gaussian",
        partial(ws.load, "radon"),
        25,
    ),
    Design(
        "regression",
        "20 predictors, 100,000 rows",
        "y ~ " + " + ".join(f"x{k}" for k in range(1, 21)),
        "gaussian",
        regression,
        10,
    ),
    Design(
        "insteval",
        "InstEval, 2,972 and 1,128 crossed levels",
        "y ~ service + (1|s) + (1|d)",
        "gaussian",
        partial(ws.load, "InstEval"),
        10,
        budget=300.0,
    ),
    Design(
        "spikes",
        "spike counts, 40 conditions",
        "count ~ condition + (1|mouse) + (1|neuron)",
        "poisson",
        spikes,
        100,
        budget=160.0,
    ),
)

MAIN = {design.name: design for design in _MAIN}
"""Those that the goals were set for, by name, in the order of the table."""
SETS = {
    "main": tuple(MAIN),
    "others": tuple(design.name for design in OTHERS),
    "families": tuple(design.name for design in FAMILY_DESIGNS),
}
"""Names of designs that are run together."""
DESIGNS = {design.name: design for design in (*_MAIN, *OTHERS, *FAMILY_DESIGNS)}
"""All: the main ones, those beside them, and one of each family that bambi has too."""
