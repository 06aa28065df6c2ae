"""A limit of the processor's time, by which a hang is told from a busy machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seconds_of_work(most: float) -> Iterator[None]:
    """Fail what goes on for longer."""

    def stop(*_: object) -> None:
        raise AssertionError(f"more than {most} s of work")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
