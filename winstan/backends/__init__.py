"""Backends: each takes a `Model` and gives `Draws`; a name chooses one, once, at the edge."""

from __future__ import annotations

from winstan.backends.base import Backend, backend_named, backends_named, one_backend
from winstan.settings import Settings

__all__ = ["Backend", "Settings", "backend_named", "backends_named", "one_backend"]
