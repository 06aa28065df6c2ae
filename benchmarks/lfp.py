"""winstan beside a row-wise, non-centred Stan model of the same posterior, on the LFP example.

    make bench

One run, one machine, one process after the other: 4 chains of 1000 + 1000, warm (programs compiled,
modules imported), median of several fits. ESS is the smallest bulk ESS over the parameters and the
group effects. Also: the time of `import winstan`, and of the cold start in an empty cache folder
(driver and one template), with ``--cold``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr

import winstan as ws
from winstan.toolchain import build, sample

ROWWISE = Path(__file__).with_name("rowwise_gamma.stan")
FORMULA = "Power ~ stim + (1|mouse)"


def winstan_run(data: pd.DataFrame, seed: int) -> tuple[float, float, pd.Series]:
    """Wall time of `ws.fit`, smallest ESS, and means."""
    start = perf_counter()
    fit = ws.fit(FORMULA, data, family="gamma", seed=seed, progress=False)
    wall = perf_counter() - start
    table = fit.summary()
    return wall, table["ess_bulk"].min(), table["mean"]


def rowwise_run(data: pd.DataFrame, seed: int) -> tuple[float, float, pd.Series]:
    """Run the row-wise model; the wall time is that of writing, sampling and reading."""
    priors = ws.fit(FORMULA, data, family="gamma", seed=1, progress=False).priors.table
    codes, levels = pd.factorize(data["mouse"], sort=True)
    stan_data = {
        "N": len(data),
        "J": len(levels),
        "y": data["Power"].to_numpy(),
        "X": data[["stim"]].to_numpy(float),
        "g": codes + 1,
        "intercept_prior": list(priors["Intercept"].numbers),
        "slope_prior": list(priors["stim"].numbers),
        "sd_rate": priors["1|mouse_sigma"].numbers[0],
    }
    exe = build(ROWWISE)
    start = perf_counter()
    raw = sample(exe, stan_data, seed=seed, progress=False)
    wall = perf_counter() - start
    names = {"b.1": "stim", "sd_g": "1|mouse_sigma", "alpha": "alpha"} | {
        f"u.{j + 1}": f"1|mouse[{level}]" for j, level in enumerate(levels)
    }
    columns = {new: raw.values[..., raw.columns.index(old)] for old, new in names.items()}
    intercept = raw.values[..., raw.columns.index("Intercept")]
    columns["Intercept"] = intercept - columns["stim"] * data["stim"].mean()
    posterior = xr.Dataset({name: (("chain", "draw"), v) for name, v in columns.items()})
    tree = xr.DataTree.from_dict({"posterior": posterior})
    table = arviz_stats.summary(tree, round_to="none")
    return wall, table["ess_bulk"].min(), table["mean"]


def measured(run, data: pd.DataFrame, repeats: int) -> tuple[float, float, pd.Series]:
    run(data, 100)  # warm
    runs = [run(data, seed) for seed in range(repeats)]
    wall = statistics.median(r[0] for r in runs)
    rate = statistics.median(r[1] / r[0] for r in runs)
    return wall, rate, runs[0][2]


def import_seconds() -> float:
    code = "import time; t = time.perf_counter(); import winstan; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    return statistics.median(runs)


def cold_seconds() -> float:
    """Driver and one template, in an empty cache folder."""
    with tempfile.TemporaryDirectory() as cache:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "winstan", "prepare", "gamma"],
            env={**os.environ, "WINSTAN_CACHE": cache},
            check=True,
            capture_output=True,
        )
        return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="time the compilers, too")
    arguments = parser.parse_args()

    small = ws.simulate_lfp(n_trials=30, seed=1)
    large = ws.simulate_lfp(n_trials=30_000, seed=1)
    rows = {
        "winstan, 480 rows": measured(winstan_run, small, arguments.repeats),
        "row-wise Stan, 480 rows": measured(rowwise_run, small, max(1, arguments.repeats // 2)),
        "winstan, 480,000 rows": measured(winstan_run, large, arguments.repeats),
    }
    table = pd.DataFrame(
        {name: {"wall s": wall, "min bulk ESS/s": rate} for name, (wall, rate, _) in rows.items()}
    ).T
    print(table.to_string(float_format=lambda x: f"{x:,.2f}"))
    ours, rowwise, big = rows.values()
    print(f"\nESS/s, winstan over row-wise: {ours[1] / rowwise[1]:,.0f}")
    print(f"wall, 480,000 rows over 480: {big[0] / ours[0]:.2f}")
    gap = (ours[2] - rowwise[2]).abs().max()
    print(f"largest difference of posterior means, winstan and row-wise: {gap:.3f}")
    print(f"import winstan: {import_seconds():.2f} s")
    if arguments.cold:
        print(f"cold start (driver and one template): {cold_seconds():.0f} s")
    if not np.isfinite(gap):
        sys.exit("a posterior mean is missing")


if __name__ == "__main__":
    main()
