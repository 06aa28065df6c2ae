"""The exponentially modified normal: mean mu, sd sigma of its normal part, mean beta of the other.

With z = (y - mu + beta) / sigma, r = sigma / beta and w = z - r, the log density is
-log beta - r (z - r / 2) + log Phi(w). Where w is far below zero, the last two are large and
cancel: there it is -log beta - z^2 / 2 + log(Phi(w) exp(w^2 / 2)), and as beta tends to zero the
normal density.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import SIGMA
from winstan.families.distribution import Distribution
from winstan.families.family import ACCEPT_SOFT_EDGE
from winstan.families.namespace import NUMPY
from winstan.families.reaction_times import OfResiduals, family_of_residuals, inverse_mills
from winstan.families.tails import ROOT_HALF, Cumulative, log_complement
from winstan.families.zeros import log_sum
from winstan.priors import Gamma

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.priors import Prior


def log_kernel(residual: Any, own: Aux, xp: Namespace) -> Any:
    """Log density of a residual."""
    sigma, beta = own["sigma"], own["beta"]
    z, r = (residual + beta) / sigma, sigma / beta
    w = z - r
    below = xp.log_erfcx(-ROOT_HALF * xp.minimum(w, 0.0)) - 0.5 * xp.square(z) - np.log(2)
    above = xp.log_ndtr(w) - r * (z - 0.5 * r)
    return xp.where(w < 0, below, above) - xp.log(beta)


def slopes(residual: Array, own: Aux) -> dict[str, Array]:
    """Differentiate the log density by each parameter."""
    sigma, beta = own["sigma"], own["beta"]
    z, r = (residual + beta) / sigma, sigma / beta
    w = z - r
    mills = inverse_mills(w)
    return {
        "mu": (r - mills) / sigma,
        "sigma": (r - mills) * z / sigma - (w + mills) / beta,
        "beta": (mills - r) / sigma + (w + mills) * r / beta - 1 / beta,
    }


def information(own: Aux) -> dict[str, Array]:
    """Return about the expected information of a row by each parameter.

    That by mu has the limits 1 / sigma^2, of a normal, and 0.9 / (sigma beta), of an edge that the
    normal part blurs; between them it is good to a tenth.
    """
    r = own["sigma"] / own["beta"]
    by_sigma, by_beta = 1 / np.square(own["sigma"]), 1 / np.square(own["beta"])
    return {
        "mu": by_sigma * r * (r + 0.9) / (1 + r * (r + 0.9)),
        "sigma": by_sigma * r * (1.1 + 2 * r) / (1 + r * (1.2 + r)),
        "beta": by_beta * 2 / (r * (2.2 + r * (2.5 + r * r))),
    }


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y).

    They are those of Phi(z) - s and of Phi(-z) + s, where s is the density times beta: what the
    exponential part keeps from being below y.
    """
    residual = y - link.inverse(eta, xp)
    z = (residual + aux["beta"]) / aux["sigma"]
    late = log_kernel(residual, aux, xp) + xp.log(aux["beta"])
    below, above = xp.log_ndtr(z), xp.log_ndtr(-z)
    return below + log_complement(late - below, xp), log_sum(above, late, xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    excess = aux["beta"] * (rng.standard_exponential(mu.shape) - 1)
    return mu + aux["sigma"] * rng.standard_normal(mu.shape) + excess


def _prior_of_sigma(scale: float) -> Prior:
    # Without a normal part responses have a sharp edge, which no step of a sampler is small enough
    # for. Nine tenths are between 0.14 and 1.05 of the sd of y, whose square is that of sigma and
    # that of beta.
    return Gamma(3.0, 6 / scale)


BETA = replace(SIGMA, name="beta", label="mean of the exponential part")

EXGAUSSIAN = family_of_residuals(
    OfResiduals("exgaussian", log_kernel, slopes, information),
    replace(SIGMA, label="sd of the normal part", default_prior=_prior_of_sigma),
    BETA,
    aliases=("ex_gaussian", "exgauss", "exgaus", "exponnorm", "exp_mod_normal"),
    label="exponentially modified normal",
    draw=draw,
    target_accept=ACCEPT_SOFT_EDGE,
    stan=Distribution(name="exp_mod_normal", arguments="mu{i} - beta, sigma, inv(beta)"),
    # PyMC's ExGaussian is Normal(mu, sigma), not shifted by beta, where beta is under 0.05 sigma:
    # it is none here.
    cumulative=Cumulative(code=9, log_tails=log_tails, scale="sigma"),
)
