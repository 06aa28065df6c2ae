"""Formula: what a model formula says, before any data are seen."""

from winstan.formula.derived import for_each, for_thresholds
from winstan.formula.parsed import Formula, evaluation_names, parse_formula
from winstan.formula.terms import GroupSpec

__all__ = [
    "Formula",
    "GroupSpec",
    "evaluation_names",
    "for_each",
    "for_thresholds",
    "parse_formula",
]
