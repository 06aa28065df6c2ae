#!/bin/sh
# PyMC 6.4.0 (PyTensor 3.3.8): a literal that single precision holds exactly makes its logarithm
# single precision, with floatX at float64.
#
# One would guess that a density built of Python floats is double precision throughout where
# floatX is "float64". PyTensor gives a literal such as 2.5 the smallest type that holds it
# exactly, float32, and log(2.5), a part of the normalising constant, is then taken in float32: the
# log density of Normal(0.3, 2.5) is 2.8e-8 off for each variable. The same number as np.float64,
# or one that float32 does not hold (2.3), gives all digits.
#
# Seen: literal 2.5: -2.8e-08; np.float64(2.5): 0; literal 2.3: 0 (to 1e-15).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pymc==6.4.0 pytensor==3.3.8
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pymc as pm
import pytensor
from scipy import stats

print("pymc", pm.__version__, "pytensor", pytensor.__version__, pytensor.config.floatX)
assert pytensor.config.floatX == "float64"


def error(sigma):
    density = pm.logp(pm.Normal.dist(0.3, sigma), np.float64(1.1)).eval()
    return float(density) - float(stats.norm(0.3, float(sigma)).logpdf(1.1))


literal, double, other = error(2.5), error(np.float64(2.5)), error(2.3)
print("literal 2.5:", literal, "np.float64(2.5):", double, "literal 2.3:", other)
assert 1e-8 < abs(literal) < 1e-7
assert abs(double) < 1e-14
assert abs(other) < 1e-14
PYTHON
