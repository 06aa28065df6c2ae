"""All families by name: those of winstan's own, and those that users add."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from winstan.errors import FamilyError, near_matches
from winstan.families import foreign
from winstan.families.bernoulli import BERNOULLI
from winstan.families.binomial import BINOMIAL
from winstan.families.gamma import GAMMA
from winstan.families.gaussian import GAUSSIAN
from winstan.families.lognormal import LOGNORMAL
from winstan.families.negative_binomial import NEGATIVE_BINOMIAL
from winstan.families.poisson import POISSON
from winstan.families.student import STUDENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families.family import Family

_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        GAUSSIAN,
        STUDENT,
        LOGNORMAL,
        GAMMA,
        POISSON,
        NEGATIVE_BINOMIAL,
        BERNOULLI,
        BINOMIAL,
    )
}
FAMILIES: Mapping[str, Family] = MappingProxyType(_FAMILIES)
"""By name, in the order of the documentation."""


def aliases() -> dict[str, str]:
    """Return the families' other names, each with the name that it stands for."""
    return {alias: family.name for family in FAMILIES.values() for alias in family.aliases}


def family_named(name: str) -> Family:
    """Return the family of this name.

    Raises
    ------
    FamilyError
        If there is none, with what comes near it, or the names that are near.
    """
    if not isinstance(name, str):
        raise FamilyError(
            f"family must be a name, such as 'gamma'; got {type(name).__name__}."
            + near_matches("", FAMILIES)
        )
    others = aliases()
    key = foreign.key_of(name)
    key = others.get(key, key)
    if key in FAMILIES:
        return FAMILIES[key]
    if key in foreign.FOREIGN:
        raise FamilyError(f"There is no family {name!r}: {foreign.FOREIGN[key]}.")
    alone, bracket, inside = name.partition("(")
    if bracket:
        called = foreign.key_of(alone)
        called = others.get(called, called)
        if called in foreign.FOREIGN:
            raise FamilyError(f"There is no family {alone!r}: {foreign.FOREIGN[called]}.")
        link = inside.rstrip(") ").rpartition("=")[2].strip(" '\"")
        raise FamilyError(
            f"There is no family {name!r}: the link is an option of its own. Write "
            f"family={called!r}, link={link or None!r}."
        )
    raise FamilyError(f"There is no family {name!r}." + near_matches(key, FAMILIES))
