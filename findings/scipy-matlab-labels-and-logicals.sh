#!/bin/sh
# scipy 1.18.1, mat73 0.65, mat-io 1.0.2: what of a MATLAB file arrives.
#
# One would guess that labels of a char matrix are those that MATLAB shows, that a logical is bool, and
# that a table which cannot be read says so.
# Seen:  rows of a char matrix are padded with blanks, "a  " is a level beside "abc"; a logical is
#        uint8, and bool with mat_dtype=True; of a table scipy gives an opaque object without a word
#        (v7), mat73 None (v7.3), and mat-io the frame with the categories in their order.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scipy==1.18.1 mat-io==1.0.2 mat73==0.65 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import mat73
import matio
import numpy as np
import pandas as pd
from scipy.io import loadmat, savemat

savemat("a.mat", {"label": np.array(["a", "abc"]), "stim": np.array([True, False])})
found = loadmat("a.mat")
print("labels:", found["label"].tolist(), "stim:", found["stim"].dtype)
assert found["label"].tolist() == ["a  ", "abc"]
assert pd.Series(found["label"]).str.strip().tolist() == ["a", "abc"]
assert found["stim"].dtype == np.uint8
assert loadmat("a.mat", mat_dtype=True)["stim"].dtype == bool

dose = pd.Categorical(["low", "none", "high"], ["none", "low", "high"], ordered=True)
trials = {"trials": pd.DataFrame({"y": [1.0, 2.0, 3.0], "dose": dose})}
matio.save_to_mat("t.mat", trials, version="v7")
matio.save_to_mat("t73.mat", trials, version="v7.3")
table = matio.load_from_mat("t.mat")["trials"]
print("mat-io:", type(table).__name__, table.dtypes.to_dict())
opaque = loadmat("t.mat")
print("scipy:", {k: type(v).__name__ for k, v in opaque.items() if not k.startswith("__")})
none = mat73.loadmat("t73.mat")
print("mat73:", none)
assert none == {"trials": None}
assert isinstance(table, pd.DataFrame)
assert table["y"].tolist() == [1.0, 2.0, 3.0]
assert list(table["dose"].cat.categories) == ["none", "low", "high"]
assert not any(isinstance(v, pd.DataFrame) for v in opaque.values())
CODE
