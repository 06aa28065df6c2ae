"""Rows of a parquet file grouped by winstan, beside the same two passes in DuckDB alone.

``python -m benchmarks.grouping 2e7 1e8`` makes files of so many rows (four keys, one of a thousand
levels, and a positive response; 10 bytes a row), and times both, each in a process of its own: the
data read, counted, grouped and sampled as `winstan.fit` has it of a gamma model, and the moments of
y and log y that it needs, by hand. Sampling is left out: it does not depend on the rows.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

MOST, LARGEST = 1.3, 1024  # times the engine's own time; MiB
REPEATS = 3  # in turn, and the shortest of each: one alone says more of what else runs
KEYS = "unit, stim, light, drug"
FORMULA = "power ~ stim * light + drug + (1|unit)"

ROWS = """
COPY (
  SELECT 'unit' || lpad((hash(i) % 1000)::VARCHAR, 4, '0') AS unit,
    (hash(i + 7) % 2)::INTEGER AS stim, hash(i + 13) % 2 = 0 AS light,
    ['a', 'b'][1 + (hash(i + 29) % 2)::INT] AS drug,
    exp(2 + 0.3 * (hash(i + 7) % 2)
      + 0.8 * sqrt(-2 * ln(random() + 1e-12)) * cos(2 * pi() * random())) AS power
  FROM range({n}) rows(i)
) TO '{path}' (FORMAT parquet)
"""
OWN = f"""
SELECT {KEYS}, count(*) AS n, favg(power) AS y, favg(ln(power)) AS l FROM '{{path}}' GROUP BY ALL
"""
REST = f"""
SELECT {KEYS}, fsum(power - y), fsum((power - y) * (power - y)), fsum(ln(power) - l),
  fsum((ln(power) - l) * (ln(power) - l))
FROM '{{path}}' JOIN own USING ({KEYS}) GROUP BY {KEYS}
"""


def by_winstan(path: str) -> None:
    from winstan.building import model_and_frame  # noqa: PLC0415 - timed apart
    from winstan.engines import enter  # noqa: PLC0415

    model_and_frame(FORMULA, enter(path), "gamma", {})


def by_duckdb(path: str) -> None:
    connection = duckdb.connect(config={"memory_limit": "1GB"})
    connection.execute("SET enable_progress_bar = false")
    own = connection.sql(OWN.format(path=path)).df()
    assert len(connection.sql(REST.format(path=path)).df()) == len(own)


def main(sizes: list[str]) -> None:
    for size in sizes:
        n = int(float(size))
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "rows.parquet")
            duckdb.connect().execute(ROWS.format(n=n, path=path))
            took: dict[str, float] = {}
            for _ in range(REPEATS):
                for who in ("by_duckdb", "by_winstan"):
                    seconds, memory = measured(who, path)
                    took[who] = min(seconds, took.get(who, seconds))
                    print(
                        f"{n:>13,} rows, {who:<11} {seconds:7.2f} s {memory:6.0f} MiB", flush=True
                    )
            print(f"{took['by_winstan'] / took['by_duckdb']:.2f} times (at most {MOST})")


def measured(who: str, path: str) -> tuple[float, float]:
    code = f"from benchmarks import grouping; grouping.timed({who!r}, {path!r})"
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.splitlines()[-1]
    seconds, memory = map(float, out.split())
    return seconds, memory


def timed(who: str, path: str) -> None:
    import winstan.building  # noqa: F401, PLC0415 - imports are not the rows'

    start = time.perf_counter()
    globals()[who](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - start, peak)


if __name__ == "__main__":
    main(sys.argv[1:] or ["2e7"])
