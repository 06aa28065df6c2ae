#!/usr/bin/env bash
# bambi 0.21.0: importing it changes what formulae itself reads, for the whole process.
#
# bambi needs its hsgp() in formulas. One would guess that it gives the function to formulae with
# each formula, so that formulae used alone reads what it read before. The import puts hsgp() into
# formulae's own table of transforms: a formula that formulae refused is then evaluated, and tests
# of the refusal pass or fail by what else was imported in the process.
#
# Seen:
#   bambi 0.21.0, formulae 0.6.2
#   before the import: KeyError
#   after it: a matrix of shape (4, 1)
#   added to formulae's transforms: ['hsgp']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bambi==0.21.0 pymc==6.4.0 formulae==0.6.2
cat > "$folder/case.py" <<'CASE'
from importlib import import_module
from importlib.metadata import version

import pandas as pd
from formulae import design_matrices
from formulae.transforms import TRANSFORMS

data = pd.DataFrame({"y": [1.0, 2.0, 3.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
formula = "y ~ 0 + hsgp(x, m=2, c=2)"
before = set(TRANSFORMS)
try:
    design_matrices(formula, data)
except Exception as problem:
    first = type(problem).__name__
else:
    raise SystemExit("formulae alone reads hsgp(), so that this has changed")
import_module("bambi")
print(f"bambi {version('bambi')}, formulae {version('formulae')}")
print("before the import:", first)
print("after it: a matrix of shape", design_matrices(formula, data).common.design_matrix.shape)
added = sorted(set(TRANSFORMS) - before)
print("added to formulae's transforms:", added)
assert added == ["hsgp"]
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
