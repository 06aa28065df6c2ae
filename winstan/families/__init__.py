"""Families: each in a file of its own, `Family`; links, samples, support, and names of others."""

from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family, Statistics
from winstan.families.links import LINKS, Link
from winstan.families.parameter import Parameter
from winstan.families.registry import FAMILIES, family_named, register_family
from winstan.families.sample import Sample
from winstan.families.suitable import check_support

__all__ = [
    "FAMILIES",
    "LINKS",
    "BambiFamily",
    "Distribution",
    "Family",
    "Link",
    "Parameter",
    "Sample",
    "Statistics",
    "check_support",
    "family_named",
    "register_family",
]
