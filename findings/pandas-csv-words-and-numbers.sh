#!/bin/sh
# pandas 3.1.1: words and numbers of a CSV.
#
# One would guess that a control group called None is a level, and that "01" and "1E1" are labels.
# Seen:  None, NA and n/a are missing values, and their rows go; 01 is 1, and 1E1 is 10: labels of
#        wells become one number. keep_default_na=False, dtype=str keeps all.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'CODE'
from io import StringIO

import pandas as pd

text = "group,well,y\nNone,1E1,1.5\nNA,10,2.5\nn/a,01,3.5\ndrug,1,4.5\n"
found = pd.read_csv(StringIO(text))
kept = pd.read_csv(StringIO(text), keep_default_na=False, dtype={"group": str, "well": str})
print(found.to_dict("list"), kept.to_dict("list"))
assert found["group"].isna().sum() == 3
assert found["well"].tolist() == [10.0, 10.0, 1.0, 1.0]
assert kept["group"].tolist() == ["None", "NA", "n/a", "drug"]
assert kept["well"].tolist() == ["1E1", "10", "01", "1"]
assert kept["y"].dtype == float
CODE
