"""The benchmark's child processes, and the row-wise program's posterior."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import processes
from benchmarks.design import Design
from benchmarks.designs import DESIGNS
from benchmarks.engines import ENGINES, model_of
from benchmarks.processes import Limits, Outcome, run_engine
from benchmarks.rowwise import by_default, compiled_by_default, rowwise
from winstan.backends.stan_program import stan_program
from winstan.toolchain import build, log_density
from winstan.toolchain.locate import bundled


@pytest.fixture
def run(tmp_path):
    """Run an engine on a design, within limits."""

    def begin(engine: str, design: str, data: pd.DataFrame | None = None, **limits) -> Outcome:
        path = tmp_path / "data.pickle"
        (DESIGNS[design].data() if data is None else data).to_pickle(path)
        settings = Limits(**({"budget": 300, "memory": 1e12, "repeats": 1} | limits))
        return run_engine(DESIGNS[design], ENGINES[engine], path, settings)

    return begin


def test_an_engine_over_its_budget_is_ended(run):
    outcome = run("winstan", "lfp", budget=0.1)
    assert outcome.problem == "> 0.1 s"
    assert outcome.fits == ()


def test_an_engine_that_takes_too_much_memory_is_ended(run):
    assert run("winstan", "lfp", memory=2e7).problem == "> 0.02 GB"


def test_the_budget_begins_when_the_program_is_compiled():
    watch = processes._Watch(os.getpid(), Limits(budget=8, memory=1e12, repeats=1))
    watch.begin(compiling=True)
    watch.since -= 9  # as if it had been at it for nine seconds
    assert watch.problem() == ""
    watch.since -= processes.COMPILING
    assert watch.problem() == "> 600 s compiling"
    watch.begin()
    assert watch.problem() == ""
    watch.since -= 9
    assert watch.problem() == "> 8 s"


@pytest.mark.slow
def test_a_compiler_that_does_not_end_is_ended(run, monkeypatch):
    monkeypatch.setattr(processes, "COMPILING", 0.5)
    outcome = run("rowwise", "sleepstudy")
    assert outcome.problem == "> 0.5 s compiling"
    assert outcome.fits == ()


def test_memory_is_looked_at_on_a_clock_and_not_as_a_fit_begins():
    watch = processes._Watch(os.getpid(), Limits(budget=60, memory=1e6, repeats=1))
    watch.begin()
    assert (watch.problem(), watch.peak) == ("", 0.0)
    watch.looked -= 0.3  # whatever the child has printed since
    assert watch.problem() == "> 0.001 GB"
    assert watch.peak > 1e7
    watch = processes._Watch(os.getpid(), Limits(budget=60, memory=1e12, repeats=1))
    watch.begin()
    watch.end(5e6)
    assert watch.peak == 5e6
    assert watch.since is None
    watch.looked -= 0.3  # while its draws are judged
    assert watch.problem() == ""
    watch.begin()
    watch.end(1e10)
    assert watch.peak == 5e6


@pytest.mark.slow
def test_the_memory_of_the_process_that_began_it_is_not_a_fits_own():
    much = np.ones(100_000_000)
    said = subprocess.run(
        [sys.executable, "-c", "from benchmarks import child; print(child.peak_bytes())"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert 1e7 < int(said) < much.nbytes


@pytest.mark.slow
def test_a_failure_is_told(run):
    outcome = run("winstan", "lfp", pd.DataFrame({"x": [1.0, 2.0]}))
    assert outcome.problem == "failed"
    assert "'Power'" in outcome.said


@pytest.mark.slow
def test_winstan_is_measured(run):
    outcome = run("winstan", "lfp", repeats=2)
    assert outcome.problem == ""
    assert len(outcome.fits) == 3
    assert all(fit.bulk > 400 and fit.r_hat < 1.05 for fit in outcome.fits)
    assert all(0 < fit.sampling < fit.wall for fit in outcome.fits)
    assert outcome.means is not None
    assert len(outcome.means.names) == 4 + 8
    assert 5e7 < outcome.peak < 5e9


# The row-wise program states the posterior that `fit.code()` does.


def thinned(design: Design) -> pd.DataFrame:
    return design.data().iloc[::5].reset_index(drop=True)


def test_rowwise_is_compiled_as_by_cmdstan():
    own = bundled()
    theirs = by_default(own)
    assert own.stanc_flags
    assert theirs.stanc_flags == ()
    assert {flag for flag in theirs.flags if not flag.startswith(("-W", "-D_GLIBCXX"))} == {
        "-std=c++17", "-O3", "-D_REENTRANT", "-DSTAN_THREADS", "-DBOOST_DISABLE_ASSERTS",
    }  # fmt: skip


@pytest.mark.long  # each compiles a program as CmdStan does
@pytest.mark.parametrize(
    "name",
    [
        "sleepstudy", "grouseticks", "lfp", "verbagg", "cbpp", "radon-t", "epilepsy",
        "trials-lognormal",
    ],
)  # fmt: skip
def test_rowwise_density(name, tmp_path):
    design = DESIGNS[name]
    data = thinned(design) if name in ("verbagg", "trials-lognormal") else design.data()
    model = model_of(design.formula, design.family, data)
    program = rowwise(model)
    source, read = stan_program(model)
    path = tmp_path / "reader_test.stan"
    path.write_text(source, encoding="utf-8")
    n_effects = [(len(g.levels), g.Z.shape[1], g.correlated) for g in model.design.groups]
    n_first = 1 + model.design.X.shape[1]
    points, turned = made_points(n_first, n_effects, len(model.family.auxiliary))
    ours = log_density(compiled_by_default(program.source), program.data, turned)[0]
    theirs = log_density(build(path), read, points)[0]
    difference = ours - theirs
    assert difference == pytest.approx(difference[0], abs=1e-7 * np.abs(ours).max())
    assert np.ptp(ours) > 10


def made_points(
    n_first: int, groups: list[tuple[int, int, bool]], n_aux: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points for the reader's program, and order them as the row-wise one does.

    The reader's has sd, L, z by effect (a matrix of levels by effects) for each group; the other
    has sd, z (effects by levels), L where effects are correlated. Stan stores columns first.
    """
    rng = np.random.default_rng(7)
    points, turned = [], []
    for _ in range(5):
        parts = [rng.normal(0, 0.5, n_first)]
        other = [parts[0]]
        for J, q, correlated in groups:
            sd, z = rng.normal(0, 0.5, q), rng.normal(0, 0.5, (J, q))
            L = rng.normal(0, 0.5, q * (q - 1) // 2 if correlated else 0)
            parts += [sd, L, z.ravel("F")]
            # (q, J) of a correlated term by columns; else an array of q vectors
            other += [sd, z.ravel("C"), L] if L.size else [sd, z.ravel("F")]
        aux = rng.normal(0, 0.5, n_aux)
        points.append(np.concatenate([*parts, aux]))
        turned.append(np.concatenate([*other, aux]))
    return np.array(points), np.array(turned)
