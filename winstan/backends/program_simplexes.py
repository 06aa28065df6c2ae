"""Simplexes of monotonic effects in programs for readers, and what multiplies columns by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.backends.program_names import number, pymc_dim, quote
from winstan.backends.pymc_statements import statement
from winstan.draws import tree_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.backends.program_pieces import Column
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True, eq=False)
class Simplex:
    """A simplex, under its names.

    Attributes
    ----------
    variable
        As it is reported: ``simo_dose``.
    name, heights
        What the program calls it, and what each category's number of steps is multiplied by.
    column
        Each row's category.
    prior
    """

    variable: str
    name: str
    heights: str
    column: Column
    prior: Prior

    @property
    def n(self) -> int:
        """Its shares, D."""
        return self.column.levels - 1

    @property
    def factor(self) -> str:
        """What multiplies a column of equal steps, in either language."""
        return f"{self.heights}[{self.column.name}]"

    @property
    def comments(self) -> tuple[str, str]:
        """Say what it is."""
        return (
            f"{self.name}: shares of {self.n} steps;",
            f"{self.heights}: what a category's number of steps is multiplied by.",
        )

    def _concentrations(self) -> list[str]:
        return [number(value) for value in self.prior.numbers]

    def stan_priors(self) -> str:
        """Write its prior in Stan."""
        alpha = self._concentrations()
        own = f"[{', '.join(alpha)}]'" if len(alpha) > 1 else f"rep_vector({alpha[0]}, {self.n})"
        return f"{self.name} ~ dirichlet({own});"

    def stan_heights(self) -> list[str]:
        """Write what categories are multiplied by in Stan."""
        D = self.n
        made = f"{D} * cumulative_sum({self.name}) ./ linspaced_vector({D}, 1, {D})"
        return [f"vector[{D + 1}] {self.heights}", f"  = append_row(1, {made});"]

    def pymc_lines(self) -> list[str]:
        """Write it with its prior, and what categories are multiplied by, in PyMC."""
        alpha, D = self._concentrations(), self.n
        own = f"np.array([{', '.join(alpha)}])" if len(alpha) > 1 else f"np.full({D}, {alpha[0]})"
        dims = quote(pymc_dim(self.variable))
        made = f"{D} * pm.math.cumsum({self.name}) / np.arange(1, {D + 1})"
        arguments = [quote(tree_name(self.variable)), f"a={own}", f"dims={dims}"]
        return [
            *statement(f"{self.name} = pm.Dirichlet(", arguments, ")"),
            *statement(f"{self.heights} = pm.math.concatenate([", ["np.ones(1)", made], "])"),
        ]


def bent(column: str, factors: Sequence[str], times: str) -> str:
    """Multiply a column of equal steps by its factors."""
    return f" {times} ".join([column, *factors])
