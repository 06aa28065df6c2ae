#!/bin/sh
# SciPy 1.18.1: the logarithm of a distribution function finds the median first, by a search for each
# value, where the distribution has no formula of its own for it.
#
# One would guess that exponnorm.logcdf(y) is log(cdf(y)), or about as dear: cdf has a closed form. But
# the general logcdf and logsf ask for the median, to take the smaller tail, and where quantiles have
# no formula either that is a root search a value, a dozen calls of cdf each: a censored likelihood of
# reaction times took hundreds of times as long as its density. log(cdf) and log(sf) are as exact,
# where the tail that is asked for is the small one.
#
# Seen: 60 values: cdf 1 call; logcdf 700 of them and more, of as many single values.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scipy==1.18.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import stats

print("scipy", scipy.__version__)
calls = []
whole = type(stats.exponnorm)._cdf
type(stats.exponnorm)._cdf = lambda self, x, *args: calls.append(np.size(x)) or whole(self, x, *args)
rng = np.random.default_rng(0)
K, y = rng.uniform(0.5, 2, 60), rng.normal(1, 2, 60)
counted = {}
for name in ("cdf", "logcdf", "logsf"):
    calls.clear()
    getattr(stats.exponnorm, name)(y, K)
    counted[name] = len(calls)
    print(name, len(calls), "calls of _cdf")
assert counted["cdf"] == 1
assert counted["logcdf"] > 60 * 5 and counted["logsf"] > 60 * 5
low = np.array([-5.0, -20.0])
np.testing.assert_allclose(np.log(stats.exponnorm.cdf(low, 1.0)), stats.exponnorm.logcdf(low, 1.0))
PYTHON
