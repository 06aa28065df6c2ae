"""How calls are timed: the least of several, the memory that they add, a process of their own."""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROC = Path("/proc/self")


def least(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the least wall and processor seconds of some calls."""
    walls, processor = [], []
    for _ in range(repeats):
        start, cpu = perf_counter(), process_time()
        call()
        walls.append(perf_counter() - start)
        processor.append(process_time() - cpu)
    return min(walls), min(processor)


@contextmanager
def programs() -> Iterator[list[float]]:
    """Give a list that the seconds of each of winstan's Stan programs are added to."""
    from winstan.toolchain import run  # noqa: PLC0415 - compilers and all

    run_program, took = run._run, []

    def timed(*arguments: Any) -> Any:
        start = perf_counter()
        said = run_program(*arguments)
        took.append(perf_counter() - start)
        return said

    with patch.object(run, "_run", timed):
        yield took


@contextmanager
def compilers() -> Iterator[dict[str, float]]:
    """Give a dict that the seconds of each of winstan's compilers are put into, by what it made."""
    build, jobs = (import_module(f"winstan.toolchain.{name}") for name in ("build", "jobs"))
    start, run_jobs = jobs._start, build.run_jobs
    began: dict[str, float] = {}
    took: dict[str, float] = {}

    def started(job: Any) -> Any:
        began[job.label] = perf_counter()
        return start(job)

    def timed(*arguments: Any) -> Iterator[Any]:
        for job in run_jobs(*arguments):
            took[job.label] = perf_counter() - began[job.label]
            yield job

    with patch.object(jobs, "_start", started), patch.object(build, "run_jobs", timed):
        yield took


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """Give what says afterwards by how many bytes the resident size grew; NaN but on Linux."""
    try:
        (_PROC / "clear_refs").write_text("5", encoding="ascii")  # the peak begins anew: proc(5)
    except OSError:
        yield lambda: float("nan")
        return
    before = _resident("VmRSS")
    grown: list[float] = []
    yield lambda: grown[0]
    # Linux counts pages by thread and adds up late: a little may be missing
    grown.append(max(0.0, _resident("VmHWM") - before))


def _resident(which: str) -> float:
    status = (_PROC / "status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(rf"{which}:\s+(\d+) kB", status)
    return float(kilobytes) * 1024


def in_new_process(call: Callable[[], Any]) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call).result()
