"""How many default fits diverge: Student's t without groups, and crossed intercepts of few levels.

    python -m benchmarks.plain_divergences student --seeds 200
    python -m benchmarks.plain_divergences crossed --family poisson --seeds 120

Student's t: 96 rows in two conditions, whose noise has 2.5, 4, 8 or 30 degrees of freedom, or is
normal. Crossed: three to seven levels by three to seven, one to four rows in each, the sds of both
half normal (a fifth of the sets have a tenth of that).
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd

import winstan as ws

FAMILIES = "gamma", "poisson", "student"
NUS = 2.5, 4.0, 8.0, 30.0, np.inf


def student_rows(seed: int) -> pd.DataFrame:
    """Simulate y and x, without groups."""
    rng = np.random.default_rng(seed)
    x, nu = np.tile([0.0, 1.0], 48), NUS[seed % len(NUS)]
    noise = rng.standard_t(nu, x.size) if np.isfinite(nu) else rng.normal(size=x.size)
    return pd.DataFrame({"x": x, "y": 10 + 0.5 * x + noise})


def crossed_rows(family: str, seed: int) -> pd.DataFrame:
    """Simulate y, x and the crossed factors a and b."""
    rng = np.random.default_rng((seed, FAMILIES.index(family)))
    levels = rng.integers(3, 8, 2)
    rows = int(rng.integers(1, 5))
    a, b = (np.repeat(v.ravel(), rows) for v in np.meshgrid(*map(np.arange, levels)))
    n = a.size
    x = rng.normal(size=n)
    sd = np.abs(rng.normal(size=2)) * (1.0 if rng.random() < 0.8 else 0.1)
    effects = [s * rng.normal(size=J) for s, J in zip(sd, levels, strict=True)]
    eta = 1 + 0.5 * rng.normal() * x + effects[0][a] + effects[1][b]
    shape = np.exp(rng.normal(1, 1))
    y = {
        "poisson": lambda: rng.poisson(np.exp(np.minimum(eta, 12))),
        "gamma": lambda: rng.gamma(shape, np.exp(eta) / shape) + 1e-12,
        "student": lambda: eta + rng.standard_t(max(2, rng.gamma(2, 10)), n),
    }[family]()
    return pd.DataFrame({"y": y, "x": x, "a": a.astype(str), "b": b.astype(str)})


def diverging(formula: str, data: pd.DataFrame, family: str, seed: int) -> int:
    """Count divergences of a fit at the default settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few groups, and of what is counted here
        fit = ws.fit(formula, data, family, seed=seed, cores=1, progress=False, silence="all")
    return int(fit.draws["sample_stats"]["diverging"].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("student", "crossed"))
    parser.add_argument("--family", choices=FAMILIES, default="poisson", help="of crossed ones")
    parser.add_argument("--seeds", type=int, default=200)
    arguments = parser.parse_args()
    found = {}
    for seed in range(arguments.seeds):
        if arguments.kind == "student":
            found[seed] = diverging("y ~ x", student_rows(seed), "student", seed)
        else:
            data = crossed_rows(arguments.family, seed)
            found[seed] = diverging("y ~ x + (1|a) + (1|b)", data, arguments.family, seed)
    some = {seed: n for seed, n in found.items() if n}
    print(f"{len(some)} of {len(found)} fits have divergences: {some}")


if __name__ == "__main__":
    main()
