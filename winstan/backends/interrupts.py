"""Interrupts that samplers of other packages swallow: PyMC returns the chains that it has."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def interrupts_raised() -> Iterator[Callable[..., None]]:
    """Raise KeyboardInterrupt at the end of a block in which one came, whoever caught it.

    Yields
    ------
    callable
        Raises KeyboardInterrupt if one has come: for samplers that call back with each draw. It
        takes any arguments.

    Notes
    -----
    Signals reach Python's main thread only; elsewhere, and where they are ignored, this does
    nothing.
    """
    came = False

    def check(*_: Any, **__: Any) -> None:
        if came:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield check
        return

    def note(number: int, frame: Any) -> None:
        nonlocal came
        try:
            before(number, frame)
        except KeyboardInterrupt:
            came = True  # a handler of the caller's own may not mean to stop
            raise

    signal.signal(signal.SIGINT, note)
    try:
        yield check
        check()
    except Exception:
        check()  # what followed from the interrupt is not the problem
        raise
    finally:
        signal.signal(signal.SIGINT, before)
