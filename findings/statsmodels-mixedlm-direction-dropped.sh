#!/usr/bin/env bash
# statsmodels 0.15.0: MixedLM drops a direction of the random effects' covariance by a fixed limit.
#
# A covariance of the random effects whose smallest eigenvalue is 0.9e-10 and one of 1.1e-10 are the
# same to ten digits, and so should be the generalised least squares of the fixed effects at them.
# MixedLM.get_fe_params() takes an eigenvalue below 1e-10 for a variance of infinity, not of zero: its
# pseudo-inverse leaves the direction's precision at 0, so that the direction is not shrunk at all. The
# limit does not depend on the units of the predictors.
#
# Guess: fixed effects that are equal to 1e-6, on both sides of the limit.
# Seen:  those above the limit are the exact generalised least squares; those below it are not
#        (here a slope of 4.08 in place of 1.10).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q statsmodels==0.15.0 numpy==2.5.5 pandas==3.1.1 scipy==1.18.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import statsmodels
from statsmodels.regression.mixed_linear_model import MixedLM

rng = np.random.default_rng(4)
n_groups, n = 8, 6
g, x = np.repeat(np.arange(n_groups), n), np.tile(np.arange(n), n_groups) * 1.0
keep = rng.random(g.size) < 0.7
u = rng.normal(0, 1, n_groups)
y = 10 + x + u[g] * (1 + 0.5 * x) + rng.normal(0, 1, g.size)
g, x, y = g[keep], x[keep], y[keep]
X = np.column_stack([np.ones(g.size), x])
model = MixedLM(y, X, g, exog_re=X)

direction = np.array([1.0, 0.5]) / np.sqrt(1.25)
across = np.array([-0.5, 1.0]) / np.sqrt(1.25)


def covariance(smallest):
    return np.outer(direction, direction) + smallest * np.outer(across, across)


V = np.eye(g.size) + (g[:, None] == g) * (X @ covariance(0.0) @ X.T)
exact = np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, y))
above, _ = model.get_fe_params(covariance(1.1e-10), np.zeros(0))
below, is_singular = model.get_fe_params(covariance(0.9e-10), np.zeros(0))
print("statsmodels", statsmodels.__version__)
print("exact", exact, "above the limit", above, "below it", below, is_singular)
assert np.allclose(above, exact, atol=1e-6)
assert is_singular
assert np.abs(below - exact).max() > 1e-3
PYTHON
