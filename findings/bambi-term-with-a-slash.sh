#!/usr/bin/env bash
# bambi 0.21.0: a formula that bambi and formulae read cannot be built if a term holds a slash.
#
# I(x / 10) is arithmetic to formulae, and bmb.Model("y ~ I(x / 10)", data) makes a model that
# prints its term and prior. One would guess that it can be fitted. build() raises a ValueError,
# because PyMC 6 refuses the slash in a variable's name; set_alias() for the term mends it.
#
# Seen:
#   bambi 0.21.0, PyMC 6.4.0
#   build: ValueError: Variable name 'I(x / 10)' cannot contain '/'.
#   with an alias: ['sigma', 'Intercept', 'tenth']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bambi==0.21.0 pymc==6.4.0 formulae==0.6.2
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import bambi as bmb
import numpy as np
import pandas as pd

print(f"bambi {version('bambi')}, PyMC {version('pymc')}")
x = np.arange(20.0)
model = bmb.Model("y ~ I(x / 10)", pd.DataFrame({"x": x, "y": x % 3}))
try:
    model.build()
except ValueError as problem:
    text = str(problem)
    print(f"build: ValueError: {text}")
    assert "'I(x / 10)' cannot contain '/'" in text
else:
    raise SystemExit("build: a model, so that this has changed")
model.set_alias({"I(x / 10)": "tenth"})
model.build()
names = [variable.name for variable in model.backend.model.free_RVs]
print("with an alias:", names)
assert sorted(names) == ["Intercept", "sigma", "tenth"]
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
