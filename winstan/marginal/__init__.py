"""Gaussian models with coefficients and group effects integrated out, and drawn afterwards.

`plan` says whether and how, `statistics` takes the cross-products, of which `system` makes the
likelihood; `variances` has the coordinates of what is left to sample, and `settling` finds them;
`draws` gives the draws of what was integrated (imported by the backends: it needs the `Model` that
holds the statistics).
"""

from winstan.marginal.plan import Plan, plan_marginal
from winstan.marginal.settling import settle
from winstan.marginal.statistics import Marginal, marginalise
from winstan.marginal.variances import VarianceCoordinates

__all__ = [
    "Marginal",
    "Plan",
    "VarianceCoordinates",
    "marginalise",
    "plan_marginal",
    "settle",
]
