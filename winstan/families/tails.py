"""Logarithms of tail probabilities, exact however far out, with derivatives by every parameter.

The density of y or of log y (gamma), or of the inverse hyperbolic sine of a t, is exp(g), where g
falls from some point on. A tail from there is the density there times the integral of
exp(g(t) - g(0)), which is smooth and falls at least exponentially: the trapezoidal rule in tau,
t = L exp(tau - exp(-tau)), has it to nine digits with the few nodes below (Takahasi and Mori 1974,
Publications of the Research Institute for Mathematical Sciences 9, 721-741). The other tail is one
less it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.rising import log_rising

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.families.namespace import Namespace

ROOT_HALF = float(np.sqrt(0.5))
_STEP = 0.2
_TAU = -3.2 + _STEP * np.arange(36)
NODES = np.exp(_TAU - np.exp(-_TAU))
WEIGHTS = _STEP * NODES * (1 + np.exp(-_TAU))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cumulative:
    """The distribution function, by which responses can be censored and truncated.

    Attributes
    ----------
    code : int
        Of the distribution in ``stan/limits.stan``.
    log_tails : callable
        ``log_tails(y, eta, auxiliary, link, xp)``: the logarithms of P(Y <= y) and P(Y > y), exact
        far out in both tails; where `Family.log_response`, of log y.
    by_part : bool
        Whether the template takes the statistics of a family whose other parameters have formulas,
        whether they have or not.
    scale : str or None
        The parameter that is about as large as what tells of the mean, where it is no noise that is
        added (`Family.noise`).
    """

    code: int
    log_tails: Callable[..., tuple[Any, Any]]
    by_part: bool = False
    scale: str | None = None


def log_complement(log_p: Any, xp: Namespace) -> Any:
    """Return log(1 - p)."""
    return xp.log(-xp.expm1(log_p))


def gamma_log_tails(shape: Any, x: Any, xp: Namespace) -> tuple[Any, Any]:
    """Return log P(Y <= x) and log P(Y > x) of a gamma distribution of rate one.

    The upper tail, of Y itself, is integrated where x is above the mean and above one, and else the
    lower one, of s = log Y, where g(s) = shape s - exp(s).
    """
    upper = (x >= shape) & (x >= 1)
    # Each integral where it serves: elsewhere its derivatives might be no numbers.
    x_up, x_low = xp.where(upper, x, shape + 1), xp.where(upper, 0.5 * shape, x)
    rate = (x_up - shape + 1 + xp.sqrt(shape)) / x_up
    of_upper = xp.integral(
        lambda t: xp.exp((shape - 1) * xp.log1p(t / x_up) - t),
        NODES,
        WEIGHTS,
        1 / xp.where(rate < 1, rate, 1.0),
    )
    rate = abs(x_low - shape) + xp.sqrt(x_low)
    of_lower = xp.integral(
        lambda t: xp.exp(-shape * t - x_low * xp.expm1(-t)),
        NODES,
        WEIGHTS,
        1 / xp.where(rate < shape, rate, shape),
    )
    own = shape * xp.log(x) - x - xp.gammaln(shape)
    tail = own + xp.log(xp.where(upper, of_upper / x_up, of_lower))
    other = log_complement(tail, xp)
    return xp.where(upper, other, tail), xp.where(upper, tail, other)


def student_log_tails(z: Any, nu: Any, xp: Namespace) -> tuple[Any, Any]:
    """Return log P(T <= z) and log P(T > z) of Student's t.

    With z = sqrt(nu) sinh(s), g(s) = -nu log(cosh(s)).
    """
    x = abs(z) / xp.sqrt(nu)
    root = xp.sqrt(1 + xp.square(x))
    falling = 1 / xp.square(x + root)  # exp(-2 s)
    slope = nu * x / root + xp.sqrt(nu) / root
    integral = xp.integral(
        lambda t: xp.exp(-nu * (t + xp.log1p(falling * xp.exp(-2 * t)) - xp.log1p(falling))),
        NODES,
        WEIGHTS,
        1 / xp.where(slope < nu, slope, nu),
    )
    normaliser = xp.gammaln(0.5 * (nu + 1)) - xp.gammaln(0.5 * nu) - 0.5 * np.log(np.pi)
    tail = normaliser - 0.5 * nu * xp.log1p(xp.square(x)) + xp.log(integral)
    other = log_complement(tail, xp)
    return xp.where(z < 0, tail, other), xp.where(z < 0, other, tail)


def log_difference(
    below_low: Any, above_low: Any, below_high: Any, above_high: Any, xp: Namespace
) -> Any:
    """Return the log probability between two ends, of those below and above each.

    The difference is taken of the tail that is the smaller, so that it does not cancel.
    """
    upper = above_low < below_high
    larger = xp.where(upper, above_low, below_high)
    smaller = xp.where(upper, above_high, below_low)
    return larger + log_complement(smaller - larger, xp)


def negative_binomial_log_tails(y: Any, log_mu: Any, alpha: Any, xp: Namespace) -> tuple[Any, Any]:
    """Return log P(Y <= y) and log P(Y > y) of counts of mean mu and variance mu + mu^2 / alpha.

    P(Y > y) is that of a beta variable U of y + 1 and alpha to be below mu / (mu + alpha) (NIST
    Digital Library of Mathematical Functions, 8.17.5). Of a tail towards zero of a beta variable
    of a and b, the density of -log U is integrated where b is the smaller, and else that of the
    logit: these fall by a, where other choices would end like exp(-exp(t)). The tail towards one is
    that of 1 - U.
    """
    above, ratio = y + 1.0, xp.exp(log_mu) / alpha
    p, q = ratio / (1 + ratio), 1 / (1 + ratio)
    more = (above + alpha) * q >= xp.where(alpha > 0.03, alpha, 0.03)  # of the count
    a, b = xp.where(more, above, alpha), xp.where(more, alpha, above)
    odds, u = xp.where(more, ratio, 1 / ratio), xp.where(more, p, q)
    fewer = b <= a
    slope = xp.where(
        fewer,
        a - (b - 1 - xp.sqrt(b)) * odds,
        abs(a - (a + b) * u) + xp.sqrt((a + b) * p * q),
    )
    power, share = xp.where(fewer, b - 1, -(a + b)), xp.where(fewer, -odds, u)
    integral = xp.integral(
        lambda t: xp.exp(power * xp.log1p(share * xp.expm1(-t)) - a * t),
        NODES,
        WEIGHTS,
        1 / xp.where(slope < a, slope, a),
    )
    damping = xp.log1p(ratio)
    own = above * (log_mu - damping) - alpha * damping + xp.log1p(y / alpha)
    own += log_rising(y, alpha, xp) - xp.gammaln(above)
    own -= xp.where(fewer, xp.log(xp.where(more, q, p)), 0.0)
    tail = own + xp.log(integral)
    other = log_complement(tail, xp)
    return xp.where(more, other, tail), xp.where(more, tail, other)
