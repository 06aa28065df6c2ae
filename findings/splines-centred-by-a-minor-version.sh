#!/usr/bin/env bash
# formulae 0.7.0 against 0.8.0: bs(x, df=5) became another basis.
#
# One would guess that a formula's text means one model in minor versions of a package, and that
# bs() is the B-spline basis without its first column, as in R's splines and in patsy: so it is up
# to 0.7. From 0.8 on the columns are combinations of all B-splines that sum to zero over the data.
# Fitted values are the same, but coefficients, and priors of them, are of other quantities, and
# nothing says so. intercept=False, which was the default, warns, and is no way back.
#
# Seen:
#   0.7.0: column sums [3.13 4.75 4.75 3.13 2.12]
#   0.8.0: column sums are zero
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import numpy as np
import pandas as pd
from formulae import design_matrices
from scipy.interpolate import BSpline

x = np.linspace(0, 1, 20)
t = np.r_[[0.0] * 4, np.percentile(x, [100 / 3, 200 / 3]), [1.0] * 4]
textbook = BSpline.design_matrix(x, t, 3).toarray()[:, 1:]
data = pd.DataFrame({"x": x})
found = np.asarray(design_matrices("0 + bs(x, df=5)", data).common.design_matrix)
number = version("formulae")
same = np.allclose(found, textbook)
sums = found.sum(axis=0)
print(f"{number}:", f"column sums {sums.round(2)}" if same else "column sums are zero")
if number == "0.7.0":
    assert same
else:
    assert not same and np.allclose(sums, 0, atol=1e-12), "this has changed"
CASE
for number in 0.7.0 0.8.0; do
    "$(command -v python3.13 || command -v python3)" -m venv "$folder/$number"
    "$folder/$number/bin/pip" install -q "formulae==$number" numpy==2.5.5 pandas==3.1.1 scipy
    "$folder/$number/bin/python" "$folder/case.py"
done
