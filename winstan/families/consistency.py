"""What a response is, and whether the parts of a family's definition fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from winstan.families.domains import DOMAINS
from winstan.families.links import LINKS
from winstan.families.parameter import VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from winstan.families.parameter import Parameter

Kind = Literal[
    "real",
    "positive",
    "nonnegative",
    "unit",
    "proportion",
    "count",
    "binary",
    "successes",
    "circular",
    "ordered",
    "unordered",
]
"""What a response is: any number, positive, positive or zero, in (0, 1), from 0 to 1, a count, 0 or
1, successes of trials, an angle, one of several categories with or without an order."""


def wrong_parameters(parameters: Sequence[Parameter]) -> str | None:
    """Say what is wrong about the parameters' names, domains, priors or links."""
    names = [parameter.name for parameter in parameters]
    if not names or len(set(names)) < len(names):
        return f"the parameters {names}: one each, the mean first"
    for parameter in parameters:
        if parameter.domain not in (*DOMAINS, *VECTORS):
            return f"the domain {parameter.domain!r}; there are {', '.join((*DOMAINS, *VECTORS))}"
        prior = parameter.default_prior
        if isinstance(prior, type):  # called with the sd of y, it would be another prior
            return (
                f"default_prior={prior.__name__} of {parameter.name!r}: a prior such as "
                f"{prior.__name__}(...), or a function of the sd of the response that returns one"
            )
    for link in parameters[0].links:
        if link not in LINKS:
            return f"the link {link!r}; there are {', '.join(LINKS)}"
    if sum(parameter.is_vector for parameter in parameters) > 1:
        return "two ordered parameters: the linear predictor is held against one"
    return None


def wrong_names(
    names: Sequence[str],
    kind: str,
    scores: Iterable[str],
    shared: Iterable[tuple[str, str]],
    links: Mapping[str, Iterable[str | None]],
) -> str | None:
    """Say which kind, parameter or link it states something of that there is not."""
    if kind not in (kinds := get_args(Kind)):
        return f"kind={kind!r}; there are {', '.join(kinds)}"
    for name in scores:
        if name not in names[1:]:
            return f"scores of {name!r}, which is none of its parameters beside the mean"
    for pair in shared:
        if not set(pair) <= set(names):
            return f"shared={pair!r}: two of its parameters, {', '.join(names)}"
    for what, named in links.items():
        for link in named:
            if link not in (None, *LINKS):
                return f"{what} of the link {link!r}; there are {', '.join(LINKS)}"
    return None


def wrong_roles(
    names: Sequence[str], roles: Mapping[str, str | None], tails: str | None, *, conjugate: bool
) -> str | None:
    """Say which role is given to a parameter that there is not, or not so."""
    for what, named in roles.items():
        if named not in (None, *names[1:]):
            return f"{what}={named!r}, which is none of its parameters beside the mean"
    noise = roles["noise"]
    if tails is not None and list(names[1:]) != [noise, tails]:
        return f"tails={tails!r}, which is for the parameters of noise and tails alone"
    if conjugate and list(names[1:]) != [noise]:
        return "conjugate=True, which is for one parameter beside the mean, that of noise"
    return None
