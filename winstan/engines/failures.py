"""What an engine raises, as an error of winstan's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from winstan.errors import DataError, WinstanError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 500


@contextmanager
def told_by(engine: str) -> Iterator[None]:
    """Turn whatever an engine raises into a `DataError` that says so; interrupts pass.

    Raises
    ------
    DataError
        With the engine's own words.
    """
    try:
        yield
    except WinstanError:
        raise
    except Exception as error:
        words = str(error).strip()[:_SHOWN] or type(error).__name__
        raise DataError(
            f"{engine} could not read or group the data, and nothing was kept of it: "
            f"{type(error).__name__}: {words}"
        ) from error
