#!/usr/bin/env bash
# ArviZ 1.3.0 (arviz-stats 1.3.3): loo_metrics() of rows whose dim has two names is wrong, silently.
#
# Observations by the dim "obs", predictions and log likelihoods by the dim "row", of one length.
# One would guess an error that says that the dims do not match, as loo_pit() gives, or the error of
# each row's own prediction. The observations are broadcast against the predictions of all rows, and
# the "rmse" is over all pairs of rows: of predictions that are right to 0.01 about values that
# spread by 10 it is above 10.
#
# Seen:
#   arviz 1.3.0, arviz-stats 1.3.3
#   one name: rmse below 0.05
#   two names: rmse above 10, without an error
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q arviz==1.3.0 arviz-base==1.3.1 arviz-stats==1.3.3 arviz-plots==1.3.2 xarray==2026.9.0
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import arviz as az
import numpy as np
import xarray as xr

print(f"arviz {version('arviz')}, arviz-stats {version('arviz-stats')}")
rng = np.random.default_rng(1)
y = rng.normal(0, 10, 30)
mean = y + rng.normal(0, 0.002, (4, 250, 30))
dims = ("chain", "draw", "row")
density = -0.5 * ((y - mean) / 0.01) ** 2


def rmse(dim):
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"mu": (dims, mean)}),
            "posterior_predictive": xr.Dataset({"y": (dims, mean)}),
            "log_likelihood": xr.Dataset({"y": (dims, density)}),
            "observed_data": xr.Dataset({"y": (dim, y)}),
        }
    )
    return az.loo_metrics(tree, kind="rmse", round_to="none").mean


one, two = rmse("row"), rmse("obs")
print(f"one name: rmse {'below 0.05' if one < 0.05 else one}")
print(f"two names: rmse {'above 10, without an error' if two > 10 else two}")
assert one < 0.05 and two > 10
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
