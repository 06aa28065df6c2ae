#!/usr/bin/env bash
# nutpie 0.16.11 with PyMC 6.4.0: a dim whose name holds a comma loses the draws.
#
# PyMC takes any string as the name of a dim, and samples the model below with its own NUTS. One
# would guess that nutpie does too, or refuses the name before it samples. It samples, and then
# reads the names of the dims from a list that is joined by commas, so that "poly(x, 2)_dim" has
# become two dims, and the draws cannot be put in a dataset. pm.sample() takes nutpie by itself
# where it is installed, so that a model that works on one machine fails on another.
#
# Seen:
#   nutpie 0.16.11, PyMC 6.4.0
#   pymc: dims ('chain', 'draw', 'poly(x, 2)_dim')
#   nutpie: ValueError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pymc==6.4.0 nutpie==0.16.11
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import pymc as pm

print(f"nutpie {version('nutpie')}, PyMC {version('pymc')}")
with pm.Model(coords={"poly(x, 2)_dim": [0, 1]}):
    pm.Normal("b", dims="poly(x, 2)_dim")
    options = dict(draws=20, tune=20, chains=1, progressbar=False, random_seed=1)
    tree = pm.sample(nuts_sampler="pymc", compute_convergence_checks=False, **options)
    dims = tree["posterior"]["b"].dims
    print("pymc: dims", dims)
    assert dims == ("chain", "draw", "poly(x, 2)_dim")
    try:
        pm.sample(nuts_sampler="nutpie", **options)
    except ValueError as problem:
        print("nutpie:", type(problem).__name__)
    else:
        raise SystemExit("nutpie: draws, so that this has changed")
CASE
"$folder/venv/bin/python" "$folder/case.py"
