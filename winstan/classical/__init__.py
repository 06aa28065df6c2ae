"""The classical answers to the same formula: linear mixed models by (RE)ML, and ANOVA."""

from winstan.classical.analysis import Anova, anova
from winstan.classical.lme_class import LME
from winstan.classical.mixed import lme

__all__ = ["LME", "Anova", "anova", "lme"]
