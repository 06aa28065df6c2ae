"""Rows of a unit that are correlated: their residuals, or effects of single rows.

In gaussian models coefficients and effects are integrated out. `plan` says what is possible;
`structure` is a kind of correlation, `autoregressive`,
`compound_symmetry` and `patterned` are the kinds, `kinds` has the one of a term; `spreads` are the
residuals' sds, `statistics` the cross-products, `marginal` the likelihood by the matrices of
`system`, put together by `assembly`. `coordinates` are those of what is left to sample, `draws`
gives the draws of what was integrated, `rows` the residuals of rows given others. In other models
rows are sampled one by one (`row_correlation`): latent effects, or residuals of a joint density,
unit by unit (`units`).
"""

from winstan.residual.assembly import correlate
from winstan.residual.coordinates import adapt
from winstan.residual.marginal import CorrelatedResiduals
from winstan.residual.plan import check_residual
from winstan.residual.priors import residual_slots
from winstan.residual.row_correlation import (
    RowCorrelation,
    are_uninformed,
    correlate_rows,
    latent_place,
)
from winstan.residual.structure import Structure

__all__ = [
    "CorrelatedResiduals",
    "RowCorrelation",
    "Structure",
    "adapt",
    "are_uninformed",
    "check_residual",
    "correlate",
    "correlate_rows",
    "latent_place",
    "residual_slots",
]
