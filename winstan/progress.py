"""One line of progress on stderr, in terminals and notebooks."""

from __future__ import annotations

import sys
import time
from typing import Self


class ProgressLine:
    """A line that is rewritten in place and can be removed.

    Parameters
    ----------
    wanted
        True or False; None means: where a person looks on, in a terminal or a notebook.
    """

    __slots__ = ("_next", "_on", "_rewrites", "_width", "started")

    def __init__(self, wanted: bool | None) -> None:
        self._rewrites = someone_looks_on()
        self._on = self._rewrites if wanted is None else wanted
        self._width = 0
        self._next = 0.0
        self.started = time.monotonic()

    def __enter__(self) -> Self:
        """Return the line."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Remove the line."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")

    @property
    def on(self) -> bool:
        """Whether anything is written."""
        return self._on

    @property
    def elapsed(self) -> float:
        """Seconds since the line was made."""
        return time.monotonic() - self.started

    def show(self, text: str) -> None:
        """Put `text` in place of what the line said, ten times a second at most.

        In a log file, where nothing can be rewritten, it becomes a line every ten seconds.
        """
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        if not self._rewrites:
            self._next = now + 10
            self._write(text + "\n")
            return
        self._next = now + 0.1
        self._write("\r" + text.ljust(self._width))
        self._width = max(self._width, len(text))

    def keep(self, text: str) -> None:
        """Write a last line that stays."""
        if self._on:
            self._write(("\r" if self._width else "") + text.ljust(self._width) + "\n")
            self._width = 0

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def someone_looks_on() -> bool:
    """Return whether stderr is a terminal or we are in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and type(shell).__name__ == "ZMQInteractiveShell":
        return True
    return bool(getattr(sys.stderr, "isatty", lambda: False)())


def duration(seconds: float) -> str:
    """Return seconds as people read them: ``8 s``, ``2 min 5 s``, ``1 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
