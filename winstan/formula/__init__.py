"""Formula: what a model formula says, before any data are seen."""

from winstan.formula.derived import for_each, for_thresholds
from winstan.formula.formula import Formula
from winstan.formula.parsed import evaluation_names, parse_formula
from winstan.formula.terms import GroupSpec
from winstan.formula.updating import updated

__all__ = [
    "Formula",
    "GroupSpec",
    "evaluation_names",
    "for_each",
    "for_thresholds",
    "parse_formula",
    "updated",
]
