"""Fits that are interrupted, in forked and spawned processes, and one after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from template_cases import data_of

import winstan as ws
from benchmarks.soak import grown, held, soak

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning"),
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are told by /proc"),
]
SETTINGS = {"chains": 2, "warmup": 50, "draws": 100, "seed": 3, "progress": False, "silence": "all"}


def slope_draws(family: str) -> np.ndarray:
    fit = ws.fit("y ~ x + (1|g)", data_of(family), family=family, **SETTINGS)
    return fit.draws["posterior"]["x"].to_numpy()


def put_draws(family: str, queue) -> None:
    warnings.simplefilter("ignore")
    queue.put(slope_draws(family))


# Python warns of forks beside threads, of which a sampler's own processes know nothing.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_and_spawned_processes_at_once_have_the_same_draws():
    here = slope_draws("gamma")
    started = []
    for way in ("fork", "spawn"):
        context = multiprocessing.get_context(way)
        queue = context.Queue()
        process = context.Process(target=put_draws, args=("gamma", queue))
        process.start()
        started.append((process, queue))
    for process, queue in started:
        np.testing.assert_array_equal(queue.get(timeout=120), here)
        process.join(30)
        assert process.exitcode == 0


def interrupted_after(seconds: float) -> bool:
    """Fit, and press Ctrl-C so much later; whether it was heard before the end."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        slope_draws("poisson")
    except KeyboardInterrupt:
        return True
    finally:
        timer.cancel()
        timer.join()
    return False


@pytest.mark.long  # at times, of which a busy machine has others
def test_ctrl_c_at_any_stage_ends_the_fit_and_leaves_nothing(tmp_path, monkeypatch):
    """From the first line of the formula to the table of the draws, at twelve times of a fit."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    expected = slope_draws("poisson")
    start = time.perf_counter()
    slope_draws("poisson")
    whole, before = time.perf_counter() - start, held()
    heard = []
    for share in np.linspace(0.02, 0.9, 12):
        try:
            heard.append(interrupted_after(share * whole))
        except KeyboardInterrupt:  # as the timer was stopped
            heard.append(True)
        after = held()
        assert (after.processes, after.files) == (before.processes, before.files)
        assert not list(tmp_path.iterdir())
    assert sum(heard) >= 8
    np.testing.assert_array_equal(slope_draws("poisson"), expected)


@pytest.mark.long
def test_a_hundred_fits_leave_nothing_behind():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.ConvergenceWarning)
        early, late = soak(100)
    assert grown(early, late) == []
