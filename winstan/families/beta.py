"""The beta distribution: mean mu, precision phi, variance mu (1 - mu) / (1 + phi)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.data.grouped import IDENTITY, LOG, LOG_REST
from winstan.families.auxiliary import mean
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.support import unit_interval
from winstan.priors import InverseGamma

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample
    from winstan.families.support import Support

# Beyond, responses differ from their mean by rounding alone.
LARGEST_PHI = 1e30


def support(sample: Sample) -> Support:
    """Return the rows that are not between 0 and 1; the ends have a density of zero or infinity."""
    bad, wanted, remedy = unit_interval(sample)
    if np.any(bad) and np.all((sample.y >= 0) & (sample.y <= 1)):
        remedy = (
            "If these are successes of trials, give the counts with family='binomial'. Shares of "
            "exactly 0 or 1 are family='ordered_beta', where what moves the mean moves the ends "
            "too, or 'zero_one_inflated_beta', where the ends have probabilities of their own. If "
            "they are the rounding of values near them, move them in by half of the last digit."
        )
    return bad, wanted, remedy


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count, sum of log y and sum of log(1 - y) of each cell."""
    log_y, log_rest = sample.mean_of(LOG), sample.mean_of(LOG_REST)
    return {
        "n": sample.by_cell(cell, n_cells),
        "sum_log_y": sample.by_cell(cell, n_cells, log_y),
        "sum_log_rest": sample.by_cell(cell, n_cells, log_rest),
        "log_constant": sample.log_jacobian - sample.total(log_y) - sample.total(log_rest),
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    log_normaliser, a, b = _shapes(eta, aux["phi"], link, xp)
    return (
        xp.dot(stats["n"], log_normaliser)
        + xp.dot(stats["sum_log_y"], a)
        + xp.dot(stats["sum_log_rest"], b)
        + stats["log_constant"]
    )


def _shapes(eta: Any, phi: Any, link: Link, xp: Namespace = NUMPY) -> tuple[Any, Any, Any]:
    """Return log(gamma(a + b) / (gamma(a) gamma(b))), a = mu phi, and b = (1 - mu) phi."""
    assert link.log_complement is not None
    log_mu, log_rest = link.log_inverse(eta, xp), link.log_complement(eta, xp)
    a, b = phi * xp.exp(log_mu), phi * xp.exp(log_rest)
    # gamma(z) = gamma(1 + z) / z: nothing is lost where a shape is next to zero.
    log_normaliser = (
        (xp.gammaln(1 + phi) + xp.log(phi))
        + (log_mu + log_rest)
        - (xp.gammaln(1 + a) + xp.gammaln(1 + b))
    )
    return log_normaliser, a, b


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each (Ferrari and Cribari-Neto 2004)."""
    n, phi, slope = stats["n"], aux["phi"], link.inverse_derivative(eta)
    a, b = _positive_shapes(eta, phi, link)
    excess = stats["sum_log_y"] - stats["sum_log_rest"] - n * (special.psi(a) - special.psi(b))
    spread = special.polygamma(1, a) + special.polygamma(1, b)
    return phi * slope * excess, n * np.square(phi * slope) * spread


def score_of_phi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by phi, shape (C,) each."""
    n, phi = stats["n"], aux["phi"]
    a, b = _positive_shapes(eta, phi, link)
    mu, rest = a / phi, b / phi
    score = (
        n * (special.psi(phi) - mu * special.psi(a) - rest * special.psi(b))
        + mu * stats["sum_log_y"]
        + rest * stats["sum_log_rest"]
    )
    return score, information_of_phi(n, a, b)


def shared_of_phi(stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
    """Return the expected information that eta and phi share, shape (C,)."""
    phi, slope = aux["phi"], link.inverse_derivative(eta)
    a, b = _positive_shapes(eta, phi, link)
    return stats["n"] * slope * (a * special.polygamma(1, a) - b * special.polygamma(1, b))


def information_of_phi(n: Array, a: Array, b: Array) -> Array:
    """Return the expected information by phi = a + b of n rows, shape (C,)."""
    # z^2 psi'(z) of both shapes less that of their sum, of each z taken off.
    phi = a + b
    by_log = _beyond(a) + _beyond(b) - _beyond(phi)
    return n * by_log / np.square(phi)


def _beyond(z: Any) -> Any:
    """Return z^2 psi'(z) - z, of which few digits are left where z is large: from 1 down to 1/2."""
    near = np.minimum(z, 1e3)
    direct = np.square(near) * special.polygamma(1, near) - near
    far = np.maximum(z, 1e3)
    return np.where(z < 1e3, direct, 0.5 + 1 / (6 * far))


def _positive_shapes(eta: Array, phi: Any, link: Link) -> tuple[Array, Array]:
    """Return the shapes, kept from rounding to zero: they are divided by."""
    _, a, b = _shapes(eta, phi, link)
    return np.maximum(a, 1e-100), np.maximum(b, 1e-100)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    log_normaliser, a, b = _shapes(eta, aux["phi"], link)
    return log_normaliser + (a - 1) * np.log(y) + (b - 1) * np.log1p(-y)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw a response for each mean."""
    return draw_shares(rng, mu, aux["phi"])


def draw_shares(rng: np.random.Generator, mu: Array, phi: Array) -> Array:
    """Draw a share for each mean."""
    tiny = np.finfo(float).tiny
    phi = np.minimum(phi, LARGEST_PHI)
    log_gammas = []
    for share in (mu, 1 - mu):
        # gamma of shape a is that of shape 1 + a times a uniform to the 1 / a, which may be 1e-999.
        shape = np.maximum(share * phi, tiny)
        more = rng.standard_gamma(1 + shape, mu.shape)
        log_gammas.append(np.log(more) - rng.standard_exponential(mu.shape) / shape)
    y = special.expit(log_gammas[0] - log_gammas[1])
    # Small shapes put mass where doubles round to the ends, which are outside the support.
    return np.clip(y, tiny, np.nextafter(1.0, 0.0))


def response_variance(mu: Array, aux: Aux) -> Array:
    """Variance of a share."""
    return np.asarray(mu * (1 - mu) / (1 + aux["phi"]))


PHI = Parameter(
    name="phi",
    domain="positive",
    label="precision",
    # 1 / sqrt(phi), about the sd of y as a share of the largest that its mean allows, is
    # HalfNormal(0.5): nine tenths of phi are between 1, from where responses pile up at the ends,
    # and 1000. The tail above is that of a power: precise responses overcome it.
    default_prior=InverseGamma(0.5, 2.0),
    # Where it has a formula: 95 of 100 between 0.6 and 1500, about the middle of the same range.
    start=30.0,
    link_sd=2.0,
)

BETA = Family(
    name="beta",
    aliases=("beta_family", "beta_proportion", "beta_regression", "betareg", "betar"),
    kind="unit",
    label="beta",
    parameters=(mean("unit", "logit", "probit", "cloglog"), PHI),
    template="beta",
    support=support,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"phi": score_of_phi},
    shared={("mu", "phi"): shared_of_phi},
    log_density=log_density,
    draw=draw,
    response_variance=response_variance,
    stan=Distribution(name="beta_proportion", arguments="mu{i}, phi"),
    pymc=Distribution(name="Beta", arguments="mu=mu, nu=phi"),
    bambi=BambiFamily(name="beta", names={"phi": "kappa"}),
    precision="phi",
    usual=True,
    sufficient=(IDENTITY, LOG, LOG_REST),
)
