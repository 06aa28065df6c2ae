#!/usr/bin/env bash
# DuckDB 2.0.1: isnan() of a column of a parquet file is false for NaN, in expressions of it too.
#
# pyarrow leaves NaN out of the least and the largest value that parquet keeps of a row group, as the
# format asks. DuckDB takes these for the range of all values, and answers isnan(x) without a look at
# the rows: false. The guess was that arithmetic (x * 0.5) or a function (ln(x)) has it read them; it
# does not, and a filter by isnan() finds no row. A sum is NaN, and so is what something random
# times zero has been added to, of which no range is known. The same rows in memory are seen.
#
# Seen:
#   duckdb 2.0.1, pyarrow 21.0.0
#   in memory: {'isnan(x)': 1, 'isnan(x * 0.5)': 1, 'isnan(ln(x))': 1, 'isnan(x + random() * 0)': 1}
#   in a file: {'isnan(x)': 0, 'isnan(x * 0.5)': 0, 'isnan(ln(x))': 0, 'isnan(x + random() * 0)': 1}
#   sum in a file: nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q duckdb==2.0.1 pyarrow==21.0.0
cat > "$folder/case.py" <<'CASE'
import math
import sys
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

print(f"duckdb {version('duckdb')}, pyarrow {version('pyarrow')}")
ASKED = ("isnan(x)", "isnan(x * 0.5)", "isnan(ln(x))", "isnan(x + random() * 0)")
rows = pa.table({"x": [1.0, 2.5, float("nan"), 4.0]})
pq.write_table(rows, sys.argv[1])


def found(source):
    return {
        asked: duckdb.sql(f"SELECT count(*) FROM {source} WHERE {asked}").fetchall()[0][0]
        for asked in ASKED
    }


in_memory, in_file = found("rows"), found(f"'{sys.argv[1]}'")
((total,),) = duckdb.sql(f"SELECT sum(x) FROM '{sys.argv[1]}'").fetchall()
print("in memory:", in_memory)
print("in a file:", in_file)
print("sum in a file:", total)
assert list(in_memory.values()) == [1, 1, 1, 1]
assert list(in_file.values()) == [0, 0, 0, 1]
assert math.isnan(total)
CASE
"$folder/venv/bin/python" "$folder/case.py" "$folder/x.parquet"
