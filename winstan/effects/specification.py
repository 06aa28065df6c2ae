"""What can be asked of a model before any prior or draw: formula, design, family and link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from winstan.families.gaussian import GAUSSIAN
from winstan.families.links import LINKS
from winstan.tuning import USUAL

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.families import Family, Link
    from winstan.formula import Formula
    from winstan.residual import CorrelatedResiduals, RowCorrelation
    from winstan.tuning import Tuning


class Specified(Protocol):
    """Anything that says what is modelled: a `Model`, or a `Specification`."""

    @property
    def formula(self) -> Formula:
        """What was written."""

    @property
    def design(self) -> Design:
        """Its matrices."""

    @property
    def family(self) -> Family:
        """The distribution of the response."""

    @property
    def link(self) -> Link:
        """The link of its mean."""

    @property
    def residuals(self) -> CorrelatedResiduals | RowCorrelation | None:
        """How residuals are correlated."""

    @property
    def correlation(self) -> RowCorrelation | None:
        """How effects of single rows are correlated, if it is not residuals."""

    @property
    def tuning(self) -> Tuning:
        """How much is held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Specification:
    """As much of a `Model` as comparisons need; by default that of least squares."""

    formula: Formula
    design: Design
    family: Family = GAUSSIAN
    link: Link = LINKS["identity"]
    tuning: Tuning = USUAL
    residuals: None = None
    correlation: None = None
