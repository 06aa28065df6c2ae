"""Names as people write them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def find_name(asked: str, known: Iterable[str]) -> str | None:
    """Find a parameter by the name that a table prints, or as a formula may have it.

    Parameters
    ----------
    asked
        ``I(x / 10)``, ``I(x/10)``, ``C(g, Treatment("b"))[c]``.
    known
        Names as winstan gives them.

    Returns
    -------
    str or None
        The known name that is this one, or the only one that is but for blanks about signs, the
        kind of quotes, and the slash, which is a fraction slash in a DataTree; None without any.
    """
    names = list(known)
    if asked in names:
        return asked
    wanted = _spelling(asked)
    found = [name for name in names if _spelling(name) == wanted]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=10_000)
def _spelling(name: str) -> str:
    plain = name.replace("\N{FRACTION SLASH}", "/").replace('"', "'")
    return re.sub(r"\s*([^\w\s])\s*", r"\1", plain.strip())
