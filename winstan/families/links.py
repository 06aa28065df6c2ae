"""Link functions: one table, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from winstan._angles import wrap_angles
from winstan._typing import Array
from winstan.families.namespace import NUMPY, Namespace


@dataclass(frozen=True, slots=True)
class Link:
    """A link g, between a mean mu and the linear predictor eta = g(mu).

    Attributes
    ----------
    name : str
    code : int
        Its number in ``stan/include/links.stan``: Stan's data hold no strings.
    function : callable
        g, elementwise.
    inverse : callable
        ``inverse(eta)``, or ``inverse(eta, xp)`` in another namespace than NumPy's.
    log_inverse : callable
        ``log_inverse(eta, xp)``: the logarithm of a positive mean; NaN where the mean is not.
    log_complement : callable or None
        ``log_complement(eta, xp)``: the logarithm of one less a probability; None of other links.
    log_slope : callable or None
        ``log_slope(eta, xp)``: the logarithm of d mu / d eta of a probability.
    log_between : callable or None
        ``log_between(low, step, xp)``: the logarithm of the probability at low + step less that at
        low, which neither tail rounds to zero.
    inverse_derivative : callable
        d mu / d eta as a function of eta.
    unitless : bool
        eta has no unit (a logarithm, a log odds, a z-score): its default priors need no scale.
    cut : bool
        A direction's link that does not reach one direction, opposite to that of eta = 0.
    origin : float
        Of such a link, the direction of eta = 0: see `about`.
    """

    name: str
    code: int
    function: Callable[[Any], Any]
    inverse: Callable[..., Any]
    inverse_derivative: Callable[[Any], Any]
    log_inverse: Callable[[Any, Namespace], Any]
    log_complement: Callable[[Any, Namespace], Any] | None = None
    log_slope: Callable[[Any, Namespace], Any] | None = None
    log_between: Callable[[Any, Any, Namespace], Any] | None = None
    unitless: bool = False
    cut: bool = False
    origin: float = 0.0

    def __reduce__(self) -> tuple[Callable[[str, float], Link], tuple[str, float]]:
        # A row of the table below: it travels by its name.
        return link_named, (self.name, self.origin)

    def about(self, origin: float) -> Link:
        """Return this link of directions, turned: eta = 0 is the direction `origin`."""
        plain = LINKS[self.name]

        def inverse(eta: Any, xp: Namespace = NUMPY) -> Any:
            return origin + plain.inverse(eta, xp)

        return replace(
            plain,
            function=lambda mu: plain.function(wrap_angles(mu - origin)),
            inverse=inverse,
            origin=origin,
        )


def link_named(name: str, origin: float = 0.0) -> Link:
    """Return the link of this name, turned to an origin."""
    return LINKS[name].about(origin) if origin else LINKS[name]


def _normal_density(eta: Array) -> Array:
    return np.exp(-0.5 * np.square(eta)) / np.sqrt(2 * np.pi)


def _log_cloglog(eta: Any, xp: Namespace) -> Any:
    # 1 - exp(-rate) is the rate itself, to rounding, where the rate is below 1e-16.
    rate = xp.exp(xp.where(eta < -37, -37.0, eta))
    return xp.where(eta < -37, eta, xp.log(-xp.expm1(-rate)))


def _log_logistic_between(low: Any, step: Any, xp: Namespace) -> Any:
    # F(b) - F(a) = F(b) (1 - F(a)) (1 - exp(a - b))
    return xp.log_expit(low + step) + xp.log_expit(-low) + xp.log(-xp.expm1(-step))


def _log_normal_between(low: Any, step: Any, xp: Namespace) -> Any:
    # Of the two intervals that mirror each other the lower one, where no Phi rounds to one.
    middle = low + 0.5 * step
    middle = xp.where(middle > 0, -middle, middle)
    upper = xp.log_ndtr(middle + 0.5 * step)
    return upper + xp.log(-xp.expm1(xp.log_ndtr(middle - 0.5 * step) - upper))


def _log_cloglog_between(low: Any, step: Any, xp: Namespace) -> Any:
    # exp(-r) - exp(-r exp(step)) with r = exp(low): the survivors, and the share of them that go
    return _log_cloglog(low + xp.log(xp.expm1(step)), xp) - xp.exp(low)


LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link(
            "identity",
            1,
            lambda mu: mu,
            lambda eta, xp=NUMPY: eta,
            np.ones_like,
            lambda eta, xp: xp.log(eta),
        ),
        Link(
            "log",
            2,
            np.log,
            lambda eta, xp=NUMPY: xp.exp(eta),
            np.exp,
            lambda eta, xp: eta,
            unitless=True,
        ),
        Link(
            "logit",
            3,
            special.logit,
            lambda eta, xp=NUMPY: xp.expit(eta),
            lambda eta: special.expit(eta) * special.expit(-eta),
            lambda eta, xp: xp.log_expit(eta),
            lambda eta, xp: xp.log_expit(-eta),
            lambda eta, xp: xp.log_expit(eta) + xp.log_expit(-eta),
            _log_logistic_between,
            unitless=True,
        ),
        Link(
            "probit",
            4,
            special.ndtri,
            lambda eta, xp=NUMPY: xp.ndtr(eta),
            _normal_density,
            lambda eta, xp: xp.log_ndtr(eta),
            lambda eta, xp: xp.log_ndtr(-eta),
            lambda eta, xp: -0.5 * xp.square(eta) - 0.5 * np.log(2 * np.pi),
            _log_normal_between,
            unitless=True,
        ),
        Link(
            "cloglog",
            5,
            lambda mu: np.log(-np.log1p(-mu)),
            lambda eta, xp=NUMPY: -xp.expm1(-xp.exp(eta)),
            lambda eta: np.exp(eta - np.exp(eta)),
            _log_cloglog,
            lambda eta, xp: -xp.exp(eta),
            lambda eta, xp: eta - xp.exp(eta),
            _log_cloglog_between,
            unitless=True,
        ),
        Link(
            "inverse",
            6,
            np.reciprocal,
            lambda eta, xp=NUMPY: xp.reciprocal(eta),
            lambda eta: -1 / np.square(eta),
            lambda eta, xp: -xp.log(eta),
        ),
        # Of log odds against a reference, which a family makes probabilities of together.
        Link(
            "softmax",
            9,
            lambda eta: eta,
            lambda eta, xp=NUMPY: eta,
            np.ones_like,
            lambda eta, xp: xp.log(eta),
            unitless=True,
        ),
        Link(
            "sqrt",
            7,
            np.sqrt,
            lambda eta, xp=NUMPY: xp.square(eta),
            lambda eta: 2 * eta,
            lambda eta, xp: 2 * xp.log(eta),
        ),
        Link(
            "tan_half",
            8,
            lambda mu: np.tan(0.5 * mu),
            lambda eta, xp=NUMPY: 2 * xp.arctan(eta),
            lambda eta: 2 / (1 + np.square(eta)),
            lambda eta, xp: xp.log(2 * xp.arctan(eta)),
            unitless=True,
            cut=True,
        ),
    )
}
