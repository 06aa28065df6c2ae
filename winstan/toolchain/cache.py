"""The folder of compiled programs: whole entries only, each built once."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_ALLOWED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
}
FULL = {errno.ENOSPC, errno.EDQUOT}


def digest(*parts: str | bytes) -> str:
    """Return a SHA-256 of the parts, as 24 hexadecimal digits; parts never run into each other."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(str(len(raw)).encode() + b":" + raw)
    return total.hexdigest()[:24]


@contextlib.contextmanager
def explained(cache: Path) -> Iterator[None]:
    """Turn a failure to write into the cache into a `BackendError` that says what to do."""
    try:
        yield
    except OSError as problem:
        if problem.errno in FULL:
            raise disk_full(cache) from problem
        if problem.errno in _NOT_ALLOWED:
            raise BackendError(
                f"winstan cannot write to its folder of compiled programs, {str(cache)!r}:"
                f" {problem.strerror}. Set the environment variable WINSTAN_CACHE to a folder that"
                " you can write to."
            ) from problem
        raise


def disk_full(cache: Path) -> BackendError:
    """Return the error for a disk without room."""
    return BackendError(
        f"The disk is full: no room to compile in {str(cache)!r} (about 20 MB are needed). Free"
        " some space, or set the environment variable WINSTAN_CACHE to a folder on another disk."
    )


@contextlib.contextmanager
def locked(cache: Path, entry: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the one right of all processes to build `entry`; call `waiting` while another has it.

    The operating system frees the lock of a process that dies, so that a killed build blocks
    nobody.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only what is built is locked

    lock = FileLock(_lock_path(cache, entry))
    while True:
        try:
            lock.acquire(timeout=0.2, poll_interval=0.05)
            break
        except Timeout:
            waiting()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def workshop(cache: Path, entry: str) -> Iterator[Path]:
    """Give a private folder on the cache's disk in which to build `entry`, whose lock is held.

    Holding the lock, one knows that whatever bears the entry's name was left by a killed build.
    """
    for left in cache.glob(f"{entry}.*.building"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{entry}.", suffix=".building", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(built: Path, entry: Path) -> None:
    """Move a finished file into the cache: on the disk first, then visible, in one step."""
    for path in (built, built.parent):
        _sync(path)
    built.rename(entry)
    _sync(entry.parent)


def sweep(cache: Path) -> None:
    """Remove what killed builds left: the workshops whose lock nobody holds."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - as above

    for folder in cache.glob("*.building"):
        lock = FileLock(_lock_path(cache, folder.name.split(".")[0]))
        with contextlib.suppress(Timeout, OSError), lock.acquire(timeout=0):
            shutil.rmtree(folder, ignore_errors=True)


def _lock_path(cache: Path, entry: str) -> Path:
    return cache / f"{entry}.lock"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
