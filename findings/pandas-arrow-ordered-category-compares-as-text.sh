#!/bin/sh
# pandas 3.1.1 with pyarrow 26.0.1: an ordered category of the Arrow backend compares as text.
#
# One would guess that a column which says "ordered" compares by its order, as a pandas Categorical
# does. It compares the letters: "hi" is not above "lo", without a warning, so that a threshold
# selects the wrong rows.
#
# Output seen:
#     dtype: dictionary<values=large_string, indices=int8, ordered=1>[pyarrow]
#     Categorical above 'lo': [False, True]
#     Arrow backend above 'lo': [False, False]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pandas==3.1.1 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'CODE'
import pandas as pd
import pyarrow as pa

dose = pd.Series(pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True))
table = pa.Table.from_pandas(dose.to_frame("dose"))
arrow = table.to_pandas(types_mapper=pd.ArrowDtype)["dose"]
print("dtype:", arrow.dtype)
print("Categorical above 'lo':", (dose > "lo").tolist())
print("Arrow backend above 'lo':", (arrow > "lo").tolist())
assert arrow.dtype.pyarrow_dtype.ordered
assert (dose > "lo").tolist() == [False, True]
assert (arrow > "lo").tolist() == [False, False]
CODE
