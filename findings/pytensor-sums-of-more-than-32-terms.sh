#!/usr/bin/env bash
# PyTensor 3.3.8: mode="FAST_COMPILE" cannot evaluate a gradient that has many terms.
#
# A graph of sums, none of which has more than two terms, is rewritten as one sum of all of them, and
# without C code no elementwise operation takes more than 32 operands: NotImplementedError, of an
# expression whose value the same mode has without its rewriting ("canonicalize").
#
# Seen:
#   PyTensor 3.3.8
#   as it is: NotImplementedError
#   without canonicalize: 80.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pytensor==3.3.8
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import get_mode

print(f"PyTensor {version('pytensor')}")
x = pt.vector("x", dtype="float64")
total = pt.exp(x)
for k in range(1, 40):
    total = total + pt.exp(k * x)
at = np.zeros(2)
mode = get_mode("FAST_COMPILE")
try:
    pytensor.function([x], total, mode=mode)(at)
except NotImplementedError as problem:
    print(f"as it is: {type(problem).__name__}")
else:
    raise SystemExit("as it is: a value, so that this has changed")
value = pytensor.function([x], total, mode=mode.excluding("canonicalize"))(at)
print("without canonicalize:", value.sum())
assert value.sum() == 80
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
