"""The density of a censored or truncated row, as a Stan program for readers states it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.backends.program_pieces import Column


@dataclass(frozen=True, slots=True)
class LimitedRow:
    """The pieces of the statement.

    Attributes
    ----------
    distribution, arguments : str
        ``normal`` and ``mu[n], sigma``.
    y : str
        The response of a row.
    of : str
        What the distribution is of: ``{y}``, or ``{y} - ndt``.
    whole : bool
        Whether it is a count.
    columns : mapping of str to Column
        What is known of limits, see `winstan.families.sample.Limits`.
    """

    distribution: str
    arguments: str
    y: str
    of: str
    whole: bool
    columns: Mapping[str, Column]

    def lines(self, weight: str) -> list[str]:
        """Write the loop over rows; `weight` is nothing, or such as ``w[n] * ``."""
        density = f"{self.distribution}_{'lpmf' if self.whole else 'lpdf'}"
        measured = f"{density}({self.of.format(y=self.y)} | {self.arguments})"
        lb, ub = self._bounds()
        divisor = self._between(lb, ub)
        out = ["for (n in 1:N) {", *self._cases(measured, weight)]
        if divisor:
            out.append(f"  target += -{weight}{divisor};")
        return [*out, "}"]

    def _cases(self, measured: str, weight: str) -> list[str]:
        """Write the statements of measured rows and of those that are censored."""
        if "status" not in self.columns:
            return [f"  target += {weight}{measured};"]
        status = f"{self.columns['status'].name}[n]"
        lb, ub = self._bounds()
        cases = [
            ("0", measured),
            ("-1", self._between(lb, self.y)),
            ("1", self._between(self.y, ub)),
        ]
        if "upper" in self.columns:
            cases.append(("2", self._between(self.y, f"{self.columns['upper'].name}[n]")))
        out = []
        for place, (code, said) in enumerate(cases):
            head = f"  {'else ' if place else ''}if ({status} == {code})"
            out += [head, f"    target += {weight}{said};"]
        return out

    def _bounds(self) -> tuple[str, str]:
        """Return the ends of (a, b] that truncation leaves; nothing where there is none."""
        lb, ub = (
            f"{self.columns[name].name}[n]" if name in self.columns else "" for name in ("lb", "ub")
        )
        return f"{lb} - 1" if lb and self.whole else lb, ub

    def _between(self, low: str, high: str) -> str:
        """Write the log probability of (low, high]."""
        below, above = (
            f"{self.distribution}_lcdf({self._end(end)} | {self.arguments})" for end in (low, high)
        )
        if low and high:
            return f"log_diff_exp({above}, {below})"
        if low:
            return f"{self.distribution}_lccdf({self._end(low)} | {self.arguments})"
        return above if high else ""

    def _end(self, end: str) -> str:
        """Write what the distribution is of at an end, which may lie below a shift."""
        at = self.of.format(y=end)
        return at if at == end else f"fmax({at}, 0)"
