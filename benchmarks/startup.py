"""What is waited for before the first fit: the import, and the compilers in an empty cache."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter

from benchmarks.rowwise import compiled_by_default


def import_seconds() -> float:
    """Time `import winstan` in new processes; the median, in seconds."""
    return statistics.median(import_times())


def import_times(repeats: int = 5) -> list[float]:
    """Time `import winstan` in new processes, in seconds each."""
    code = "import time; t = time.perf_counter(); import winstan; print(time.perf_counter() - t)"
    return [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]


def cold_seconds() -> float:
    """Time the build of driver and one template in an empty cache folder, in seconds."""
    with tempfile.TemporaryDirectory() as cache:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "winstan", "prepare", "gamma"],
            env={**os.environ, "WINSTAN_CACHE": cache},
            check=True,
            capture_output=True,
        )
        return perf_counter() - start


def prepare() -> None:
    """Compile what is compiled once per machine and so is in no row of the table.

    winstan's templates, and the driver of the row-wise programs, which have flags of their own.
    """
    subprocess.run([sys.executable, "-m", "winstan", "prepare"], check=True, capture_output=True)
    compiled_by_default("parameters { real x; } model { x ~ std_normal(); }")
