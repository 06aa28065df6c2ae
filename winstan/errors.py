"""Everything that winstan raises or warns of.

An error names the column, level or option at fault, how many rows are bad, and the remedy; it is
raised before any sampling. A warning names what was done or found, and how to silence or mend it.
"""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PACKAGE = str(Path(__file__).parent) + os.sep
_COLLECTED: ContextVar[list[Warning] | None] = ContextVar("winstan_collected", default=None)


class WinstanError(Exception):
    """Base of every error that winstan raises on purpose."""


class FormulaError(WinstanError, ValueError):
    """The formula cannot be read, or says something that has no meaning for these data."""


class DataError(WinstanError, ValueError):
    """The data frame does not hold what the formula needs."""


class EmptyCellError(DataError):
    """What is asked for needs the mean of a cell of an interaction that no row is in."""


class FamilyError(WinstanError, ValueError):
    """The response does not fit the family, or the family has no such link."""


class PriorError(WinstanError, ValueError):
    """A prior names an unknown parameter, or cannot stand where it was put."""


class OptionError(WinstanError, ValueError):
    """An option of a function has no such value."""


class BackendError(WinstanError, RuntimeError):
    """A backend is missing, cannot express the model, or failed while it ran."""


class FitFileError(WinstanError, OSError):
    """A file of a saved fit is damaged, of a newer winstan, or cannot be written or read."""


class AgreementError(WinstanError, RuntimeError):
    """Fits of one question disagree, or have not converged, so that nothing can be said."""


class DesignWarning(UserWarning):
    """The data can be fitted, but something about them deserves a second look.

    Attributes
    ----------
    guard
        The name in `winstan.guards.GUARDS` that silences it, or None.
    """

    def __init__(self, message: str = "", guard: str | None = None) -> None:
        super().__init__(message)
        self.guard = guard


class ConvergenceWarning(UserWarning):
    """The sampler's draws should not be trusted as they are."""


class RefitWarning(UserWarning):
    """A saved fit is not the one that is asked for, and is fitted anew; or of another family."""


class FailureWarning(UserWarning):
    """Some of the fits that were asked for could not be made; the others were."""


def warn_user(message: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn, pointing at the first caller outside winstan: the line that the user can change.

    Parameters
    ----------
    message
        What was done or found, and the remedy; or a warning that says it.
    category
        Of a text: `ConvergenceWarning`. A `DesignWarning` has a name: see `design_warnings`.
    """
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(
            message if isinstance(message, Warning) else (category or UserWarning)(message)
        )
        return
    warnings.warn(message, category, stacklevel=2, skip_file_prefixes=(_PACKAGE,))


@contextmanager
def collected_warnings() -> Iterator[list[Warning]]:
    """Keep winstan's warnings in a list, in this context and thread, in place of giving them.

    `warnings.catch_warnings` does not keep threads apart.
    """
    kept: list[Warning] = []
    token = _COLLECTED.set(kept)
    try:
        yield kept
    finally:
        _COLLECTED.reset(token)


def near_matches(name: str, known: Iterable[str]) -> str:
    """Return a ``Did you mean ...?`` sentence for a misspelt name, or the list of known names.

    Parameters
    ----------
    name
        What the user wrote.
    known
        What they could have written.
    """
    known = [str(k) for k in known]
    folded = {k.casefold(): k for k in known}
    close = get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.6)
    # `1|mouse` for `1|mouse_sigma` is too short to be close, and still what was meant.
    close += [k for k in folded if name and k.startswith(name.casefold()) and k not in close]
    if close:
        return f" Did you mean {' or '.join(repr(folded[c]) for c in close[:3])}?"
    return f" Known: {', '.join(repr(k) for k in known)}." if known else ""
