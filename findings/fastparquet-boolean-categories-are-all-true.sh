#!/bin/sh
# fastparquet 2026.9.0: a category of booleans, written and read.
#
# One would guess that False comes back as False.
# Seen:  every row is True, without a warning; plain booleans are right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q fastparquet==2026.9.0 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import pandas as pd

plain = pd.DataFrame({"treated": [True, False, False]})
plain.to_parquet("plain.parquet", engine="fastparquet")
plain.astype("category").to_parquet("category.parquet", engine="fastparquet")
right = pd.read_parquet("plain.parquet", engine="fastparquet")["treated"].tolist()
wrong = pd.read_parquet("category.parquet", engine="fastparquet")["treated"].tolist()
print("plain:", right, "category:", wrong)
assert right == [True, False, False]
assert wrong == [True, True, True]
CODE
