"""Run an engine in a child process: its fits, its peak memory, and an end if it takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.child import MARK
from benchmarks.measures import FitRecord, Means

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.design import Design
    from benchmarks.engine import Engine

_ROOT = Path(__file__).resolve().parents[1]
COMPILING = 600.0
_LOOK_EVERY = 0.2
_SHOWN_LINES = 15


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one fit may take (s), how much memory (bytes), and how many warm fits there are.

    The row-wise program is compiled before its budget begins, within `COMPILING` seconds; PyMC
    compiles within it.

    No further warm fit is begun once those before have taken a tenth of the budget.
    """

    budget: float
    memory: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine did on a design.

    Attributes
    ----------
    fits
        The cold one first.
    peak
        Peak memory of the process and its children until the first fit has ended, in bytes.
    means
        Of the last fit; None if there is none.
    problem
        ``"> 600 s"``, ``"> 12 GB"``, ``"failed"``; empty if all went well.
    said
        Its last lines, if it failed.
    """

    fits: tuple[FitRecord, ...]
    peak: float
    means: Means | None
    problem: str = ""
    said: str = ""


def run_engine(design: Design, engine: Engine, data: Path, limits: Limits) -> Outcome:
    """Fit a design's data (a pickled frame) by an engine, in a new process.

    Programs that serve one model only (PyMC's functions, the row-wise Stan program) are compiled
    anew, into folders that are removed; winstan's templates are taken from the user's cache.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, _own_caches(engine) as caches:
        means = Path(name) / "means.npz"
        command = [
            sys.executable, "-m", "benchmarks.child", design.name, engine.name, str(data),
            str(means), f"--repeats={limits.repeats}", f"--enough={limits.budget / 10}",
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**os.environ, **caches},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that an engine's own children end with it
        )
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            outcome = _watched(process, lines, limits)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join()
        if means.exists() and outcome.fits:
            with np.load(means) as found:
                kept = Means(tuple(found["names"].tolist()), found["mean"], found["mcse"])
            return Outcome(outcome.fits, outcome.peak, kept, outcome.problem, outcome.said)
        return outcome


@dataclass(slots=True)
class _Watch:
    """The time of the fit at hand, and the memory of the process until the first one has ended.

    Afterwards its peak would hold what judging the draws has taken.
    """

    pid: int
    limits: Limits
    peak: float = 0.0
    since: float | None = field(default_factory=monotonic)  # the preparation counts as a fit
    looked: float = field(default_factory=monotonic)
    compiling: bool = False
    fitted: bool = False

    def begin(self, *, compiling: bool = False) -> None:
        """Let a fit begin: to look takes a few ms, of which a fit of 0.1 s is to have none."""
        self.since = self.looked = monotonic()
        self.compiling = compiling

    def end(self, peak: float) -> None:
        """Let it end, and hear of its own peak."""
        self.since = None
        if not self.fitted:
            self.peak = max(self.peak, peak)
        self.fitted = True

    def problem(self) -> str:
        """Say what has been used up; an empty string if nothing has."""
        now = monotonic()
        if now - self.looked >= _LOOK_EVERY:
            memory, self.looked = _memory(self.pid), now
            if not self.fitted:
                self.peak = max(self.peak, memory)
            if memory > self.limits.memory:
                return f"> {self.limits.memory / 1e9:g} GB"
        took = 0.0 if self.since is None else now - self.since
        if self.compiling and took > COMPILING:
            return f"> {COMPILING:g} s compiling"
        if not self.compiling and took > self.limits.budget:
            return f"> {self.limits.budget:g} s"
        return ""


def _watched(
    process: subprocess.Popen[str], lines: queue.Queue[str | None], limits: Limits
) -> Outcome:
    fits: list[FitRecord] = []
    last: deque[str] = deque(maxlen=_SHOWN_LINES)
    watch = _Watch(process.pid, limits)
    while not (problem := watch.problem()):
        try:
            line = lines.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            continue
        if line is None:
            break
        if not line.startswith(MARK):
            last.append(line.rstrip())
            continue
        said: dict[str, Any] = json.loads(line.removeprefix(MARK))
        if said["event"] == "compiling":  # the budget is for sampling
            watch.begin(compiling=True)
        elif said["event"] == "start":
            watch.begin()
        elif said["event"] == "fitted":
            watch.end(said["peak"])
        else:
            fits.append(FitRecord(**said["record"]))
    if not problem and process.wait() != 0:
        return Outcome(tuple(fits), watch.peak, None, "failed", "\n".join(last))
    return Outcome(tuple(fits), watch.peak, None, problem)


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            lines.put(line)
    lines.put(None)


def _memory(root: int) -> float:
    """Return the memory of a process and its children, in bytes, shared pages counted once.

    0 where there is no /proc; the child's own peak is then all that is known.
    """
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        # Processes end while they are looked at.
        with contextlib.suppress(OSError, ValueError, IndexError):
            folder = Path("/proc") / str(pid)
            rollup = (folder / "smaps_rollup").read_text()
            total += int(rollup.split("Pss:")[1].split()[0]) * 1024
            for task in (folder / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return float(total)


@contextlib.contextmanager
def _own_caches(engine: Engine) -> Iterator[dict[str, str]]:
    """Give environment variables by which an engine finds nothing of this model compiled."""
    with tempfile.TemporaryDirectory(prefix="benchmark-cache-") as name:
        folder = Path(name)
        flags = [os.environ.get("PYTENSOR_FLAGS", ""), f"base_compiledir={folder / 'pytensor'}"]
        caches = {"PYTENSOR_FLAGS": ",".join(filter(None, flags))}
        if engine.name == "rowwise":
            from winstan.toolchain import toolchain  # noqa: PLC0415

            # What serves every program is there already, as it is for a user of brms.
            for pattern in ("driver-*", "tbb-*"):
                for path in toolchain().cache.glob(pattern):
                    copy = shutil.copytree if path.is_dir() else shutil.copy2
                    copy(path, folder / path.name)
            caches["WINSTAN_CACHE"] = str(folder)
        yield caches
