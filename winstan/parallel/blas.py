"""BLAS on one thread, where what it works on is small."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to the thread that calls it.

    L-BFGS-B solves triangular systems of a few rows by LAPACK, for which OpenBLAS wakes all of its
    threads: these spin, and where processors are busy the caller waits for them, a hundred times as
    long as the solution takes.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - looks at all libraries

    return ThreadpoolController()
