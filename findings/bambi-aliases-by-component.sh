#!/usr/bin/env bash
# bambi 0.21.0: a second formula changes what set_alias() takes, and the old form fails wordlessly.
#
# set_alias({"I(x / 10)": "tenth"}) is as its docstring has it: "key represents the original term
# name and the value is the alias". With a formula for sigma beside it the same call raises an
# AssertionError that has no message: aliases are then given by parameter, {"mu": {...}}. The
# terms of sigma go there by names without the prefix that their variables have (I(x / 10), not
# sigma_I(x / 10)), and no prefix is put before the alias.
#
# Seen:
#   bambi 0.21.0, PyMC 6.4.0
#   one formula: ['Intercept', 'sigma', 'tenth']
#   two formulas: AssertionError: ''
#   by parameter: ['Intercept', 'a', 'b', 'sigma_Intercept']
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
data = pd.DataFrame({"x": x, "y": x % 3})


def named(formula, aliases):
    model = bmb.Model(formula, data)
    model.set_alias(aliases)
    model.build()
    return sorted(variable.name for variable in model.backend.model.free_RVs)


found = named("y ~ I(x / 10)", {"I(x / 10)": "tenth"})
print("one formula:", found)
assert found == ["Intercept", "sigma", "tenth"]
both = bmb.Formula("y ~ I(x / 10)", "sigma ~ I(x / 10)")
try:
    named(both, {"I(x / 10)": "tenth"})
except AssertionError as problem:
    print(f"two formulas: AssertionError: {str(problem)!r}")
    assert not str(problem)
else:
    raise SystemExit("two formulas: aliases, so that this has changed")
found = named(both, {"mu": {"I(x / 10)": "a"}, "sigma": {"I(x / 10)": "b"}})
print("by parameter:", found)
assert found == ["Intercept", "a", "b", "sigma_Intercept"]
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
