#!/usr/bin/env bash
# formulae 0.6.2: two calls of one function stand in a formula in one order only.
#
# Terms are compared as they are added. A call whose argument is a call (sqrt of abs) is compared with
# a later one whose argument is a name: AttributeError. The other way round, they are two terms.
#
# Seen:
#   formulae 0.6.2
#   y ~ np.sqrt(z) + np.sqrt(np.abs(x)): 3 columns
#   y ~ np.sqrt(np.abs(x)) + np.sqrt(z): AttributeError: 'LazyVariable' object has no attribute 'callee'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q formulae==0.6.2
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import numpy as np
import pandas as pd
from formulae import design_matrices

print(f"formulae {version('formulae')}")
data = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [1.0, -2.0, 4.0], "z": [2.0, 1.0, 5.0]})
terms = ["np.sqrt(z)", "np.sqrt(np.abs(x))"]
columns = design_matrices(f"y ~ {' + '.join(terms)}", data).common.design_matrix.shape[1]
print(f"y ~ {' + '.join(terms)}: {columns} columns")
assert columns == 3
try:
    design_matrices(f"y ~ {' + '.join(terms[::-1])}", data)
except AttributeError as problem:
    print(f"y ~ {' + '.join(terms[::-1])}: AttributeError: {problem}")
else:
    raise SystemExit("a design, so that this has changed")
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
