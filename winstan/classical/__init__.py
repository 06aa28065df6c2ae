"""The classical answers to the same formula: linear mixed models by (RE)ML, and ANOVA."""

from winstan.classical.analysis import Anova, anova
from winstan.classical.mixed import LME, lme

__all__ = ["LME", "Anova", "anova", "lme"]
