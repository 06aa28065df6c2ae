"""All families by name: those of winstan's own, and those that users add."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from winstan.errors import FamilyError, OptionError, near_matches
from winstan.families import foreign
from winstan.families.acat import ACAT
from winstan.families.bernoulli import BERNOULLI
from winstan.families.beta import BETA
from winstan.families.beta_binomial import BETA_BINOMIAL
from winstan.families.binomial import BINOMIAL
from winstan.families.categorical import CATEGORICAL
from winstan.families.cumulative import CUMULATIVE
from winstan.families.exgaussian import EXGAUSSIAN
from winstan.families.exponential import EXPONENTIAL
from winstan.families.family import Family
from winstan.families.gamma import GAMMA
from winstan.families.gaussian import GAUSSIAN
from winstan.families.geometric import GEOMETRIC
from winstan.families.hurdle_gamma import HURDLE_GAMMA
from winstan.families.hurdle_lognormal import HURDLE_LOGNORMAL
from winstan.families.hurdle_negative_binomial import HURDLE_NEGATIVE_BINOMIAL
from winstan.families.hurdle_poisson import HURDLE_POISSON
from winstan.families.inverse_gaussian import INVERSE_GAUSSIAN
from winstan.families.lognormal import LOGNORMAL
from winstan.families.negative_binomial import NEGATIVE_BINOMIAL
from winstan.families.negative_binomial1 import NEGATIVE_BINOMIAL1
from winstan.families.ordered_beta import ORDERED_BETA
from winstan.families.poisson import POISSON
from winstan.families.shifted_lognormal import SHIFTED_LOGNORMAL
from winstan.families.skew_normal import SKEW_NORMAL
from winstan.families.sratio import SRATIO
from winstan.families.student import STUDENT
from winstan.families.von_mises import VON_MISES
from winstan.families.weibull import WEIBULL
from winstan.families.zero_inflated_binomial import ZERO_INFLATED_BINOMIAL
from winstan.families.zero_inflated_negative_binomial import ZERO_INFLATED_NEGATIVE_BINOMIAL
from winstan.families.zero_inflated_poisson import ZERO_INFLATED_POISSON
from winstan.families.zero_one_inflated_beta import ZERO_ONE_INFLATED_BETA

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        GAUSSIAN,
        STUDENT,
        SKEW_NORMAL,
        EXGAUSSIAN,
        LOGNORMAL,
        GAMMA,
        EXPONENTIAL,
        WEIBULL,
        INVERSE_GAUSSIAN,
        SHIFTED_LOGNORMAL,
        BETA,
        ORDERED_BETA,
        ZERO_ONE_INFLATED_BETA,
        POISSON,
        NEGATIVE_BINOMIAL,
        NEGATIVE_BINOMIAL1,
        GEOMETRIC,
        ZERO_INFLATED_POISSON,
        ZERO_INFLATED_NEGATIVE_BINOMIAL,
        HURDLE_POISSON,
        HURDLE_NEGATIVE_BINOMIAL,
        HURDLE_GAMMA,
        HURDLE_LOGNORMAL,
        BERNOULLI,
        BINOMIAL,
        VON_MISES,
        BETA_BINOMIAL,
        ZERO_INFLATED_BINOMIAL,
        CUMULATIVE,
        SRATIO,
        ACAT,
        CATEGORICAL,
    )
}
_OWN = frozenset(_FAMILIES)
FAMILIES: Mapping[str, Family] = MappingProxyType(_FAMILIES)
"""By name, in the order of the documentation."""


def _templates() -> set[str]:
    return {family.template for name, family in _FAMILIES.items() if name in _OWN}


def own_family(name: str) -> Family | None:
    """Return winstan's own family of this name, if there is one: users cannot replace it."""
    return _FAMILIES[name] if name in _OWN else None


def aliases() -> dict[str, str]:
    """Return the families' other names, each with the name that it stands for."""
    return {alias: family.name for family in tuple(FAMILIES.values()) for alias in family.aliases}


def register_family(family: Family, template: str | Path | None = None) -> Family:
    """Make a family of your own known by its name.

    Parameters
    ----------
    family
        `winstan.families.Family`: docs/contributing.md tells what it holds, step by step.
    template
        The path of its Stan program; None if `Family.template` names it. The program may include
        winstan's own files, ``#include include/data.stan``.

    Returns
    -------
    Family
        As it is registered. ``family=`` takes it as well as its name, in other processes too, which
        know nothing of what was registered here.

    Raises
    ------
    FamilyError
        If the name, or an alias, is one of winstan's own families, or no plain name.
    OptionError
        If it is no `Family`, or there is no such template: neither a file nor one of winstan's.

    Notes
    -----
    A family of yours that was registered before under the same name is replaced.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import winstan as ws
    >>> from winstan.families import FAMILIES
    >>> mine = replace(FAMILIES["gamma"], name="mine", aliases=(), template="gamma")
    >>> ws.register_family(mine).name
    'mine'
    """
    if not isinstance(family, Family):
        raise OptionError(f"register_family takes a winstan.families.Family, not {family!r}.")
    others = {alias: name for alias, name in aliases().items() if name != family.name}
    for name in (family.name, *family.aliases):
        if foreign.key_of(name) != name or not name.isidentifier():
            raise FamilyError(
                f"A family's name is in lower case, of letters, digits and _; got {name!r}."
            )
        if name in _OWN or name in others or (name in _FAMILIES and name != family.name):
            raise FamilyError(f"There is a family {name!r} already: give yours another name.")
    path = Path(family.template if template is None else template)
    if path.suffix == ".stan" and path.is_file():
        family = replace(family, template=str(path.resolve()))
    elif template is not None or path.suffix == ".stan" or path.name not in _templates():
        raise OptionError(
            f"template= must be the path of a .stan file; got {str(path)!r}, and there is no such "
            f"file in {str(Path.cwd())!r}. A family that uses a program of winstan's names it in "
            f"Family.template: {', '.join(sorted(_templates()))}."
        )
    _FAMILIES[family.name] = family
    return family


def family_named(name: str | Family) -> Family:
    """Return the family of this name; a family itself is returned as it is.

    Raises
    ------
    FamilyError
        If there is none, with what comes near it, or the names that are near.
    """
    if isinstance(name, Family):
        return name
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
