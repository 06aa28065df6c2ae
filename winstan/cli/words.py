"""Words of the command line."""

from __future__ import annotations


def one_line(message: object) -> str:
    """Return a message on one line."""
    return " ".join(str(message).split())
