"""Where parameters lie, and the maps from the whole line to there that samplers move on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.families.namespace import Namespace


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """An interval, and its map from the real line.

    Attributes
    ----------
    name : str
    code : int
        Its number in ``stan/include/scales.stan``: Stan's data hold no strings.
    forward : callable
        ``forward(free, xp)``: the parameter, elementwise.
    backward : callable
        ``backward(value)``: what is free.
    log_jacobian : callable
        ``log_jacobian(free, xp)``: the logarithm of the derivative of `forward`.
    stan : str
        How Stan declares it.
    link : str
        The link whose inverse is `forward`.
    """

    name: str
    code: int
    forward: Callable[[Any, Namespace], Any]
    backward: Callable[[Any], Any]
    log_jacobian: Callable[[Any, Namespace], Any]
    stan: str
    link: str

    def __reduce__(self) -> tuple[Callable[[str], Domain], tuple[str]]:
        return domain_named, (self.name,)


def domain_named(name: str) -> Domain:
    """Return the domain of this name."""
    return DOMAINS[name]


DOMAINS: dict[str, Domain] = {
    domain.name: domain
    for domain in (
        Domain(
            "positive",
            1,
            lambda free, xp: xp.exp(free),
            np.log,
            lambda free, xp: free,
            "real<lower=0>",
            "log",
        ),
        Domain(
            "real",
            2,
            lambda free, xp: free,
            np.asarray,
            lambda free, xp: 0.0 * free,
            "real",
            "identity",
        ),
        Domain(
            "unit",
            3,
            lambda free, xp: xp.expit(free),
            special.logit,
            lambda free, xp: xp.log_expit(free) + xp.log_expit(-free),
            "real<lower=0, upper=1>",
            "logit",
        ),
    )
}
