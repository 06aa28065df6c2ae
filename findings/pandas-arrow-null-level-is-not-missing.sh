#!/bin/sh
# pandas 3.1.1 with pyarrow 26.0.1: a missing level of an Arrow dictionary is not missing in pandas.
#
# A dictionary array may have null among its values; Arrow counts the rows that point at it as null,
# and gives None for them. One would guess that `isna` of the same column in pandas does so too. It
# looks at the indices only: `dropna` keeps the rows, though their value prints as <NA>.
#
# Output seen:
#     Arrow: [False, True, True]
#     pandas: [False, False, False] ['a', <NA>, <NA>]
#     after dropna: 3 rows
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pandas==3.1.1 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'CODE'
import pandas as pd
import pyarrow as pa

array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1]), pa.array(["a", None]))
series = pa.table({"x": array}).to_pandas(types_mapper=pd.ArrowDtype)["x"]
print("Arrow:", array.is_null().to_pylist())
print("pandas:", series.isna().tolist(), series.tolist())
print("after dropna:", len(series.dropna()), "rows")
assert array.is_null().to_pylist() == [False, True, True]
assert series.isna().tolist() == [False, False, False]
assert len(series.dropna()) == 3
assert array.to_pylist() == ["a", None, None]
CODE
