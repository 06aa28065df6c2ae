"""What others do about predictors, in programs of generalised linear models.

    python -m benchmarks.alternatives

A poisson model of 2,000 rows, ten predictors of different scales whose neighbours have correlation
0.9, and 20 groups; and the benchmark's gaussian regression. `poisson_log_glm` and `normal_id_glm`
take all rows at each gradient; their predictors are centred, standardised, or made orthogonal by a
QR decomposition (Stan User's Guide, section 1.2). Beside them, `ws.fit`: cells, predictors and
group effects decorrelated together, gaussian coefficients integrated out. The programs, compiled
with winstan's flags, make four chains of 1000 draws after as many of warm-up; the gaussian ones of
200.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.design import Design
from benchmarks.designs import DESIGNS
from benchmarks.engine import Sample
from benchmarks.engines import ENGINES, PEER_ACCEPT
from benchmarks.measures import FitRecord, judged
from benchmarks.table import markdown, number
from winstan.toolchain import build, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

_POISSON = """
data {
  int N, K, J;
  array[N] int y, g;
  matrix[N, K] X;
  vector[K] scale;
}
parameters {
  real a;
  vector[K] b;
  real<lower=0> sd;
  vector[J] z;
}
model {
  a ~ normal(1, 2.5);
  b ~ normal(0, scale);
  sd ~ normal(0, 1);
  z ~ std_normal();
  y ~ poisson_log_glm(X, a + (sd * z)[g], b);
}
"""
_NORMAL = """
data {
  int N, K;
  vector[N] y;
  matrix[N, K] X;
  vector[K] scale;
}
parameters {
  real a;
  vector[K] b;
  real<lower=0> sigma;
}
model {
  a ~ normal(10, 10);
  b ~ normal(0, scale);
  sigma ~ normal(0, 5);
  y ~ normal_id_glm(X, a, b, sigma);
}
"""


def main() -> None:
    counts, regression = correlated_counts(), DESIGNS["regression"]
    X = counts.filter(like="x").to_numpy()
    groups = {"J": 20, "g": counts["g"].to_numpy() + 1}
    lines = [
        _line("poisson_log_glm", name, glm(_POISSON, counts["y"], V, back, groups))
        for name, V, back in coordinates(X)
    ]
    formula = "y ~ " + " + ".join(f"x{k}" for k in range(10)) + " + (1|g)"
    lines.append(_line("ws.fit", "", own(Design("", "", formula, "poisson", lambda: counts, 1))))
    data = regression.data()
    X = data.filter(like="x").to_numpy()
    lines += [
        _line("normal_id_glm", name, glm(_NORMAL, data["y"], V, back, {}, iterations=200))
        for name, V, back in coordinates(X)
    ]
    lines.append(_line("ws.fit", "", own(regression)))
    print(markdown(["program", "predictors", "s", "bulk ESS", "bulk ESS/s", "gradients"], lines))


def correlated_counts(seed: int = 5) -> pd.DataFrame:
    """Simulate counts of 20 groups, with ten predictors of different scales."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2_000, 10))
    for k in range(1, 10):
        X[:, k] = 0.9 * X[:, k - 1] + np.sqrt(1 - 0.9**2) * X[:, k]
    g = rng.integers(0, 20, len(X))
    mean = np.exp(1 + X @ rng.normal(0, 0.2, 10) + rng.normal(0, 0.4, 20)[g])
    table = pd.DataFrame(X * 10.0 ** rng.uniform(-1, 1, 10)).add_prefix("x")
    return table.assign(g=g, y=rng.poisson(mean))


def coordinates(X: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give predictors to sample with, and what takes their coefficients back to those of X."""
    centred = X - X.mean(axis=0)
    sd = centred.std(axis=0)
    yield "centred", centred, np.eye(len(sd))
    yield "standardised", centred / sd, np.diag(1 / sd)
    Q, R = np.linalg.qr(centred)
    yield "QR", Q * np.sqrt(len(X)), np.linalg.inv(R) * np.sqrt(len(X))


def glm(
    program: str,
    y: pd.Series,
    X: np.ndarray,
    back: np.ndarray,
    more: dict[str, Any],
    *,
    iterations: int = 1000,
) -> FitRecord:
    """Compile and sample a program; the coefficients judged are those of the predictors given."""
    data = {"N": len(y), "K": X.shape[1], "y": y.to_numpy(), "X": X, **more}
    # Wide in every coordinate, so that the posteriors are alike
    data["scale"] = 2.5 / X.std(axis=0)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "glm.stan"
        source.write_text(program, encoding="utf-8")
        exe = build(source)
        start = perf_counter()
        raw = sample(
            exe, data, seed=1, warmup=iterations, draws=iterations,
            target_accept=PEER_ACCEPT, progress=False,
        )  # fmt: skip
        wall = perf_counter() - start
    is_slope = np.array([column.startswith("b") for column in raw.columns])
    posterior = {"rest": raw.values[..., ~is_slope], "b": raw.values[..., is_slope] @ back.T}
    return judged(Sample(posterior, raw.sampler["n_leapfrog__"]), wall)[0]


def own(design: Design) -> FitRecord:
    """Fit by `ws.fit`, the second time of two."""
    runner = ENGINES["winstan"].prepare(design, design.data())
    runner.fit(1)
    start = perf_counter()
    fit = runner.fit(2)
    wall = perf_counter() - start
    return judged(runner.draws(fit), wall)[0]


def _line(program: str, name: str, fit: FitRecord) -> list[str]:
    numbers = (fit.wall, fit.bulk, fit.bulk / fit.wall, fit.steps)
    return [program, name, *map(number, numbers)]


if __name__ == "__main__":
    main()
