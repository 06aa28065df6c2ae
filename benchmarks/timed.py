"""How calls are timed: the least of several, the memory that they add, a process of their own."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STATM = Path("/proc/self/statm")
_PAGE = 4096


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
def peak() -> Iterator[Callable[[], float]]:
    """Watch the resident size; what is given says by how many bytes it grew at most."""
    if not _STATM.exists():
        yield lambda: float("nan")
        return

    def resident() -> float:
        return float(_STATM.read_text().split()[1]) * _PAGE

    before, sizes, over = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            sizes.append(resident())
            sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: max(sizes) - before
    finally:
        over.set()
        thread.join()


def in_new_process(call: Callable[[], Any]) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call).result()
