#!/usr/bin/env bash
# statsmodels 0.15.0: MixedLMResults.bse_re fails for a model that has variance components alone.
#
# Its documentation says that the elements after those of `cov_re` are the standard errors of the
# variance components. A model of crossed or nested components has no `cov_re`.
#
# Guess: a standard error for each variance component.
# Seen:  ValueError, "Length of values (2) does not match length of index (0)", though
#        `result.bse` has an element for each parameter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q statsmodels==0.15.0 numpy==2.5.5 pandas==3.1.1 scipy==1.18.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pandas as pd
import statsmodels
import statsmodels.formula.api as smf

rng = np.random.default_rng(1)
a, b = np.repeat(np.arange(12), 20), np.tile(np.arange(20), 12)
y = 3 + rng.normal(size=12)[a] + rng.normal(size=20)[b] + rng.normal(size=240)
data = pd.DataFrame({"y": y, "a": a, "b": b, "all": 0})
crossed = {"a": "0 + C(a)", "b": "0 + C(b)"}
result = smf.mixedlm("y ~ 1", data, groups="all", re_formula="0", vc_formula=crossed).fit()
print("statsmodels", statsmodels.__version__, "components", result.vcomp)
assert len(result.vcomp) == 2
assert len(result.bse) == 3
try:
    print(result.bse_re)
except ValueError as error:
    print("ValueError:", error)
else:
    raise SystemExit("bse_re works")
PYTHON
