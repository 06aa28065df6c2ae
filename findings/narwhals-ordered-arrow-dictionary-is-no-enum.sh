#!/bin/sh
# narwhals 2.29.0: an ordered Arrow dictionary is a Categorical, where the same column is an Enum.
#
# narwhals gives an ordered pandas category and a polars Enum the type Enum, with the categories in
# their order. One would guess that the Arrow table which pandas or polars writes of that column,
# with ordered=1 in its type, has that type too. It is a Categorical, which has no order: code that
# goes by narwhals' types sorts the levels, and another one becomes the reference.
#
# Output seen:
#     pandas Enum(categories=['vehicle', 'low', 'high'])
#     polars Enum(categories=['vehicle', 'low', 'high'])
#     Arrow of pandas Categorical, ordered=True
#     Arrow of polars Categorical, ordered=True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q narwhals==2.29.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'CODE'
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

levels = ["vehicle", "low", "high"]
pandas = pd.DataFrame({"dose": pd.Categorical(levels, levels, ordered=True)})
polars = pl.DataFrame({"dose": pl.Series(levels, dtype=pl.Enum(levels))})
for name, table in {"pandas": pandas, "polars": polars}.items():
    kind = nw.from_native(table)["dose"].dtype
    print(name, kind)
    assert isinstance(kind, nw.Enum)
    assert list(kind.categories) == levels
for name, table in {"pandas": pa.Table.from_pandas(pandas), "polars": polars.to_arrow()}.items():
    kind = nw.from_native(table)["dose"].dtype
    ordered = table.schema.field("dose").type.ordered
    print("Arrow of", name, f"{kind}, ordered={ordered}")
    assert ordered
    assert kind == nw.Categorical
    assert not isinstance(kind, nw.Enum)
CODE
