"""The wheel holds all that a fit needs: installed into a new environment, it fits from there."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import sys, warnings
from pathlib import Path
import winstan as ws
from winstan.toolchain import template_path
warnings.simplefilter("error")
inside = Path(sys.prefix).resolve()
assert inside in Path(ws.__file__).resolve().parents, ws.__file__
assert inside in template_path("gamma").resolve().parents, template_path("gamma")
fit = ws.fit("Power ~ stim + (1|mouse)", ws.simulate_lfp(seed=5), family="gamma", seed=1,
             progress=False, silence="random_slopes")
print(fit.verdict)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("winstan-*.whl"))


@pytest.mark.slow
def test_wheel_holds_templates_and_driver(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"winstan/{p.relative_to(ROOT)}" for p in (ROOT / "stan").rglob("*.stan")}
    driver = {
        str(p.relative_to(ROOT))
        for p in (ROOT / "winstan" / "toolchain").iterdir()
        if p.suffix in (".cpp", ".hpp")
    }
    assert len(templates) > 10
    assert driver
    assert templates | driver <= held
    assert not [name for name in held if name.startswith(("tests/", "benchmarks/"))]


@pytest.mark.slow
def test_wheel_fits_in_a_new_environment(wheel, tmp_path):
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", wheel], check=True, capture_output=True
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    # An empty cache: the wheel's own driver and template are what is compiled.
    clean["WINSTAN_CACHE"] = str(tmp_path / "cache")
    done = subprocess.run(
        [python, "-c", PROGRAM],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Converged"), done.stdout
    version = subprocess.run(
        [environment / "bin" / "winstan", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.split()[0] == "winstan"
