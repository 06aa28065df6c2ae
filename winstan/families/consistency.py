"""Whether the parts of a family's definition fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.errors import FamilyError
from winstan.families.domains import DOMAINS
from winstan.families.links import LINKS
from winstan.families.parameter import VECTORS

if TYPE_CHECKING:
    from winstan.families.family import Family


def check_consistency(family: Family) -> None:
    """Refuse a family whose attributes contradict each other.

    Raises
    ------
    FamilyError
    """
    names = [parameter.name for parameter in family.parameters]
    wrong = _wrong_parameters(family, names)
    for what, named in (("noise", family.noise), ("precision", family.precision)):
        if named not in (None, *names[1:]):
            wrong = f"{what}={named!r}, which is none of its parameters"
    if family.tails is not None and names[1:] != [family.noise, family.tails]:
        wrong = f"tails={family.tails!r}, which is for the parameters of noise and tails alone"
    if family.conjugate and names[1:] != [family.noise]:
        wrong = "conjugate=True, which is for one parameter beside the mean, that of noise"
    if wrong:
        raise FamilyError(f"The family {family.name!r} cannot have {wrong}.")


def _wrong_parameters(family: Family, names: list[str]) -> str | None:
    """Say what is wrong about the parameters' names, domains or links."""
    wrong = None
    if not names or len(set(names)) < len(names):
        wrong = f"the parameters {names}: one each, the mean first"
    for parameter in family.parameters:
        if parameter.domain not in (*DOMAINS, *VECTORS):
            wrong = f"the domain {parameter.domain!r}; there are {', '.join((*DOMAINS, *VECTORS))}"
    for link in family.links if names else ():
        if link not in LINKS:
            wrong = f"the link {link!r}; there are {', '.join(LINKS)}"
    if sum(parameter.is_vector for parameter in family.parameters) > 1:
        wrong = "two ordered parameters: the linear predictor is held against one"
    if family.of_categories and family.category_probability is None:
        wrong = f"kind={family.kind!r} without category_probability"
    return wrong
