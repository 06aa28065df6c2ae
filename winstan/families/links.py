"""Link functions: one table, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Link:
    """A link g, between a mean mu and the linear predictor eta = g(mu).

    Attributes
    ----------
    name : str
    code : int
        Its number in ``stan/include/links.stan``: Stan's data hold no strings.
    function, inverse : callable
        g and its inverse, elementwise.
    inverse_derivative : callable
        d mu / d eta as a function of eta.
    unitless : bool
        eta has no unit (a logarithm, a log odds, a z-score): its default priors need no scale.
    """

    name: str
    code: int
    function: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    inverse_derivative: Callable[[Any], Any]
    unitless: bool = False

    def __reduce__(self) -> tuple[Callable[[str], Link], tuple[str]]:
        # A row of the table below: it travels by its name.
        return link_named, (self.name,)


def link_named(name: str) -> Link:
    """Return the link of this name."""
    return LINKS[name]


def _normal_density(eta: Array) -> Array:
    return np.exp(-0.5 * np.square(eta)) / np.sqrt(2 * np.pi)


LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link("identity", 1, lambda mu: mu, lambda eta: eta, np.ones_like),
        Link("log", 2, np.log, np.exp, np.exp, unitless=True),
        Link(
            "logit",
            3,
            special.logit,
            special.expit,
            lambda eta: special.expit(eta) * special.expit(-eta),
            unitless=True,
        ),
        Link("probit", 4, special.ndtri, special.ndtr, _normal_density, unitless=True),
        Link(
            "cloglog",
            5,
            lambda mu: np.log(-np.log1p(-mu)),
            lambda eta: -np.expm1(-np.exp(eta)),
            lambda eta: np.exp(eta - np.exp(eta)),
            unitless=True,
        ),
        Link("inverse", 6, np.reciprocal, np.reciprocal, lambda eta: -1 / np.square(eta)),
        Link("sqrt", 7, np.sqrt, np.square, lambda eta: 2 * eta),
    )
}
