#!/bin/sh
# PyMC 6.4.0: ExGaussian with nu <= 0.05 sigma is Normal(mu, sigma), whose mean is mu, not mu + nu.
#
# One would guess that the exponentially modified normal of a small nu goes over into the normal with
# its own mean and variance, mu + nu and sigma^2 + nu^2, as scipy.stats.exponnorm does. PyMC takes
# Normal(mu, sigma) itself below nu = 0.05 sigma: the log density jumps there, by 0.57 nine sigmas
# above mu and by more farther out, and the parameter nu has no influence below.
#
# Seen, at y = 9, mu = 0, sigma = 1, PyMC less SciPy: nu = 0.06: -2e-08; nu = 0.049: -0.57.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pymc==6.4.0 pytensor==3.3.8 scipy==1.18.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pymc as pm
from scipy import stats

print("pymc", pm.__version__)
zero, one = np.float64(0.0), np.float64(1.0)


def density(nu, y):
    own = pm.ExGaussian.dist(mu=zero, sigma=one, nu=np.float64(nu))
    return float(pm.logp(own, np.float64(y)).eval())


for nu in (0.06, 0.049):
    print(nu, density(nu, 9.0) - stats.exponnorm.logpdf(9.0, nu))
assert abs(density(0.06, 9.0) - stats.exponnorm.logpdf(9.0, 0.06)) < 1e-6
assert -0.7 < density(0.049, 9.0) - stats.exponnorm.logpdf(9.0, 0.049) < -0.5
assert abs(density(0.049, 9.0) - stats.norm.logpdf(9.0)) < 1e-6
assert density(0.049, 9.0) == density(0.01, 9.0)
PYTHON
