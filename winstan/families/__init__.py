"""Families: each in a file of its own, `Family`; links, samples, support, and names of others."""

from winstan.families.family import Family, Statistics
from winstan.families.links import LINKS, Array, Link
from winstan.families.registry import FAMILIES, family_named
from winstan.families.sample import Sample
from winstan.families.support import check_support

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
