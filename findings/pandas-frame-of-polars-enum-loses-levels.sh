#!/bin/sh
# pandas 3.1.1 with polars 2.1.0: a frame of polars columns turns an Enum into text.
#
# pandas takes polars Series as the columns of a frame, and polars' own `to_pandas` makes an ordered
# category of an Enum. One would guess that both give the same column. The frame gives plain text:
# the levels, their order and those that no row has are gone, without a word.
#
# Output seen:
#     to_pandas: category ['vehicle', 'low', 'high', 'never']
#     pd.DataFrame: str
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'CODE'
import pandas as pd
import polars as pl

levels = ["vehicle", "low", "high", "never"]
dose = pl.Series("dose", levels[:3], dtype=pl.Enum(levels))
right, got = dose.to_pandas(), pd.DataFrame({"dose": dose})["dose"]
print("to_pandas:", right.dtype, right.cat.categories.tolist())
print("pd.DataFrame:", got.dtype)
assert right.cat.categories.tolist() == levels
assert right.cat.ordered
assert not isinstance(got.dtype, pd.CategoricalDtype)
assert sorted(got.unique()) == ["high", "low", "vehicle"]
CODE
