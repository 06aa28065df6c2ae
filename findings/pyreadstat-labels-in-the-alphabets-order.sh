#!/bin/sh
# pyreadstat 1.3.7, pandas 3.1.1: labelled values of SPSS and Stata, and codes of missing values.
#
# One would guess that categories stand in the order of their codes, and that a score of which only
# the missing code has a label stays a number.
# Seen:  with labels the categories stand in the order of the alphabet; of codes with
#        formats_as_ordered_category, and in pandas' read_stata. The score is a category of numbers once
#        labels are applied, whatever user_missing is, and formats_as_ordered_category then fails on it
#        ("Categorical categories cannot be null"). With user_missing=True 99 stands among the scores.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyreadstat==1.3.7 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import pandas as pd
import pyreadstat
from pyreadstat import read_sav

doses = {1: "vehicle", 2: "low", 3: "high"}
data = pd.DataFrame({"dose": [1.0, 2.0, 3.0], "score": [4.0, 7.0, 99.0]})
labels = {"dose": doses, "score": {99: "Refused"}}
pyreadstat.write_sav(data, "a.sav", variable_value_labels=labels, missing_ranges={"score": [99]})
plain, _ = read_sav("a.sav")
named, meta = read_sav("a.sav", apply_value_formats=True)
coded, _ = read_sav("a.sav", user_missing=True)
both, _ = read_sav("a.sav", user_missing=True, apply_value_formats=True)
print("dose:", list(named["dose"].cat.categories))
print("score:", plain["score"].tolist(), named["score"].dtype, coded["score"].tolist())
assert list(named["dose"].cat.categories) == ["high", "low", "vehicle"]
assert plain["score"].isna().tolist() == [False, False, True]
assert named["score"].dtype == "category"
assert named["score"].astype(float).equals(plain["score"])
assert coded["score"].tolist() == [4.0, 7.0, 99.0]
assert both["score"].tolist() == [4.0, 7.0, "Refused"]
try:
    read_sav("a.sav", apply_value_formats=True, formats_as_ordered_category=True)
except ValueError as error:
    print("ordered, with the score:", error)
else:
    raise AssertionError("a column of which only the missing code has a label can be ordered")
levels = list(meta.variable_value_labels["dose"].values())
assert list(named["dose"].cat.set_categories(levels).cat.categories) == list(doses.values())

alone = data[["dose"]]
pyreadstat.write_sav(alone, "b.sav", variable_value_labels={"dose": doses})
ordered, _ = read_sav("b.sav", apply_value_formats=True, formats_as_ordered_category=True)
assert list(ordered["dose"].cat.categories) == list(doses.values())
pyreadstat.write_dta(alone.astype(int), "a.dta", variable_value_labels={"dose": doses})
stata, _ = pyreadstat.read_dta("a.dta", apply_value_formats=True)
by_pandas = pd.read_stata("a.dta")
print("Stata:", list(stata["dose"].cat.categories), "pandas:", list(by_pandas["dose"].cat.categories))
assert list(stata["dose"].cat.categories) == ["high", "low", "vehicle"]
assert list(by_pandas["dose"].cat.categories) == list(doses.values())
CODE
