"""Gaussian models with correlated residuals: coefficients and effects integrated out.

`plan` says where that is possible; `structure` is a kind of correlation, `autoregressive`,
`compound_symmetry` and `patterned` are the kinds, `kinds` has the one of a term; `spreads` are the
residuals' sds, `statistics` the cross-products, `marginal` the likelihood by the matrices of
`system`, put together by `assembly`. `coordinates` are those of what is left to sample, `draws`
gives the draws of what was integrated, `rows` the residuals of rows given others.
"""

from winstan.residual.assembly import correlate
from winstan.residual.coordinates import adapt
from winstan.residual.marginal import CorrelatedResiduals
from winstan.residual.plan import check_residual
from winstan.residual.priors import residual_slots
from winstan.residual.structure import Structure

__all__ = [
    "CorrelatedResiduals",
    "Structure",
    "adapt",
    "check_residual",
    "correlate",
    "residual_slots",
]
