"""Coverage under serial correlation: how often intervals hold the effect that was drawn with.

Trials of an animal follow each other by an autoregression, and conditions come in blocks.
``python -m benchmarks.serial_coverage --studies 200`` fits each study with ``ar(trial, mouse)`` and
without, and prints in how many the 94% interval of the effect holds it; and of the same studies, in
how many that of least squares does which knows all variances and the correlation.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy import stats

import winstan as ws

EFFECT = 1.0
FORMULAS = {
    "ar(trial, mouse)": "y ~ stim + (1|mouse) + ar(trial, mouse)",
    "independent": "y ~ stim + (1|mouse)",
}


def study(seed: int, *, animals: int = 8, trials: int = 40, rho: float = 0.8) -> pd.DataFrame:
    """Simulate one study: blocks of ten trials, on and off in turns."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(animals, trials))
    for k in range(1, trials):
        e[:, k] = rho * e[:, k - 1] + np.sqrt(1 - rho**2) * e[:, k]
    stim = np.tile((np.arange(trials) // 10) % 2, (animals, 1))
    y = 10 + rng.normal(size=(animals, 1)) + EFFECT * stim + e
    mouse = np.repeat([f"m{i}" for i in range(animals)], trials)
    trial = np.tile(np.arange(trials), animals)
    return pd.DataFrame({"y": y.ravel(), "stim": stim.ravel(), "mouse": mouse, "trial": trial})


def coverage(formula: str, studies: int, seed: int = 0) -> float:
    """Return the share of studies whose interval holds the effect."""
    held = 0
    for k in range(studies):
        fit = ws.fit(formula, study(seed + k), seed=k, chains=2, silence="all")
        row = fit.contrast("stim").iloc[0]
        held += bool(row["hdi_3%"] < EFFECT < row["hdi_97%"])
    return held / studies


def known(studies: int, seed: int = 0) -> float:
    """Return the share held where the numbers of `study` are known: what chance did to the data."""
    y = np.array([study(seed + k)["y"].to_numpy().reshape(8, -1) for k in range(studies)])
    place = np.arange(y.shape[2])
    X = np.column_stack([np.ones(place.size), (place // 10) % 2])
    weighed = np.linalg.solve(1 + 0.8 ** np.abs(place[:, None] - place), X)
    covariance = np.linalg.inv(8 * X.T @ weighed)
    found = y.sum(axis=1) @ weighed @ covariance[1]
    width = stats.norm.ppf(0.97) * np.sqrt(covariance[1, 1])
    return float(np.mean(np.abs(found - EFFECT) < width))


def main() -> None:
    """Print a line for each formula."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", choices=FORMULAS, default=None)
    options = parser.parse_args()
    share = known(options.studies, options.seed)
    print(f"all but the effect known: {share:.1%} of {options.studies} studies", flush=True)
    for name, formula in FORMULAS.items():
        if options.model in (None, name):
            share = coverage(formula, options.studies, options.seed)
            print(f"{name}: {share:.1%} of {options.studies} studies", flush=True)


if __name__ == "__main__":
    main()
