"""The inverse Gaussian (Wald) distribution: mean mu, shape lam, variance mu^3 / lam.

A cell's sum of (y - mu)^2 / (mu^2 y) is n (m - mu)^2 / (mu^2 m), with m the mean of its rows, and
the sum of (y - m)^2 / (m^2 y): nothing cancels where responses are precise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import gaussian
from winstan.families.auxiliary import SIGMA, mean
from winstan.families.cellwise import quasi_score
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import ACCEPT_OPEN, Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.support import positive_real
from winstan.families.tails import ROOT_HALF, Cumulative, log_complement
from winstan.families.waiting_times import waiting_statistics
from winstan.families.zeros import log_sum
from winstan.priors import InverseGamma

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample
    from winstan.priors import Prior


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count, mean and the sum of (y - m)^2 / (m^2 y) about it of each cell."""
    own = dict(gaussian.statistics(sample, cell, n_cells))
    del own["ss_within"]
    own["mean_y"] = np.where(own["n"] > 0, own["mean_y"], 1.0)  # of no rows, any will do
    m = own["mean_y"][cell]
    own["excess"] = sample.by_cell(cell, n_cells, np.square(sample.y / m - 1) / sample.y)
    weight = float(own["n"].sum())
    constant = -1.5 * sample.total(np.log(sample.y)) - 0.5 * weight * np.log(2 * np.pi)
    return waiting_statistics(
        "inverse_gaussian", {**own, "log_constant": sample.log_jacobian + constant}
    )


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    n, m, lam, log_mu = stats["n"], stats["mean_y"], aux["lam"], link.log_inverse(eta, xp)
    squares = n * xp.square(m * xp.exp(-log_mu) - 1) / m + stats["excess"]
    return 0.5 * xp.total(n * xp.log(lam) - lam * squares) + stats["log_constant"]


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["n"] * (stats["mean_y"] - mu)
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu**3 / aux["lam"])


def score_of_lam(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by lam, shape (C,) each."""
    n, m, lam = stats["n"], stats["mean_y"], aux["lam"]
    squares = n * np.square(m / link.inverse(eta) - 1) / m + stats["excess"]
    return 0.5 * (n / lam - squares), 0.5 * n / np.square(lam)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    lam = aux["lam"]
    normaliser = 0.5 * (np.log(lam) - np.log(2 * np.pi) - 3 * np.log(y))
    return normaliser - 0.5 * lam * np.square(y / link.inverse(eta) - 1) / y


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y).

    With a, b = sqrt(lam / y) (y / mu -+ 1) they are those of Phi(a) + s and of Phi(-a) - s, where s
    = exp(2 lam / mu) Phi(-b) is the normal density at a times Mills' ratio at b. Far out in the
    upper tail Phi(-a) is the same density times Mills' ratio at a, and the two ratios are what the
    difference is of (Shuster 1968, J. American Statistical Association 63, 1514-1516).
    """
    root, ratio = xp.sqrt(aux["lam"] / y), y * xp.exp(-link.log_inverse(eta, xp))
    a = root * (ratio - 1)
    below, above = xp.log_ndtr(a), xp.log_ndtr(-a)
    at_b = xp.log_erfcx(ROOT_HALF * root * (ratio + 1))
    second = at_b - np.log(2) - 0.5 * xp.square(a)
    # Each where it serves: elsewhere its derivatives might be no numbers.
    at_a = xp.log_erfcx(ROOT_HALF * xp.where(a > 0, a, 0.0))
    less = xp.where(a > 0, at_b - at_a, second - above)
    return log_sum(below, second, xp), above + log_complement(less, xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean (Michael, Schucany and Haas 1976).

    Of the two roots, whose product is mu^2, the smaller one is written as a quotient: as a
    difference it is lost where mu is large beside lam.
    """
    half = 0.5 * np.square(rng.standard_normal(mu.shape)) / aux["lam"]
    rate = 1 / mu
    smaller = 1 / (rate + half + np.sqrt(half * (2 * rate + half)))
    first = rng.random(mu.shape) < 1 / (1 + smaller * rate)
    return np.maximum(np.where(first, smaller, mu / (smaller * rate)), np.finfo(float).tiny)


def _prior_of_lam(scale: float) -> Prior:
    # lam has the unit of y: over its sd it is one over the cube of the coefficient of variation,
    # nine tenths of which are between 0.1 and 1.8. The tail above is a power's.
    return InverseGamma(0.4, 0.3 * scale)


LAM = Parameter(
    name="lam", domain="positive", label="shape", default_prior=_prior_of_lam, start=SIGMA.start
)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a response."""
    return np.asarray(mu**3 / aux["lam"])


INVERSE_GAUSSIAN = Family(
    name="inverse_gaussian",
    aliases=("inversegaussian", "invgauss", "wald", "ig", "igf"),
    kind="positive",
    label="inverse Gaussian",
    parameters=(mean("positive", "log", "identity", "inverse"), LAM),
    template="waiting_times",
    support=positive_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"lam": score_of_lam},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(
        name="inverse_gaussian",
        arguments="mu{i}, lam",
        definition=(
            "real inverse_gaussian_lpdf(real y, real mu, real lam) {",
            "  return 0.5 * (log(lam / (2 * pi())) - 3 * log(y) - lam * square(y / mu - 1) / y);",
            "}",
        ),
        tails=(
            "real inverse_gaussian_lcdf(real y, real mu, real lam) {",
            "  real far = 2 * lam / mu + normal_lcdf(-sqrt(lam / y) * (y / mu + 1) | 0, 1);",
            "  return log_sum_exp(normal_lcdf(sqrt(lam / y) * (y / mu - 1) | 0, 1), far);",
            "}",
            "real inverse_gaussian_lccdf(real y, real mu, real lam) {",
            "  real far = 2 * lam / mu + normal_lcdf(-sqrt(lam / y) * (y / mu + 1) | 0, 1);",
            "  return log_diff_exp(normal_lcdf(sqrt(lam / y) * (1 - y / mu) | 0, 1), far);",
            "}",
        ),
    ),
    pymc=Distribution(name="Wald", arguments="mu=mu, lam=lam"),
    bambi=BambiFamily(name="wald"),
    exponential_family=True,
    target_accept=ACCEPT_OPEN,
    cumulative=Cumulative(code=8, log_tails=log_tails),
)
