"""Families: links, support, sufficient statistics, densities and templates, in one table."""

from winstan.families.likelihoods import Statistics
from winstan.families.links import LINKS, Array, Link
from winstan.families.sample import Sample
from winstan.families.table import FAMILIES, Family, check_support, family_named

__all__ = [
    "FAMILIES",
    "LINKS",
    "Array",
    "Family",
    "Link",
    "Sample",
    "Statistics",
    "check_support",
    "family_named",
]
