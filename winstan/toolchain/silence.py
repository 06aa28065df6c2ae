"""cmdstanpy without its chatter."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextlib.contextmanager
def quiet_cmdstanpy() -> Iterator[ModuleType]:
    """Give cmdstanpy with its logger silenced for the while, as the user may also use it."""
    import cmdstanpy  # noqa: PLC0415 - half a second that `import winstan` must not take

    logger = logging.getLogger("cmdstanpy")
    before = logger.disabled
    logger.disabled = True
    try:
        yield cmdstanpy
    finally:
        logger.disabled = before
