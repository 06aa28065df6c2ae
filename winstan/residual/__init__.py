"""Gaussian models with correlated residuals: coefficients and effects integrated out.

`plan` says where that is possible, `structures` has the kinds of correlation and what each weighs,
`statistics` the cross-products, `marginal` the likelihood that they make, `coordinates` those of
what is left to sample; `draws` gives the draws of what was integrated.
"""

from winstan.residual.coordinates import adapt
from winstan.residual.marginal import CorrelatedResiduals, correlate
from winstan.residual.plan import check_residual
from winstan.residual.priors import residual_slots
from winstan.residual.structures import Structure

__all__ = [
    "CorrelatedResiduals",
    "Structure",
    "adapt",
    "check_residual",
    "correlate",
    "residual_slots",
]
