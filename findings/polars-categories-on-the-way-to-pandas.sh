#!/bin/sh
# polars 2.1.0, pandas 3.1.1: categories of polars in pandas, and back.
#
# One would guess that Enum and Categorical of the same values are one column in pandas, and that an
# ordered category of pandas keeps its order in polars.
# Seen:  an Enum is an ordered category in its own order; a Categorical has its levels by appearance;
#        what pandas sends back to polars is a Categorical, without the order.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
"$folder/venv/bin/python" -W ignore - <<'CODE'
import polars as pl

values, levels = ["low", "none", "high"], ["none", "low", "high"]
enum = pl.DataFrame({"dose": pl.Series(values, dtype=pl.Enum(levels))})
categorical = pl.DataFrame({"dose": pl.Series(values, dtype=pl.Categorical)})
one, two = enum.to_pandas()["dose"], categorical.to_pandas()["dose"]
back = pl.from_pandas(enum.to_pandas())["dose"].dtype
print("Enum:", list(one.cat.categories), one.cat.ordered)
print("Categorical:", list(two.cat.categories), two.cat.ordered)
print("back:", back)
assert list(one.cat.categories) == levels
assert list(two.cat.categories) != levels
assert one.cat.ordered
assert not isinstance(back, pl.Enum)
CODE
