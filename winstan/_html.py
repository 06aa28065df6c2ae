"""Results as notebooks show them."""

from __future__ import annotations

from html import escape

_GOOD, _BAD = "#009E73", "#D55E00"


def heading(title: str, rest: str = "") -> str:
    """Return a title, and what is said below it."""
    return f"<div><b>{escape(title)}</b>{f'<br>{escape(rest)}' if rest else ''}</div>"


def verdict(text: str, *, ok: bool) -> str:
    """Return a verdict, with a bar of its colour."""
    return (
        f'<div style="border-left: 4px solid {_GOOD if ok else _BAD}; padding-left: 0.6em; '
        f'margin: 0.6em 0">{escape(text)}</div>'
    )


def lines(*parts: str) -> str:
    """Return parts one below the other; none of those that are empty."""
    return "\n".join(part for part in parts if part)


def note(text: str) -> str:
    """Return a line of plain text, or nothing."""
    return f"<div>{escape(text)}</div>" if text else ""
