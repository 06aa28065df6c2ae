"""The wheel's first fit of each family beside its second, where there is no compiler.

    make wheel
    python -m venv out/wheel && out/wheel/bin/pip install dist/winstan-*.whl
    python -m benchmarks.first_fit out/wheel/bin/python

Every family has a process and an empty cache of its own. The goal is less than 2 s between the two.
Exit code 1 if a family misses it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import markdown, number
from winstan import families

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL = 2.0
"""Seconds that the first fit may take beyond the second."""
RESPONSES = {
    "unordered": "side",
    "real": "Power",
    "positive": "Power",
    "nonnegative": "Power",
    "unit": "share",
    "proportion": "part",
    "count": "n",
    "binary": "hit",
    "successes": "p(hits, of)",
    "circular": "phase",
    "ordered": "score",
}
FAMILIES = {name: RESPONSES[family.kind] for name, family in families.FAMILIES.items()}
_PROGRAM = """
import json, shutil, sys
from time import perf_counter
import numpy as np
import winstan as ws
assert not shutil.which("g++") and not shutil.which("clang++")
rng = np.random.default_rng(5)
data = ws.simulate_lfp(seed=5)
group = np.unique(data["mouse"], return_inverse=True)[1] / 2 - 1.5
data["n"] = rng.poisson(np.exp(2 + group) * rng.gamma(5, 1 / 5, len(data)))
data["side"] = np.array(["left", "right", "none"])[rng.integers(0, 3, len(data))]
data["hit"] = rng.binomial(1, 1 / (1 + np.exp(-group)))
data["phase"] = rng.vonmises(group, 4)
data["score"] = 1 + np.searchsorted([-1, 0, 1], group + rng.logistic(size=len(data)))
data["share"] = rng.beta(3 * np.exp(group), 3)
data["part"] = np.clip((data["share"] - 0.2) / 0.7, 0, 1)
data["hits"], data["of"] = rng.binomial(9, 1 / (1 + np.exp(-group))), 9
took = []
for seed in (1, 2):
    start = perf_counter()
    ws.fit(f"{sys.argv[2]} ~ stim + (1|mouse)", data, sys.argv[1], seed=seed, progress=False)
    took.append(perf_counter() - start)
print(json.dumps(took))
"""


def seconds(python: Path, family: str, response: str) -> tuple[float, float]:
    """Time the first and the second fit of a new process, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-W", "ignore", "-c", _PROGRAM, family, response],
            cwd=folder,
            env={"PATH": os.fspath(python.parent), "HOME": folder, "WINSTAN_CACHE": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    first, second = json.loads(done.stdout)
    return first, second


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", type=Path, help="of the environment that has the wheel")
    python = parser.parse_args(argv).python.absolute()
    rows, missed = [], []
    for family, response in FAMILIES.items():
        first, second = seconds(python, family, response)
        if first - second >= GOAL:
            missed.append(family)
        rows.append([family, number(first), number(second), number(first - second)])
    print(markdown(["family", "first, s", "second, s", "difference, s"], rows))
    if missed:
        print(f"more than {GOAL:g} s: {', '.join(missed)}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
