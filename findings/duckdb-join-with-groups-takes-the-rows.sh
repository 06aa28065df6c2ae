#!/usr/bin/env bash
# DuckDB 2.0.1: rows joined with two means of their own 4,000 groups; the hash table is made of the rows.
#
# With one mean a group, or with the groups in a table first, the hash table is made of the groups.
# It guesses that groups by two columns of text are as many as the rows, whatever there are, and then
# takes the side with the narrower rows: with two means, the 20,000,000 rows. The answer is the same.
#
# Seen:
#   duckdb 2.0.1
#   one mean, in one query: 120 MiB, 1.6 s of processor time
#   two means, the groups in a table first: 121 MiB, 2.1 s of processor time
#   two means, in one query: 1,905 MiB, 7.4 s of processor time
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q duckdb==2.0.1
cat > "$folder/case.py" <<'CASE'
import resource
import subprocess
import sys
import time

import duckdb

ROWS = f"'{sys.argv[1]}/rows.parquet'"
KEYS = "a, b, c"


def squares(means, in_a_table):
    connection = duckdb.connect(config={"threads": 2})
    groups = f"SELECT {KEYS}, {', '.join(means)} FROM {ROWS} GROUP BY {KEYS}"
    if in_a_table:
        connection.execute(f"CREATE TEMP TABLE groups AS {groups}")
        groups = "FROM groups"
    rests = ["y - m", "ln(y) - l"][: len(means)]
    sums = ", ".join(f"sum(({rest}) * ({rest}))" for rest in rests)
    query = f"SELECT {KEYS}, {sums} FROM {ROWS} JOIN ({groups}) USING ({KEYS}) GROUP BY {KEYS}"
    assert len(connection.sql(query).fetchall()) == 4_000


if len(sys.argv) > 2:
    start = time.process_time()
    squares(["avg(y) AS m", "avg(ln(y)) AS l"][: int(sys.argv[2])], sys.argv[3] == "table")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(peak, time.process_time() - start)
    sys.exit()

print(f"duckdb {duckdb.__version__}")
duckdb.connect().execute(
    "COPY (SELECT 'unit' || (hash(i) % 1000) AS a, hash(i + 7) % 2 AS b, "
    "['x', 'y'][1 + (hash(i + 13) % 2)::INT] AS c, 1 - random() AS y "
    f"FROM range(20_000_000) rows(i)) TO {ROWS} (FORMAT parquet)"
)
peaks = []
for label, how in {
    "one mean, in one query": ("1", "query"),
    "two means, the groups in a table first": ("2", "table"),
    "two means, in one query": ("2", "query"),
}.items():
    command = [sys.executable, __file__, sys.argv[1], *how]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peak, took = map(float, out.split())
    peaks.append(peak)
    print(f"{label}: {peak:,.0f} MiB, {took:.1f} s of processor time")
sys.exit(not (peaks[2] > 4 * peaks[1] and peaks[0] < 2 * peaks[1]))
CASE
"$folder/venv/bin/python" "$folder/case.py" "$folder"
