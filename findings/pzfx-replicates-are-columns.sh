#!/bin/sh
# pzfx 0.3.1 (PyPI): a table of GraphPad Prism.
#
# One would guess a row for each value, with its group, and numbers beside a "<0.5" that stay numbers.
# Seen:  replicates are columns, Control_1, Control_2; one "<0.5" makes its column text, and the others
#        of the same group stay numbers; the row's title is a column ROWTITLE.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pzfx==0.3.1 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import pandas as pd
import pzfx

wide = pd.DataFrame({"Control_1": ["1.5", "<0.5"], "Control_2": [2.0, 3.0], "Drug_1": [4.0, 5.0]})
wide["Drug_2"] = [6.0, 7.0]
pzfx.write_pzfx(wide, "a.pzfx", subcolumns=2, subcolumn_suffix="_[0-9]+$")
found = pzfx.read_pzfx("a.pzfx")
print(found.to_dict("list"))
assert list(found.columns) == ["ROWTITLE", "Control_1", "Control_2", "Drug_1", "Drug_2"]
assert found["Control_1"].tolist() == ["1.5", "<0.5"]
assert found["Control_2"].dtype == float
long = found.drop(columns="ROWTITLE").melt(var_name="group", value_name="y")
long["group"] = long["group"].str.replace(r"_\d+$", "", regex=True)
assert long["group"].value_counts().to_dict() == {"Control": 4, "Drug": 4}
assert long["y"].astype(str).tolist()[1] == "<0.5"
CODE
