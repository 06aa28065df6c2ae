"""Designs beside those that the goals were set for: other families, sizes, shapes of groups.

Their goals are those of their kind: 100 times the best peer's ESS/s where cells hold twenty rows or
more on average, 25 in gaussian models with one grouping factor, 10 elsewhere.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.design import Design


def crossed(n_rows: int = 200_000, seed: int = 6) -> pd.DataFrame:
    """Simulate ratings whose two grouping factors are crossed at random, 300 and 200 levels."""
    rng = np.random.default_rng(seed)
    sizes = 300, 200
    a, b = (rng.integers(0, size, n_rows) for size in sizes)
    x = rng.integers(0, 2, n_rows)
    y = 3 + 0.1 * x + rng.normal(0, 0.4, sizes[0])[a] + rng.normal(0, 0.6, sizes[1])[b]
    y += rng.normal(0, 1.2, n_rows)
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b}).astype({"a": str, "b": str})


def litters(n_groups: int = 400, seed: int = 7) -> pd.DataFrame:
    """Simulate successes of some trials: three rows in each litter, and a number for each row."""
    rng = np.random.default_rng(seed)
    litter = np.repeat(np.arange(n_groups), 3)
    dose = rng.uniform(0, 2, litter.size)
    size = rng.integers(4, 15, litter.size)
    eta = -1 + 0.7 * dose + rng.normal(0, 0.8, n_groups)[litter]
    alive = rng.binomial(size, 1 / (1 + np.exp(-eta)))
    table = pd.DataFrame({"alive": alive, "size": size, "dose": dose, "litter": litter})
    return table.astype({"litter": str})


def neurons() -> pd.DataFrame:
    """Simulate overdispersed counts of 30 neurons of six mice under five conditions."""
    return ws.simulate_spikes(
        n_mice=6,
        n_neurons=5,
        n_trials=100,
        conditions=("rest", "low", "middle", "high", "out"),
        seed=8,
    )


def time_histogram(seed: int = 11) -> pd.DataFrame:
    """Simulate counts in 200 bins of 40 mice in two conditions, each mouse with its own curve."""
    rng = np.random.default_rng(seed)
    t, n_mice = np.linspace(-0.5, 1.5, 200), 40
    shape = np.exp(-0.5 * ((t - 0.35) / 0.18) ** 2)
    level, height, ramp = (rng.normal(0, sd, n_mice) for sd in (0.35, 0.25, 0.15))
    parts = []
    for m in range(n_mice):
        for cond, gain in (("sham", 0.6), ("stim", 1.3)):
            eta = np.log(2.5) + level[m] + (gain + height[m]) * shape + ramp[m] * t
            own = {"t": t, "cond": cond, "mouse": f"m{m:02d}", "count": rng.poisson(np.exp(eta))}
            parts.append(pd.DataFrame(own))
    return pd.concat(parts, ignore_index=True)


OTHERS = (
    Design(
        "orthodont",
        "Orthodont, correlated slopes",
        "distance ~ age * Sex + (age|Subject)",
        "gaussian",
        partial(ws.load, "Orthodont"),
        25,
        nearest="distance ~ age * Sex + (age||Subject)",
    ),
    Design(
        "chickweight",
        "ChickWeight, correlated slopes",
        "weight ~ Time * Diet + (Time|Chick)",
        "gaussian",
        partial(ws.load, "ChickWeight"),
        25,
        nearest="weight ~ Time * Diet + (Time||Chick)",
    ),
    Design(
        "machines",
        "Machines, three effects of six workers",
        "score ~ Machine + (Machine|Worker)",
        "gaussian",
        partial(ws.load, "Machines"),
        25,
        nearest="score ~ Machine + (Machine||Worker)",
    ),
    Design(
        "oats",
        "Oats, a split plot",
        "Yield ~ nitro + Variety + (1|Block/Variety)",
        "gaussian",
        partial(ws.load, "Oats"),
        10,
    ),
    Design(
        "crossed",
        "200,000 rows, crossed at random",
        "y ~ x + (1|a) + (1|b)",
        "gaussian",
        crossed,
        10,
        budget=150.0,
    ),
    Design(
        "radon-t",
        "ARM radon, Student's t",
        "log_radon ~ first_floor + uranium + (1|county)",
        "student",
        partial(ws.load, "radon"),
        10,
    ),
    Design(
        "trials-lognormal",
        "LFP, lognormal, slopes, 32,000 rows",
        "Power ~ stim + (stim|mouse)",
        "lognormal",
        partial(ws.simulate_lfp, 20, 800, seed=9),
        100,
        nearest="Power ~ stim + (stim||mouse)",
    ),
    Design(
        "trials-gamma",
        "LFP, gamma, slopes, 16,000 rows",
        "Power ~ stim + (stim|mouse)",
        "gamma",
        partial(ws.simulate_lfp, 20, 400, seed=10),
        100,
        nearest="Power ~ stim + (stim||mouse)",
    ),
    Design(
        "neurons",
        "overdispersed counts, five conditions",
        "count ~ condition + (1|mouse) + (1|neuron)",
        "negative_binomial",
        neurons,
        100,
    ),
    Design(
        "epilepsy",
        "epilepsy, overdispersed counts",
        "y ~ trt * lbase + (1|subject)",
        "negative_binomial",
        partial(ws.load, "epilepsy"),
        10,
    ),
    Design(
        "ohio",
        "ohio, 2,148 binary rows",
        "resp ~ smoke + age + (1|id)",
        "bernoulli",
        partial(ws.load, "ohio"),
        10,
    ),
    Design(
        "litters",
        "400 litters, binomial",
        "p(alive, size) ~ dose + (1|litter)",
        "binomial",
        litters,
        10,
    ),
    Design(
        "histogram",
        "a peri-stimulus histogram, curves of 40 mice",
        "count ~ cond + s(t, by=cond) + s(t, mouse, bs='fs')",
        "poisson",
        time_histogram,
        25,
        nearest="count ~ cond * t + (t||mouse)",
        by_smaller=True,
        budget=600.0,
    ),
)
