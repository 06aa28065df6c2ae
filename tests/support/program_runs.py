"""Programs for readers, run as a reader would."""

from __future__ import annotations

import subprocess

import pytest

from winstan.backends.pymc_program import pymc_program
from winstan.toolchain import toolchain


def run(model):
    program, data = pymc_program(model)
    space = {"data": data}
    exec(program, space)
    return space["model"]


def translate(program, folder):
    tools = toolchain()
    if tools.kind != "bundled":
        pytest.skip("no stanc of httpstan")
    path = folder / "program.stan"
    path.write_text(program, encoding="ascii")
    said = subprocess.run(
        [str(tools.path / "stanc"), f"--o={folder / 'out.cpp'}", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr + program
    assert "Warning" not in said.stderr
