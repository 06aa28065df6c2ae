"""``hsgp(t)`` in bambi's terms: its functions are the same where they are about the same middle.

bambi measures the covariate of each level of ``by=`` from the middle of that level's own values,
and winstan from the middle of all that the first fit had: with one range at all levels, as in a
time course, these are one. Its splines are
those of formulae, with other columns and no penalty, and are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.design.bases import Process
from winstan.errors import BackendError
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.design.smooths import FittedSmooth, Smooth
    from winstan.model import Model

# bambi takes the distances of all pairs of rows, whether it needs them or not.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """A term as a formula has it, and what it is called."""

    text: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class BambiCurve:
    """A Gaussian process, as bambi has it.

    Attributes
    ----------
    smooth : Smooth
    fitted : FittedSmooth
    along, by : str
        Names of the columns that bambi is given; no `by` without levels.
    """

    smooth: Smooth
    fitted: FittedSmooth
    along: str
    by: str

    @property
    def term(self) -> Written:
        """The term, of the columns that bambi is given."""
        return self._written(self.along, self.by)

    def program_term(self, by: str) -> Written:
        """Return the term of a program in the user's names; `by` is the column of its levels."""
        return self._written(self.fitted.spec.covariate.text, quote_name(by) if by else "")

    def _written(self, along: str, by: str) -> Written:
        basis = self.fitted.basis
        assert isinstance(basis, Process)
        # formulae reads no exponents, and names terms by Python's way to write a number.
        reach = np.format_float_positional(basis.reach, 12, fractional=False, trim="0")
        start = f"hsgp({along}{f', by={by}' if by else ''}, m={basis.frequency.size}, L="
        end = ", share_cov=False, scale=False)"
        return Written(f"{start}{reach}{end}", f"{start}{float(reach)}{end}")

    def columns(self, model: Model) -> dict[str, Array]:
        """Return its columns, by row of the data; levels by number, so that their order is ours."""
        rows, row = model.design.predictors, model.design.row
        out: dict[str, Array] = {self.along: self.fitted.covariate(rows)[row]}
        if self.by:
            out[self.by] = self.fitted.level(rows)[row]
        return out


def curves_of(design: Design) -> list[BambiCurve]:
    """List the curves of a parameter: those along a column first.

    formulae cannot compare a call of a call, hsgp(log(t)), with a later one of a name.
    """
    own = f"winstan_{design.prefix}"
    curves = [
        BambiCurve(smooth, fitted, f"{own}along_{i}", f"{own}by_{i}" if fitted.levels else "")
        for i, (smooth, fitted) in enumerate(
            zip(design.smooths, design.memory.smooths, strict=True)
        )
    ]
    return sorted(curves, key=lambda one: not isinstance(one.fitted.spec.covariate.node, Name))


def every_curve(model: Model) -> Iterator[BambiCurve]:
    """List the curves of all parameters."""
    for design in model.design.every:
        yield from curves_of(design)


def check_curves(model: Model) -> None:
    """Refuse curves that bambi has not, or has with another meaning.

    Raises
    ------
    BackendError
    """
    instead = "use backend='stan' or 'pymc'"
    for spec in model.formula.curves:
        if spec.kind == "s":
            raise BackendError(
                f"bambi has no penalised splines, as {spec.text} is: {instead}"
                + ("." if spec.group else f", or hsgp({spec.covariate.text}), which bambi has too.")
            )
        if model.family.of_labels is not None:
            raise BackendError(f"bambi has no {spec.text} of categories: {instead}.")
        if (n := model.design.row.size) > MOST_ROWS:
            raise BackendError(
                f"bambi takes the distances of all pairs of rows for {spec.text}, and there are "
                f"{n:,} rows: {instead}."
            )
    for curve in every_curve(model):
        if not _in_the_middle(curve, model):
            spec = curve.fitted.spec
            of = f" of each level of {spec.by!r}" if spec.by else ""
            raise BackendError(
                f"bambi measures {spec.covariate.name!r} from the middle of its values{of}, which "
                f"is another here, so that {spec.text} would be another model: {instead}."
            )


def _in_the_middle(curve: BambiCurve, model: Model) -> bool:
    """Whether the curve's middle is that of the rows, at each level of ``by=``."""
    basis, columns = curve.fitted.basis, curve.columns(model)
    assert isinstance(basis, Process)
    x = columns[curve.along]
    level = columns.get(curve.by, np.zeros(x.size, int))
    ends = [(x[level == a].min(), x[level == a].max()) for a in np.unique(level)]
    return bool(np.allclose(np.mean(ends, axis=1), basis.middle, rtol=0, atol=1e-9 * basis.span))
