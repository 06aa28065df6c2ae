"""Many fits in one process: `make soak`. Neither memory, files, processes nor threads may grow.

Fits of several families and structures follow one another. What the process holds is taken after a
fifth of them, by when all is imported and cached, and at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import winstan as ws

MEGABYTE = 2**20
# A fit's own draws may be in memory when another's are measured.
ROOM = 24.0
MODELS = (
    ("y ~ x + (1|g)", "gaussian"),
    ("y ~ x", "gamma"),
    ("n ~ x + (x|g)", "poisson"),
    ("y ~ x + (1|g)", "student"),
)


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds: memory in MB, and numbers of the others."""

    memory: float
    files: int
    processes: int
    threads: int
    folders: int


def held() -> Held:
    """Measure it; on Linux, where /proc says so."""
    gc.collect()
    own = Path("/proc/self")
    pages = int((own / "statm").read_text().split()[1])
    children = [
        child
        for task in (own / "task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return Held(
        memory=pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE,
        files=len(list((own / "fd").iterdir())),
        processes=len(children),
        threads=threading.active_count(),
        folders=len(list(Path(tempfile.gettempdir()).glob("winstan-*"))),
    )


def data_of(seed: int) -> pd.DataFrame:
    """Thirty rows of six groups."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=30), np.repeat(list("abcdef"), 5)
    y = np.exp(1 + 0.2 * x + 0.4 * rng.normal(size=30))
    return pd.DataFrame({"x": x, "g": g, "y": y, "n": rng.poisson(y)})


def fit_one(i: int) -> None:
    """Fit the i-th model, and ask it what one asks of a fit."""
    formula, family = MODELS[i % len(MODELS)]
    fit = ws.fit(formula, data_of(i), family=family, seed=i + 1, chains=2, draws=200, silence="all")
    fit.contrast("x")


def soak(n: int, *, told: bool = False) -> tuple[Held, Held]:
    """Fit n times; return what was held after a fifth of that, and at the end."""
    first = max(1, n // 5)
    early = held()
    for i in range(n):
        fit_one(i)
        if i + 1 == first:
            early = held()
        if told and (i + 1) % max(1, n // 10) == 0:
            print(f"{i + 1:>6} fits: {held()}", flush=True)
    return early, held()


def grown(early: Held, late: Held) -> list[str]:
    """Name what has grown."""
    out = [f"memory by {late.memory - early.memory:.0f} MB"] * (late.memory > early.memory + ROOM)
    for name in ("files", "processes", "threads", "folders"):
        more = getattr(late, name) - getattr(early, name)
        out += [f"{name} by {more}"] * (more > 0)
    return out


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 where something has grown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--fits", type=int, default=1000)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ws.ConvergenceWarning)  # few draws, for speed
    early, late = soak(options.fits, told=True)
    wrong = grown(early, late)
    print("Grown: " + ", ".join(wrong) if wrong else f"Nothing grew in {options.fits} fits.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
