"""The negative binomial distribution: mean mu, shape alpha, variance mu + mu^2 / alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import poisson
from winstan.families.auxiliary import ALPHA, mean
from winstan.families.cellwise import log_factorial, quasi_score, tally_by_cell
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.rising import (
    LARGEST_ALPHA,
    log_pmf,
    log_rising_by_cell,
    log_rising_sum,
    rising_of_cells,
    rising_slope,
    rising_statistics,
)
from winstan.families.sample import sum_by
from winstan.families.support import counts
from winstan.families.tails import Cumulative, negative_binomial_log_tails

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count and sum of y per cell; and what the rising factorials of the values need.

    That is over all rows, or, of a shape that differs between cells, of each cell's values.
    """
    constant = sample.log_jacobian - sample.total(log_factorial(sample.y))
    if "alpha" in predicted:
        rising = rising_of_cells(tally_by_cell(sample, cell))
    else:
        value, at = np.unique(sample.y, return_inverse=True)
        rising = rising_statistics(value, sum_by(at, sample.weight, value.size))
    return {
        "linear": 0,
        "n": sample.by_cell(cell, n_cells),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        **rising,
        "log_constant": constant,
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    alpha, log_mu = xp.minimum(aux["alpha"], LARGEST_ALPHA), link.log_inverse(eta, xp)
    mu = xp.exp(log_mu)
    ratio = mu / alpha
    # log(1 + ratio) / ratio: the derivative of what is written so does not cancel.
    series = 1 - ratio * (1 / 2 - ratio * (1 / 3 - ratio * (1 / 4 - ratio / 5)))
    share = xp.where(ratio < 1e-3, series, xp.log1p(ratio) / ratio)
    of_cells = getattr(alpha, "ndim", 0) > 0
    return (
        (log_rising_by_cell if of_cells else log_rising_sum)(stats, alpha, xp)
        + xp.dot(stats["sum_y"], log_mu)
        - xp.total((stats["sum_y"] * ratio + stats["n"] * mu) * share)
        + stats["log_constant"]
    )


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    variance = mu + mu**2 / aux["alpha"]
    return quasi_score(stats["n"], excess, link.inverse_derivative(eta), variance)


def score_of_alpha(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by an alpha of each cell, shape (C,) each.

    The information has no closed form: this one has the right limits where mu is large (gamma) and
    where alpha is (Poisson).
    """
    n, mu = stats["n"], link.inverse(eta)
    alpha, cell = np.minimum(aux["alpha"], LARGEST_ALPHA), stats["cell"] - 1
    rising = stats["tally"] * rising_slope(stats["excess"], alpha[cell])
    score = np.bincount(cell, rising, minlength=eta.size)
    score += (stats["sum_y"] + n * alpha) * mu / (alpha * (alpha + mu)) - n * np.log1p(mu / alpha)
    of_gamma = special.polygamma(1, alpha) - 1 / alpha
    return score, n * np.maximum(of_gamma, 0.5 / alpha**2) * np.square(mu / (alpha + mu))


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    return log_pmf(y, link.inverse(eta), aux["alpha"])


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y), of whole numbers."""
    alpha = xp.minimum(aux["alpha"], LARGEST_ALPHA)
    return negative_binomial_log_tails(y, link.log_inverse(eta, xp), alpha, xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean: Poisson about a gamma mean."""
    alpha = np.minimum(aux["alpha"], LARGEST_ALPHA)
    unit = rng.standard_gamma(alpha, mu.shape) / alpha
    return poisson.draw(rng, np.where(unit > 0, mu * unit, 0.0), aux, trials)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a count."""
    return np.asarray(mu + np.square(mu) / aux["alpha"])


NEGATIVE_BINOMIAL = Family(
    name="negative_binomial",
    aliases=(
        "negativebinomial",
        "negative_binomial_2",
        "neg_binomial",
        "neg_binomial_2",
        "negbinomial",
        "negbinom",
        "negbin",
        "nbinom",
        "nbinom2",
        "nb",
        "nb2",
    ),
    kind="count",
    label="negative binomial",
    parameters=(mean("positive", "log", "identity", "sqrt"), ALPHA),
    template="negative_binomial",
    support=counts,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"alpha": score_of_alpha},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(
        name="neg_binomial_2",
        arguments="mu{i}, alpha",
        by_link={"log": ("neg_binomial_2_log", "eta{i}, alpha")},
    ),
    pymc=Distribution(name="NegativeBinomial", arguments="mu=mu, alpha=alpha"),
    bambi=BambiFamily(name="negativebinomial", weighted=True),
    exponential_family=True,
    zeros=("zero_inflated_negative_binomial", "hurdle_negative_binomial"),
    usual=True,
    cumulative=Cumulative(code=7, log_tails=log_tails, by_part=True),
)
