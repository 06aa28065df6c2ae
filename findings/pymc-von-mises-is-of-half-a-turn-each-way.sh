#!/bin/sh
# PyMC 6.4.0: VonMises gives angles between pi and 2 pi the density zero; SciPy's is periodic.
#
# One would guess that the density of an angle does not depend on the turn that it is counted from:
# scipy.stats.vonmises has the same log density at -1 and at 2 pi - 1. In PyMC the second is -inf, so
# that phases recorded from 0 to 2 pi, as most tools give them, stop a sampler at its first point
# ("Initial evaluation of model at starting point failed").
#
# Seen: PyMC at -1: -2.2067, at 2 pi - 1: -inf; SciPy: -2.2067 at both (mu = 0.3, kappa = 2).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pymc==6.4.0 pytensor==3.3.8
"$folder/venv/bin/python" - <<'PYTHON'
import math

import numpy as np
import pymc as pm
from scipy import stats

print("pymc", pm.__version__)
own = pm.VonMises.dist(np.float64(0.3), np.float64(2.0))
for angle in (-1.0, 2 * math.pi - 1):
    density, periodic = float(pm.logp(own, angle).eval()), stats.vonmises(2, 0.3).logpdf(angle)
    print(f"{angle:.4f}: PyMC {density:.4f}, SciPy {periodic:.4f}")
    assert math.isclose(periodic, stats.vonmises(2, 0.3).logpdf(-1.0), rel_tol=1e-12)
    assert density == -math.inf if angle > math.pi else math.isclose(density, periodic)
PYTHON
