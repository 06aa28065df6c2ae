"""What ``stan/waiting_times.stan`` asks for, of three families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from winstan.families.family import Statistics

_CODES = {"exponential": 1, "weibull": 2, "inverse_gaussian": 3}


def waiting_statistics(
    family: Literal["exponential", "weibull", "inverse_gaussian"], own: Statistics
) -> dict[str, Any]:
    """Add to a family's statistics those that the others have, empty, and which family it is."""
    none: dict[str, Any] = dict.fromkeys(
        ("n", "mean_y", "excess", "log_value", "tally"), np.zeros(0)
    )
    return {**none, "V": 0, "cell": np.zeros(0, int), **own, "waiting": _CODES[family]}
