"""The negative binomial distribution whose variance is a multiple of the mean: (1 + phi) mu.

Each cell's shape is alpha = mu / phi; the rest is `winstan.families.negative_binomial`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families import negative_binomial
from winstan.families.auxiliary import mean
from winstan.families.distribution import Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.rising import LARGEST_ALPHA
from winstan.families.support import counts
from winstan.families.tails import Cumulative, negative_binomial_log_tails
from winstan.priors import HalfCauchy

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
    """Count, sum of y and a tally of the values of each cell, whose shape is its own."""
    return {**negative_binomial.statistics(sample, cell, n_cells, ["alpha"]), "linear": 1}


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    alpha = xp.exp(link.log_inverse(eta, xp)) / aux["phi"]
    return negative_binomial.log_likelihood(stats, eta, {"alpha": alpha}, link, xp)


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by eta, shape (C,) each: the mean moves the shape.

    The information is that of a quasi-likelihood of this variance.
    """
    shape = {"alpha": _shape(link.inverse(eta), aux["phi"])}
    of_mean, information = negative_binomial.score(stats, eta, shape, link)
    of_shape, _ = negative_binomial.score_of_alpha(stats, eta, shape, link)
    return of_mean + of_shape * link.inverse_derivative(eta) / aux["phi"], information


def score_of_phi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and about the expected information by phi, shape (C,) each: those by the shape."""
    alpha = _shape(link.inverse(eta), aux["phi"])
    of_shape, information = negative_binomial.score_of_alpha(stats, eta, {"alpha": alpha}, link)
    slope = -alpha / aux["phi"]
    return of_shape * slope, information * np.square(slope)


def _shape(mu: Array, phi: Any) -> Array:
    return np.clip(mu / phi, np.finfo(float).tiny, LARGEST_ALPHA)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    shape = {"alpha": _shape(link.inverse(eta), aux["phi"])}
    return negative_binomial.log_density(y, eta, shape, link, trials)


def log_tails(y: Any, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any]:
    """Return the logarithms of P(Y <= y) and P(Y > y), of whole numbers."""
    log_mu = link.log_inverse(eta, xp)
    alpha = xp.minimum(xp.exp(log_mu) / aux["phi"], LARGEST_ALPHA)
    return negative_binomial_log_tails(y, log_mu, alpha, xp)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    return negative_binomial.draw(rng, mu, {"alpha": _shape(mu, aux["phi"])}, trials)


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a count."""
    return np.asarray(mu * (1 + aux["phi"]))


PHI = Parameter(
    name="phi",
    domain="positive",
    label="overdispersion",
    # As likely above one, twice the variance of Poisson counts, as below. The tail is a power's.
    default_prior=HalfCauchy(1.0),
    link_sd=2.0,
)

NEGATIVE_BINOMIAL1 = Family(
    name="negative_binomial1",
    aliases=(
        "negative_binomial_1",
        "negativebinomial1",
        "neg_binomial_1",
        "negbinomial1",
        "negbin1",
        "nbinom1",
        "nb1",
        "nbii",
    ),
    kind="count",
    label="negative binomial (variance linear in the mean)",
    parameters=(mean("positive", "log", "identity", "sqrt"), PHI),
    template="negative_binomial",
    support=counts,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"phi": score_of_phi},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="neg_binomial_2", arguments="mu{i}, mu{i} {over} phi"),
    pymc=Distribution(name="NegativeBinomial", arguments="mu=mu, alpha=mu / phi"),
    cumulative=Cumulative(code=7, log_tails=log_tails),
)
