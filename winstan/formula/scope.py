"""Names of the caller's own that a formula may use."""

from __future__ import annotations

import inspect
from typing import Any


def namespace_of_caller() -> dict[str, Any]:
    """Names that the formula may call: those in scope where `fit` was called."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("winstan."):
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}
