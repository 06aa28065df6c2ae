"""Packages without their chatter."""

from __future__ import annotations

import contextlib
import logging
from importlib import import_module
from typing import TYPE_CHECKING

from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextlib.contextmanager
def silent(package: str) -> Iterator[None]:
    """Silence a package's logger for the while, as the user may also use it.

    By a filter of one's own: several threads would restore a switch as another had left it.
    """
    logger = logging.getLogger(package)

    def nothing(_record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)


@contextlib.contextmanager
def quiet_cmdstanpy() -> Iterator[ModuleType]:
    """Give cmdstanpy with its logger silenced for the while.

    Raises
    ------
    BackendError
        If it is not installed.
    """
    try:
        # Half a second, which `import winstan` must not take.
        cmdstanpy = import_module("cmdstanpy")
    except ImportError as problem:
        raise BackendError(
            "backend='stan' needs cmdstanpy: pip install cmdstanpy; or use backend='pymc'."
        ) from problem
    with silent("cmdstanpy"):
        yield cmdstanpy
