"""Functions that templates declare and C++ defines, as CmdStan compiles them."""

from __future__ import annotations

import subprocess

import pytest

from winstan.toolchain.locate import bundled
from winstan.toolchain.templates import functions_headers, include_folders, template_path


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    ["gaussian_marginal", "gaussian_residual", "hurdle_positive", "one_pass", "group_integrals"],
)
def test_they_serve_numbers_as_well_as_autodiff_variables(name, tmp_path):
    """Stan's own class of models has a density of either; winstan's has one alone."""
    template, tools = template_path(name), bundled()
    subprocess.run(
        [
            tools.path / "stanc", *tools.stanc_flags, "--allow-undefined",
            f"--include-paths={','.join(map(str, include_folders(template)))}",
            f"--o={tmp_path / 'model.cpp'}", template,
        ],
        check=True, timeout=120,
    )  # fmt: skip
    headers = functions_headers(template)
    assert headers
    command = [
        tools.compiler, *tools.flags, "-I", str(tools.path / "include"), "-fsyntax-only",
        *(part for header in headers for part in ("-include", str(header))),
        str(tmp_path / "model.cpp"),
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
