"""Whether the parts of a family's definition fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.errors import FamilyError
from winstan.families.domains import DOMAINS
from winstan.families.links import LINKS
from winstan.families.parameter import VECTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.families.family import Family


def check_consistency(family: Family, kinds: Sequence[str]) -> None:
    """Refuse a family whose attributes contradict each other, or that is of no such kind.

    Raises
    ------
    FamilyError
    """
    names = [parameter.name for parameter in family.parameters]
    wrong = _wrong_parameters(family, names) or _wrong_names(family, names, kinds)
    for what in ("noise", "precision", "profiled"):
        named = getattr(family, what)
        if named not in (None, *names[1:]):
            wrong = f"{what}={named!r}, which is none of its parameters beside the mean"
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
        prior = parameter.default_prior
        if isinstance(prior, type):  # called with the sd of y, it would be another prior
            wrong = (
                f"default_prior={prior.__name__} of {parameter.name!r}: a prior such as "
                f"{prior.__name__}(...), or a function of the sd of the response that returns one"
            )
    for link in family.links if names else ():
        if link not in LINKS:
            wrong = f"the link {link!r}; there are {', '.join(LINKS)}"
    if sum(parameter.is_vector for parameter in family.parameters) > 1:
        wrong = "two ordered parameters: the linear predictor is held against one"
    if family.of_categories and family.category_probability is None:
        wrong = f"kind={family.kind!r} without category_probability"
    return wrong


def _wrong_names(family: Family, names: list[str], kinds: Sequence[str]) -> str | None:
    """Say which kind, parameter or link it states something of that there is not."""
    if family.kind not in kinds:
        return f"kind={family.kind!r}; there are {', '.join(kinds)}"
    for name in family.scores:
        if name not in names[1:]:
            return f"scores of {name!r}, which is none of its parameters beside the mean"
    for pair in family.shared:
        if not set(pair) <= set(names):
            return f"shared={pair!r}: two of its parameters, {', '.join(names)}"
    for what, link in (
        ("mean_link", family.mean_link),
        *(("absorbs_offset", link) for link in family.absorbs_offset),
    ):
        if link not in (None, *LINKS):
            return f"{what} of the link {link!r}; there are {', '.join(LINKS)}"
    return None
