"""Compilers as child processes: several at once, none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.errors import BackendError
from winstan.progress import ProgressLine, duration
from winstan.toolchain.cache import disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_SHOWN_LINES = 15

# stanc is written in OCaml: with 256 MB for what is young, not 2, it takes a fifth less time
_MEMORY_OF_STANC = {"OCAMLRUNPARAM": "s=32M"}


@dataclass(frozen=True, slots=True)
class Job:
    """A command that runs in its own folder and leaves its result there.

    Attributes
    ----------
    label
        What is made.
    command, folder
    then
        What is made of its result, at once; only that is yielded.
    complaint
        How the error begins, where it is not the compiler's.
    before
        What is done in the folder as the command starts.
    """

    label: str
    command: list[str]
    folder: Path
    then: Job | None = None
    complaint: str = ""
    before: Callable[[], None] | None = None

    @property
    def log(self) -> Path:
        """What the command says."""
        return self.folder / "log"


def run_jobs(
    jobs: list[Job], limit: int, line: ProgressLine, doing: str, cache: Path
) -> Generator[Job]:
    """Run commands, `limit` at once, and yield each as it succeeds.

    The first failure, and any exception here or in the caller's loop (Ctrl-C too), kills the rest.

    Raises
    ------
    BackendError
        If a command fails, with the end of what it said.
    """
    waiting, finished = list(jobs), 0
    running: list[tuple[Job, subprocess.Popen[bytes]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < limit:
                running.append((waiting[0], _start(waiting.pop(0))))
            for job, process in list(running):
                if process.poll() is None:
                    continue
                if process.returncode != 0:
                    raise _failure(job, process.returncode, doing, cache)
                place = running.index((job, process))
                if job.then is not None:
                    running[place] = (job.then, _start(job.then))
                    continue
                del running[place]
                finished += 1
                yield job
            if running:
                names = ", ".join(job.label for job, _ in running)
                count = f"{finished} of {len(jobs)} done"
                line.show(f"{doing} {names}: {count}, {duration(line.elapsed)} (once per machine)")
                time.sleep(0.02)
    finally:
        for _, process in running:
            _kill(process)


def _start(job: Job) -> subprocess.Popen[bytes]:
    if job.before is not None:
        job.before()
    with job.log.open("wb") as log:
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=job.folder,
            env={**_MEMORY_OF_STANC, **os.environ, "TMPDIR": str(job.folder), "LC_ALL": "C"},
            start_new_session=True,  # a compiler is a family of processes: one group to kill
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failure(job: Job, code: int, doing: str, cache: Path) -> BackendError:
    said = job.log.read_text(encoding="utf-8", errors="replace")
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return disk_full(cache)
    if code == -signal.SIGKILL or "Killed signal terminated program" in said:
        return BackendError(
            f"{doing} {job.label}: the compiler was killed, most likely for want of memory (it"
            " needs up to 2 GB). Free some, or compile one template at a time (jobs=1)."
        )
    end = "\n".join(said.strip().splitlines()[-_SHOWN_LINES:])
    if job.complaint:
        return BackendError(f"{job.complaint}:\n{end}")
    command = os.path.basename(job.command[0])  # noqa: PTH119 - a name, not a path to open
    return BackendError(f"{doing} {job.label} failed ({command}, exit code {code}):\n{end}")
