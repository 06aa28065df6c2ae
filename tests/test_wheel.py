"""The wheel holds all that a fit needs: installed into a new environment, it fits from there."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from benchmarks import first_fit
from winstan.toolchain.export import export

ROOT = Path(__file__).resolve().parents[1]
# Fits one family of each template from where it is installed, others by what leads to theirs.
PROGRAM = """
import shutil, sys, warnings
from pathlib import Path
import cmdstanpy
import numpy as np
import winstan as ws
from winstan.errors import ConvergenceWarning
from winstan.families import FAMILIES
from winstan.toolchain import build, template_names, template_path

warnings.simplefilter("error")
warnings.simplefilter("ignore", ConvergenceWarning)  # a single divergence is none of our business
inside = Path(sys.prefix).resolve()
assert inside in Path(ws.__file__).resolve().parents, ws.__file__
assert not [name for name in ("g++", "clang++", "c++", "cc", "gcc", "make") if shutil.which(name)]
used = ws.toolchain()
assert used.kind == "wheel", used
trials = ws.simulate_lfp(seed=5)
rng = np.random.default_rng(5)
eta = np.unique(trials["mouse"], return_inverse=True)[1] / 2 - 1.5
trials["n"] = rng.poisson(np.exp(2 + eta) * rng.gamma(5, 1 / 5, len(trials)))
trials["hit"] = rng.binomial(1, 1 / (1 + np.exp(-eta)))
trials["hits"] = rng.binomial(9, 1 / (1 + np.exp(-eta)))
trials["of"] = 9
trials["phase"] = rng.vonmises(eta, 4)
trials["share"] = rng.beta(3 * np.exp(eta), 3)
trials["part"] = np.clip((trials["share"] - 0.2) / 0.7, 0, 1)
response = {"unit": "share", "proportion": "part", "count": "n", "binary": "hit"}
trials["score"] = 1 + np.searchsorted([-1, 0, 1], eta + rng.logistic(size=len(trials)))
response |= {"successes": "p(hits, of)", "circular": "phase", "ordered": "score"}
trials["side"] = np.array(["left", "right", "none"])[rng.integers(0, 3, len(trials))]
response["unordered"] = "side"
trials["place"] = trials.groupby("mouse", observed=True).cumcount()
templates = set()
left = {family: response.get(row.kind, "Power") for family, row in FAMILIES.items()}
of_template = {row.template: family for family, row in reversed(FAMILIES.items())}
cases = [(left[family], family, None) for family in sorted({*of_template.values(), "gamma"})]
cases += [("Power", "gaussian", "log"), ("truncated(Power, lb=0)", "lognormal", None)]
cases = [(f"{y} ~ stim + (1|mouse)", trials, family, link) for y, family, link in cases]
of_neighbours = "Power ~ stim + ar(place, mouse)"
cases += [(of_neighbours, trials, family, None) for family in ("lognormal", "student")]
many = {"n": rng.poisson(3, 5200), "x": rng.normal(size=5200), "g": np.arange(5200) // 5}
cases += [(formula, many, "poisson", None) for formula in ("n ~ x", "n ~ x + (1|g)")]
for formula, data, family, link in cases:
    fit = ws.fit(
        formula, data,
        family=family, seed=1, link=link, progress=False, silence="all",
    )
    assert fit.summary()["r_hat"].max() < 1.05, (family, fit.verdict)
    program = build(fit.model.template)
    assert inside in program.parents, program
    templates.add(fit.model.template)
    if family == "gamma":
        theirs = cmdstanpy.CmdStanModel(exe_file=program).sample(
            fit.stan_data(), chains=2, iter_warmup=300, iter_sampling=300, seed=1,
            show_progress=False, show_console=False,
        )
        ours = fit.summary().loc["stim"]
        coordinates = fit.model.coordinates
        stim = coordinates.beta_location[1]
        stim = stim + theirs.joint_raw @ coordinates.decorrelation.remaining_scale[1]
        assert abs(stim.mean() - ours["mean"]) < ours["sd"] / 2
assert templates == set(template_names()), templates
print("every template")
"""


def make_wheel(folder: Path, programs: Path | str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        env={**os.environ, "WINSTAN_PROGRAMS": str(programs)},
        check=True,
        capture_output=True,
    )
    return next(folder.glob("winstan-*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    programs = tmp_path_factory.mktemp("out") / "programs"
    export(programs)  # from the cache, where `make stan` has put them
    return make_wheel(tmp_path_factory.mktemp("dist"), programs)


def held_by(wheel: Path) -> dict[str, zipfile.ZipInfo]:
    return {info.filename: info for info in zipfile.ZipFile(wheel).infolist()}


@pytest.mark.slow
def test_wheel_holds_templates_driver_and_programs(wheel):
    held = held_by(wheel)
    templates = {f"winstan/{p.relative_to(ROOT)}" for p in (ROOT / "stan").rglob("*.stan")}
    driver = {
        str(p.relative_to(ROOT))
        for p in (ROOT / "winstan" / "toolchain").iterdir()
        if p.suffix in (".cpp", ".hpp")
    }
    assert len(templates) > 10
    assert driver
    assert templates | driver <= set(held)
    programs = [name for name in held if name.startswith("winstan/programs/")]
    for template in (ROOT / "stan").glob("*.stan"):
        (program,) = (n for n in programs if n.startswith(f"winstan/programs/{template.stem}-"))
        assert held[program].external_attr >> 16 & 0o111 == 0o111, program
    # `pip` on another platform refuses it, on any Python 3 of this one it does not
    assert not wheel.name.endswith("-any.whl")
    assert "-py3-none-" in wheel.name
    assert not [name for name in held if name.startswith(("tests/", "benchmarks/"))]


@pytest.mark.slow
def test_wheel_without_programs_is_for_every_platform(tmp_path):
    wheel = make_wheel(tmp_path, "")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in held_by(wheel) if "programs/" in name]


@pytest.mark.slow
def test_programs_that_are_not_there_are_missed(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        make_wheel(tmp_path, tmp_path / "nothing")
    assert b"holds no programs" in failed.value.stdout + failed.value.stderr


@pytest.mark.slow
def test_wheel_fits_without_a_compiler(wheel, tmp_path):
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", wheel], check=True, capture_output=True
    )
    (installed,) = environment.glob("lib/python*/site-packages/winstan")
    before = files_of(installed)
    taken = ("PYTHONPATH", "VIRTUAL_ENV", "CXX", "CMDSTAN", "WINSTAN_CMDSTAN")
    clean = {k: v for k, v in os.environ.items() if k not in taken}
    done = subprocess.run(
        [python, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            **clean,
            "PATH": str(environment / "bin"),
            "HOME": str(tmp_path / "home"),
            "WINSTAN_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("every template\n")
    first, second = first_fit.seconds(python, "gamma", first_fit.FAMILIES["gamma"])
    assert first - second < 20  # it did not compile
    assert not (tmp_path / "cache").exists()
    assert files_of(installed) == before
    version = subprocess.run(
        [environment / "bin" / "winstan", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.split()[0] == "winstan"


def files_of(folder: Path) -> dict[Path, int]:
    found = (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")
    return {path: path.stat().st_mtime_ns for path in found}
