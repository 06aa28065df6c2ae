#!/bin/sh
# SciPy 1.18.1: ive(0, x), the scaled modified Bessel function, is not a number from x = 1e10 on,
# where i0e(x), the same function, has all its digits.
#
# One would guess that ive(0, x) = I0(x) exp(-x) falls off as 1 / sqrt(2 pi x) for as long as a double
# can say so, and that i0e is its special case: a concentration of 1e10 is an sd of 1e-5 radians.
# Up to 1e9 both agree; beyond, ive gives NaN without a warning, and i0e the right number.
#
# Seen: ive(0, 1e9): 1.2616e-05; ive(0, 1e10): nan; i0e(1e10): 3.9894e-06.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scipy==1.18.1
"$folder/venv/bin/python" - <<'PYTHON'
import math
import warnings

import scipy
from scipy import special

warnings.simplefilter("error")
print("scipy", scipy.__version__)
for x in (1e9, 1e10, 1e12):
    right = 1 / math.sqrt(2 * math.pi * x)
    print(f"{x:g}: ive {special.ive(0, x):.5g}, i0e {special.i0e(x):.5g}, asymptotically {right:.5g}")
    assert math.isclose(special.i0e(x), right, rel_tol=1e-9)
assert math.isclose(special.ive(0, 1e9), special.i0e(1e9), rel_tol=1e-9)
assert math.isnan(special.ive(0, 1e10)) and math.isnan(special.ive(0, 1e12))
PYTHON
