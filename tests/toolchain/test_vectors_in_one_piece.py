"""Vectors of the templates, as stanc's optimiser keeps them.

Values and derivatives of a long vector lie in one piece each ("SoA"), unless one statement anywhere
in its chain has no such form: then all vectors that it meets are numbers one by one ("AoS"), and a
gradient of many cells takes half as long again.
"""

import re
import subprocess

import pytest

from winstan.toolchain.locate import bundled
from winstan.toolchain.templates import include_folders, template_names, template_path

ELEMENTWISE = {
    "one_pass": "a function in C++ takes effects, of which rows are ten times as many",
    "limits": "tails of intervals are found one by one",
    "student_units": "units of one pattern of visits are the columns of a matrix",
}
# They have no vectors of cells.
INTEGRATED = ("gaussian_marginal", "gaussian_residual", "group_integrals")
LONG = ("joint_raw", "rest_raw", "unit", "joint", "rest", "moved", "beta", "eta", "deviation")


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [t for t in template_names() if t not in (*ELEMENTWISE, *INTEGRATED)]
)
def test_linear_predictors_and_effects_are_in_one_piece(name, tmp_path):
    template, tools = template_path(name), bundled()
    told = subprocess.run(
        [
            tools.path / "stanc", *tools.stanc_flags, "--debug-mem-patterns", "--allow-undefined",
            f"--include-paths={','.join(map(str, include_folders(template)))}",
            f"--o={tmp_path / 'model.cpp'}", template,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kept = dict(re.findall(r"\] (\w+): (SoA|AoS)$", told.stdout + told.stderr, re.MULTILINE))
    assert {name: kept[name] for name in LONG} == dict.fromkeys(LONG, "SoA")
