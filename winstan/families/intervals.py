"""The intervals that censored and truncated responses lie in, as a family's statistics have them.

A censored row lies in an interval (a, b], without end on one side or the other; truncation between
lb and ub divides each row's likelihood by that of such an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.sample import LEFT, MEASURED, RIGHT, sum_by

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Family
    from winstan.families.sample import Limits, Sample


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals of responses that have limits.

    Attributes
    ----------
    base : Family
        Of the responses, without limits.
    """

    base: Family

    def tally(self, sample: Sample, limits: Limits, part: np.ndarray) -> dict[str, Any]:
        """Count the distinct intervals of each part of a cell: first those open below, or above."""
        weight = np.ones(sample.y.size) if sample.weight is None else sample.weight
        rows = [np.empty((0, 4))]
        for low, high, sign in self._of_rows(sample, limits):
            kept = np.isfinite(low) | np.isfinite(high)  # no limit at all has probability one
            rows.append(np.column_stack([part, low, high, sign * weight])[kept])
        every = np.vstack(rows)
        kind = np.where(np.isinf(every[:, 1]), 0.0, np.where(np.isinf(every[:, 2]), 1.0, 2.0))
        keys, code = np.unique(np.column_stack([kind, every[:, :3]]), axis=0, return_inverse=True)
        tally = sum_by(code.reshape(-1), every[:, 3], len(keys))
        keys, tally = keys[tally != 0], tally[tally != 0]
        left, right, between = (keys[keys[:, 0] == kind, 1:] for kind in range(3))
        ends = [left[:, [0, 2]], right[:, [0, 1]], between[:, [0, 1]], between[:, [0, 2]]]
        end_part, interval_end = np.vstack(ends).T
        return {
            "n_left": len(left),
            "n_right": len(right),
            "n_between": len(between),
            "end_part": end_part.astype(int) + 1,
            "interval_end": interval_end,
            "interval_tally": tally,
        }

    def _of_rows(self, sample: Sample, limits: Limits) -> list[tuple[Array, Array, float]]:
        """Return the intervals of censored rows, and those that truncation divides by."""
        y = sample.y
        lb, ub = self.bounds(limits, y.size)
        out = []
        if limits.status is not None:
            low, high = self.ends(y, limits)
            # What was censored was seen between the bounds, too. Measured rows have no interval.
            low, high = np.maximum(low, lb), np.minimum(high, ub)
            is_measured = limits.status == MEASURED
            out.append(
                (np.where(is_measured, -np.inf, low), np.where(is_measured, np.inf, high), 1.0)
            )
        if limits.truncated:
            out.append((lb, ub, -1.0))
        return out

    def ends(self, y: Array, limits: Limits) -> tuple[Array, Array]:
        """Return a and b of (a, b], the response of each censored row, on the base's scale."""
        status = limits.status
        upper = y if limits.upper is None else limits.upper  # that of a left-censored row is y
        low = np.where(status == LEFT, -np.inf, y)
        high = np.where(status == RIGHT, np.inf, upper)
        return self.scaled(low), self.scaled(high)

    def bounds(self, limits: Limits, n: int) -> tuple[Array, Array]:
        """Return the bounds of truncation, a and b of (a, b], on the base's scale."""
        lb = np.full(n, -np.inf) if limits.lb is None else limits.lb
        ub = np.full(n, np.inf) if limits.ub is None else limits.ub
        # The bounds are values that can be seen: of whole numbers the lower one is, too.
        return self.scaled(np.ceil(lb) - 1 if self.base.whole else lb), self.scaled(ub)

    @property
    def least(self) -> float:
        """Below the support, or its end."""
        return {"real": -np.inf, "count": -1.0}.get(self.base.kind, 0.0)

    def scaled(self, values: Array) -> Array:
        """Return values as the base's statistics have them; those below its support have no end."""
        below = values <= self.least
        if self.base.log_response:
            values = np.log(np.where(below, 1.0, values))
        return np.where(below, -np.inf, np.floor(values) if self.base.whole else values)


def least_end(sample: Sample, limits: Limits) -> float:
    """Return the least of what responses are known to be at most, or at least if there is none."""
    ends = sample.y if limits.upper is None else limits.upper
    if limits.status is not None:
        ends = np.where(limits.status == RIGHT, np.inf, ends)
    if sample.weight is not None:
        ends = np.where(sample.weight > 0, ends, np.inf)
    return float(ends.min() if np.isfinite(ends).any() else sample.y.min())
