"""Gaussian models with coefficients and group effects integrated out, and drawn afterwards.

`plan` says whether and how, `statistics` takes the cross-products, of which `system` makes the
likelihood; `variances` has the coordinates of what is left to sample, which
`importance_sampling` finds;
`draws` gives the draws of what was integrated (`winstan.unconstrained` asks for them).
"""

from winstan.marginal.importance_sampling import adapt_coordinates
from winstan.marginal.plan import Plan, plan_marginal
from winstan.marginal.statistics import Marginal, marginalise
from winstan.marginal.variances import VarianceCoordinates

__all__ = [
    "Marginal",
    "Plan",
    "VarianceCoordinates",
    "adapt_coordinates",
    "marginalise",
    "plan_marginal",
]
