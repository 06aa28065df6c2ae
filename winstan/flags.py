"""Options that are True or False: anything else that Python would take for either is refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Options whose None is a value: whatever suits.
_OR_NONE = frozenset({"progress", "log"})
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "ratio": " A ratio r is a change of 100 * (r - 1) percent: take draws=True, which has it "
        "draw by draw.",
        "draws": " All draws are returned: take a part of the rows for fewer.",
        "slope": " Name the predictor first: contrast('dose', slope=True).",
        "log": " The axis' other scales are plotnine's: add scale_y_continuous(trans=...).",
    }
)


def check_flags(*or_none: str, **given: object) -> None:
    """Refuse values that are neither True nor False, by the name of the option.

    Parameters
    ----------
    *or_none
        Options that may be None too, as ``log`` and ``progress`` always may.
    **given
        Options by name.

    Raises
    ------
    OptionError
        Naming the first such option.
    """
    for name, value in given.items():
        may_be_none = name in _OR_NONE or name in or_none
        if isinstance(value, bool | np.bool_) or (value is None and may_be_none):
            continue
        choices = "True, False or None" if may_be_none else "True or False"
        raise OptionError(f"{name} must be {choices}, not {value!r}.{_HINTS.get(name, '')}")
