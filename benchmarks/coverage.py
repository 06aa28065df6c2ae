"""Coverage: how often a contrast's interval holds the effect that it says it is about.

Studies are simulated from known parameters: animals whose intercepts (and slopes) are drawn anew
for each, two conditions within every animal. Each is fitted once by default, and the contrast is
asked by default and for every estimand. ``python -m benchmarks.coverage --studies 200`` makes the
first table of docs/estimands.md; ``--seed`` draws other animals.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import integrate, special, stats

import winstan as ws

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES: tuple[Literal["default", "population", "typical", "these"], ...] = (
    "default",
    "population",
    "typical",
    "these",
)
VARYING = ("intercepts", "slopes")


@dataclass(frozen=True)
class Truth:
    """Parameters of the studies of a family: coefficients, sds between animals, trials a cell."""

    b0: float
    b1: float
    sd0: float
    sd1: float
    trials: int


TRUTHS = {
    "gaussian": Truth(10.0, 0.5, 1.0, 0.5, 30),
    "gamma": Truth(2.0, 0.3, 0.5, 0.3, 30),
    "poisson": Truth(1.5, 0.3, 0.5, 0.3, 30),
    "bernoulli": Truth(-0.3, 0.8, 0.8, 0.5, 30),
}


def truth_of(family: str, slope_sd: float) -> Truth:
    """Return a family's parameters, with the sd of slopes times `slope_sd` (0: all the same)."""
    return replace(TRUTHS[family], sd1=slope_sd * TRUTHS[family].sd1)


def study(family: str, n_animals: int, *, slope_sd: float, seed: int | list[int]) -> pd.DataFrame:
    """Simulate one study."""
    truth, rng = truth_of(family, slope_sd), np.random.default_rng(seed)
    mouse = np.repeat(np.arange(n_animals), 2 * truth.trials)
    x = np.tile(np.repeat([0, 1], truth.trials), n_animals)
    u = rng.normal(0, truth.sd0, n_animals)
    v = rng.normal(0, truth.sd1, n_animals)
    eta = truth.b0 + u[mouse] + (truth.b1 + v[mouse]) * x
    if family == "gaussian":
        y = rng.normal(eta, 1.0)
    elif family == "gamma":
        y = rng.gamma(4.0, np.exp(eta) / 4.0)
    elif family == "poisson":
        y = rng.poisson(np.exp(eta))
    else:
        y = rng.binomial(1, special.expit(eta))
    return pd.DataFrame({"y": y, "x": x, "mouse": [f"m{i}" for i in mouse]})


def true_effects(family: str, *, slope_sd: float) -> dict[str, float]:
    """Return the effect in the population, and that in a typical animal."""
    truth = truth_of(family, slope_sd)
    inverses: dict[str, Callable[[float], float]] = {
        "gaussian": float,
        "bernoulli": special.expit,
    }
    inverse = inverses.get(family, np.exp)

    def mean(eta: float, sd: float) -> float:
        value, _ = integrate.quad(
            lambda z: inverse(eta + sd * z) * stats.norm.pdf(z), -12, 12, epsabs=1e-10
        )
        return float(value)

    sd1 = np.hypot(truth.sd0, truth.sd1)
    typical = inverse(truth.b0 + truth.b1) - inverse(truth.b0)
    population = mean(truth.b0 + truth.b1, sd1) - mean(truth.b0, truth.sd0)
    return {"population": float(population), "typical": float(typical), "these": float(population)}


def coverage(
    family: str, n_animals: int, *, slope_sd: float, studies: int, seed: int = 0
) -> dict[str, object]:
    """Count the studies whose interval holds the effect that its table names."""
    truth = true_effects(family, slope_sd=slope_sd)
    held, named = dict.fromkeys(NAMES, 0), ""
    for number in range(studies):
        formula = f"y ~ x + ({'x' if slope_sd else '1'}|mouse)"
        data = study(family, n_animals, slope_sd=slope_sd, seed=[1000 * n_animals + number, seed])
        fit = ws.fit(formula, data, family, seed=number, silence="all", progress=False)
        for name in NAMES:
            table = fit.contrast("x", groups=None if name == "default" else name)
            row = table.iloc[0]
            named = row["groups"] if name == "default" else named
            held[name] += row["hdi_3%"] <= truth[row["groups"]] <= row["hdi_97%"]
    shares = {name: f"{count / studies:.3f}" for name, count in held.items()}
    effects = "slopes" if slope_sd else "intercepts"
    return {"family": family, "animals": n_animals, "varying": effects, "is": named} | shares


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--families", nargs="+", default=list(TRUTHS), choices=list(TRUTHS))
    parser.add_argument("--animals", type=int, nargs="+", default=[4, 8, 20])
    parser.add_argument("--varying", nargs="+", default=list(VARYING), choices=VARYING)
    parser.add_argument("--slope-sd", type=float, default=1.0, help="times that of TRUTHS")
    parser.add_argument("--seed", type=int, default=0, help="families of one seed share animals")
    arguments = parser.parse_args(argv)
    columns = ["family", "animals", "varying", "is", *NAMES]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for family, n, varying in product(arguments.families, arguments.animals, arguments.varying):
        slope_sd = arguments.slope_sd if varying == "slopes" else 0.0
        row = coverage(family, n, slope_sd=slope_sd, studies=arguments.studies, seed=arguments.seed)
        print("| " + " | ".join(str(row[column]) for column in columns) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
