#!/usr/bin/env bash
# bambi 0.21.0: group effects of a factor are multiplied by another's columns, of categorical responses.
#
# The effects of (c|g) have an element for each row, column of c and category, and the columns of
# c one for each row and column: they are multiplied as [:, None, :], not [:, :, None]. With
# a factor of three levels (two columns) and four categories (three elements) that fails; with as many
# columns as elements it does not, and each category's effects take the columns of another. An offset
# is added in the same way: of rows, to a column for each category.
#
# Seen:
#   bambi 0.21.0, PyMC 6.4.0
#   2 columns, 3 categories but the reference: ValueError
#   an offset: ValueError
#   2 columns, 2 categories but the reference: no error; of what a row takes: effects of columns
#   [[1. 0.] [1. 0.]] (columns by category), where those of the first column are its own: [[1. 1.] [0. 0.]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bambi==0.21.0 pymc==6.4.0 formulae==0.6.2
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version

import bambi as bmb
import numpy as np
import pandas as pd

print(f"bambi {version('bambi')}, PyMC {version('pymc')}")
data = pd.DataFrame(
    {"x": np.arange(36) % 5, "c": np.tile(list("abc"), 12), "g": np.repeat(list("uvwz"), 9)}
)


def density(formula, categories):
    own = data.assign(y=np.resize(list("klmn")[:categories], 36))
    model = bmb.Model(formula, own, family="categorical")
    model.build()
    inner = model.backend.model
    (p,) = inner.replace_rvs_by_values([inner["p"]])
    return inner, inner.compile_fn(p, inputs=inner.value_vars, on_unused_input="ignore")


def fails(formula, categories):
    inner, p = density(formula, categories)
    try:
        p(inner.initial_point())
    except ValueError:
        return "ValueError"
    raise SystemExit(f"{formula}: no error, so that this has changed")


print("2 columns, 3 categories but the reference:", fails("y ~ 1 + (c|g)", 4))
print("an offset:", fails("y ~ 1 + offset(x)", 4))
inner, p = density("y ~ 1 + (c|g)", 3)
point = {name: np.zeros_like(value) for name, value in inner.initial_point().items()}
taken = np.zeros((2, 2))
row = 1  # of level b: the first column of c is one there, and the second zero
for column in range(2):
    for category in range(2):
        at = {name: value.copy() for name, value in point.items()}
        at["c|g_offset"][0, column, category] = 1.0
        shares = p(at)[row]
        taken[column, category] = abs(np.log(shares[1 + category] / shares[0])) > 1e-9
print("2 columns, 2 categories but the reference: no error; of what a row takes: effects of columns")
print(str(taken).replace("\n", ""), "(columns by category)")
assert not np.array_equal(taken, [[1, 1], [0, 0]]), "it takes those of its own column: changed"
CASE
"$folder/venv/bin/python" -W ignore "$folder/case.py"
