"""Priors: the distributions, and how the user's and the defaults are put together."""

from winstan.priors.distributions import Beta, Cauchy, Constant, Flat, Normal, StudentT
from winstan.priors.multivariate import LKJ, Dirichlet
from winstan.priors.positive import (
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
)
from winstan.priors.prior import Prior
from winstan.priors.resolution import CLASSES, Priors, PriorSlot, resolve
from winstan.priors.shrinking import R2D2, Horseshoe

__all__ = [
    "CLASSES",
    "LKJ",
    "R2D2",
    "Beta",
    "Cauchy",
    "Constant",
    "Dirichlet",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "Horseshoe",
    "InverseGamma",
    "Normal",
    "Prior",
    "PriorSlot",
    "Priors",
    "StudentT",
    "resolve",
]
