"""`make docs`: the site is built without a warning, every page and public name in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import winstan as ws

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("sphinx", "pydata_sphinx_theme", "myst_nb", "numpydoc", "sphinx_design"):
        pytest.importorskip(package, reason="the docs' packages are not installed")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-q",
            "-b",
            "html",
            "docs",
            tmp_path,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-4000:]
    for page in (ROOT / "docs").glob("*.md"):
        assert (tmp_path / f"{page.stem}.html").is_file()
    for name in set(ws.__all__) - {"__version__"}:
        assert (tmp_path / "api" / f"winstan.{name}.html").is_file()
    assert "lme4" in (tmp_path / "formulas.html").read_text(encoding="utf-8")
