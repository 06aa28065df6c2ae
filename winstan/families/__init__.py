"""Families: each in a file of its own, `Family`; links, samples, support, and names of others."""

from winstan.families.family import BambiFamily, Distribution, Family, Parameter, Statistics
from winstan.families.links import LINKS, Link
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
