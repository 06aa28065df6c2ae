"""The skew normal distribution: mean mu, standard deviation sigma, slant alpha.

With delta = alpha / sqrt(1 + alpha^2), shift m = delta sqrt(2 / pi) and width c = sqrt(1 - m^2),
z = m + c (y - mu) / sigma has the log density log 2 - z^2 / 2 - log(2 pi) / 2 + log Phi(alpha z),
and y that and log(c / sigma) (Azzalini 1985, Scandinavian Journal of Statistics 12, 171-178).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.auxiliary import SIGMA
from winstan.families.distribution import Distribution
from winstan.families.parameter import Parameter
from winstan.families.reaction_times import OfResiduals, family_of_residuals, inverse_mills
from winstan.priors import Normal

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.families.family import Aux
    from winstan.families.namespace import Namespace


def _standard(alpha: Any) -> tuple[Any, Any]:
    """Return the shift and the width of a variable of mean zero and sd one."""
    shift = np.sqrt(2 / np.pi) * alpha * (1 + alpha * alpha) ** -0.5
    return shift, (1 - shift * shift) ** 0.5


def log_kernel(residual: Any, own: Aux, xp: Namespace) -> Any:
    """Log density of a residual."""
    shift, width = _standard(own["alpha"])
    z = shift + width * residual / own["sigma"]
    normaliser = 0.5 * np.log(2 / np.pi) + xp.log(width / own["sigma"])
    return normaliser - 0.5 * xp.square(z) + xp.log_ndtr(own["alpha"] * z)


def slopes(residual: Array, own: Aux) -> dict[str, Array]:
    """Differentiate the log density by each parameter."""
    sigma, alpha = own["sigma"], own["alpha"]
    shift, width = _standard(alpha)
    t = residual / sigma
    z = shift + width * t
    mills = inverse_mills(alpha * z)
    by_z = alpha * mills - z
    by_shift = np.sqrt(2 / np.pi) * (1 + np.square(alpha)) ** -1.5
    by_width = -shift * by_shift / width
    return {
        "mu": -width / sigma * by_z,
        "sigma": -(width * t * by_z + 1) / sigma,
        "alpha": by_width / width + (by_shift + by_width * t) * by_z + z * mills,
    }


def information(own: Aux) -> dict[str, Array]:
    """Return about the expected information of a row by each parameter.

    That by mu is exact as alpha tends to zero and to infinity, and between good to a tenth; that by
    sigma is a normal's. That by alpha is a positive number near it: at an alpha of zero it is zero,
    as the mean and the sd are given, and the skewness grows with its third power.
    """
    square = np.square(own["alpha"])
    more = 2 / np.pi * square / np.sqrt(1 + 0.78 * square)
    return {
        "mu": (1 + more) * np.square(_standard(own["alpha"])[1] / own["sigma"]),
        "sigma": 2 / np.square(own["sigma"]),
        "alpha": (0.02 + 0.1 * square) / (1 + square) ** 2.5,
    }


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean: a normal and half a normal."""
    shift, width = _standard(aux["alpha"])
    delta = np.sqrt(np.pi / 2) * shift
    half = delta * np.abs(rng.standard_normal(mu.shape))
    other = (1 + np.square(aux["alpha"])) ** -0.5 * rng.standard_normal(mu.shape)
    return mu + aux["sigma"] / width * (half + other - shift)


SLANT = Parameter(
    name="alpha",
    domain="real",
    label="slant",
    default_prior=Normal(0.0, 4.0),
    start=0.0,
    link_sd=4.0,
)

SKEW_NORMAL = family_of_residuals(
    OfResiduals("skew_normal", log_kernel, slopes, information),
    SIGMA,
    SLANT,
    aliases=("skewnormal", "skewnorm", "snorm"),
    label="skew normal",
    draw=draw,
    stan=Distribution(
        name="skew_normal_mean",
        arguments="mu{i}, sigma, alpha",
        definition=(
            "real skew_normal_mean_lpdf(real y, real mu, real sigma, real alpha) {",
            "  real m = sqrt(2 / pi()) * alpha / sqrt(1 + square(alpha));",
            "  real omega = sigma / sqrt(1 - square(m));",
            "  return skew_normal_lpdf(y | mu - omega * m, omega, alpha);",
            "}",
        ),
    ),
    pymc=Distribution(
        name="SkewNormal",
        arguments=(
            "mu=mu - sigma * alpha * (np.pi / 2 * (1 + alpha**2) - alpha**2) ** -0.5, "
            "sigma=sigma * (1 - 2 / np.pi * alpha**2 / (1 + alpha**2)) ** -0.5, alpha=alpha"
        ),
    ),
)
