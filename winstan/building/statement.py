"""What the data say under a formula and a family: rows in cells, their likelihood and scales."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from winstan._angles import mean_direction
from winstan.cells import compress
from winstan.design import stack
from winstan.families.limits import limited
from winstan.likelihood import Likelihood
from winstan.residual import check_residual
from winstan.scales import measure_scales
from winstan.validation import (
    check_intercept,
    check_names,
    check_parameters,
    check_predicted,
    check_response,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Design, Stacked
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.model import Model
    from winstan.scales import Scales


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """The data under a formula and a family, checked, before any priors.

    Attributes
    ----------
    design : Design
    stacked : Stacked
        The linear predictors of all parameters, as one.
    cells : Cells
        C distinct rows of the design.
    likelihood : Likelihood
    scales : Scales
    """

    design: Design
    stacked: Stacked
    cells: Cells
    likelihood: Likelihood
    scales: Scales

    @property
    def integrates_residuals(self) -> bool:
        """Whether residuals are correlated and all else is integrated out."""
        residuals = self.likelihood.family.residuals
        return self.design.residual is not None and residuals == "integrated"

    def with_offset(self, constant: Array) -> Statement:
        """Add to the cells' offset, shape (B * C,)."""
        return replace(self, cells=replace(self.cells, offset=self.cells.offset + constant))


def summarise(
    formula: Formula,
    design: Design,
    family: Family,
    link: Link,
    parametrization: str | Mapping[str, str] | None,
    like: Model | None = None,
) -> Statement:
    """Refuse what the family does not have, and summarise the rows in cells.

    Numbers that the data bound have their prior as a share of the bound: that of `like`, a model of
    more rows, where there is one.

    Raises
    ------
    DataError, FamilyError, FormulaError, OptionError
    """
    if design.response.limits is not None:
        family = limited(family, design.response.limits)
    check_predicted(formula, family)
    stacked = stack(design)
    check_parameters(formula, design, family)
    check_intercept(formula, design, family)
    check_response(design, family, link)
    # As far from the data as can be, whatever angle is called zero; one that is turned stays so.
    if link.cut and not link.origin:
        link = link.about(float(mean_direction(design.response.y, design.weights)))
    cells = compress(design, stacked, family, link)
    if like is not None:
        own = like.likelihood.statistics
        bounds = {p.bound: own[p.bound] for p in family.parameters if p.bound is not None}
        cells = replace(cells, statistics={**cells.statistics, **bounds})
    likelihood = Likelihood.of(cells, family, link, stacked.parameters[1:])
    check_names(stacked, likelihood)
    scales = measure_scales(cells, likelihood)
    if design.residual is not None:
        check_residual(design, family, link, parametrization)
    return Statement(design, stacked, cells, likelihood, scales)
