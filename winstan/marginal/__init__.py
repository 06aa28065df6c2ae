"""Gaussian models with coefficients and group effects integrated out, and drawn afterwards.

`plan` says whether and how, `statistics` takes the cross-products, `draws` gives the draws of what
was integrated (imported by the backends: it needs the `Model` that holds the statistics).
"""

from winstan.marginal.plan import Plan, plan_marginal
from winstan.marginal.statistics import Marginal, marginalise

__all__ = ["Marginal", "Plan", "marginalise", "plan_marginal"]
