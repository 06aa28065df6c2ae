"""A family that winstan does not have: normal, but that some responses are moved by a shift.

With probability `share` a response comes from the normal about mu + shift * sigma. Its parameters
are of every domain: sigma is positive, shift is real, share is between 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from winstan import Beta, Exponential, Normal
from winstan.families import Family, Parameter
from winstan.families.namespace import NUMPY, Namespace
from winstan.families.student import statistics
from winstan.families.support import any_real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.families import Link, Statistics

TEMPLATE = """
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
}
data {
#include include/data.stan
  int<lower=0> V;
  array[V] int<lower=1, upper=C> cell;
  vector[V] value;
  vector<lower=0>[V] tally;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[C] mu = mean_from(eta, link);
  for (v in 1:V)
    target += tally[v] * log_mix(aux[3],
                                 normal_lpdf(value[v] | mu[cell[v]] + aux[2] * aux[1], aux[1]),
                                 normal_lpdf(value[v] | mu[cell[v]], aux[1]));
  target += log_constant;
}
"""


def _kernel(z: Any, aux: Mapping[str, Any], xp: Namespace) -> Any:
    shift, share = aux["shift"], aux["share"]
    more = shift * z - 0.5 * shift * shift + xp.log(share) - xp.log1p(-share)
    normal = -0.5 * z * z - xp.log(aux["sigma"]) - 0.5 * np.log(2 * np.pi)
    return normal + xp.log1p(-share) - xp.log_expit(-more)


def log_likelihood(
    stats: Statistics, eta: Any, aux: Mapping[str, Any], link: Link, xp: Namespace = NUMPY
) -> Any:
    z = (stats["value"] - link.inverse(eta, xp)[stats["cell"] - 1]) / aux["sigma"]
    return xp.dot(stats["tally"], _kernel(z, aux, xp)) + stats["log_constant"]


def score(stats: Statistics, eta: Any, aux: Mapping[str, float], link: Link) -> Any:
    cell, tally, sigma = stats["cell"] - 1, stats["tally"], aux["sigma"]
    z = (stats["value"] - link.inverse(eta)[cell]) / sigma
    odds = aux["share"] / (1 - aux["share"]) * np.exp(aux["shift"] * z - 0.5 * aux["shift"] ** 2)
    by_row = tally * (z - aux["shift"] * odds / (1 + odds)) / sigma
    slope = link.inverse_derivative(eta)
    n = np.bincount(cell, tally, minlength=eta.size)
    return np.bincount(cell, by_row, minlength=eta.size) * slope, n * slope**2 / sigma**2


def log_density(y: Any, eta: Any, aux: Mapping[str, Any], link: Link, trials: Any) -> Any:
    return _kernel((y - link.inverse(eta)) / aux["sigma"], aux, NUMPY)


def draw(rng: np.random.Generator, mu: Any, aux: Mapping[str, Any], trials: Any) -> Any:
    moved = rng.random(mu.shape) < aux["share"]
    return mu + aux["sigma"] * (rng.standard_normal(mu.shape) + aux["shift"] * moved)


def response_mean(mu: Any, aux: Mapping[str, Any]) -> Any:
    return mu + aux["share"] * aux["shift"] * aux["sigma"]


def row_log_densities(y: Any, mu: Any, aux: Mapping[str, float]) -> Any:
    """The same by scipy, for the tests' reference."""
    far = stats.norm.pdf(y, mu + aux["shift"] * aux["sigma"], aux["sigma"])
    return np.log(aux["share"] * far + (1 - aux["share"]) * stats.norm.pdf(y, mu, aux["sigma"]))


def _prior_of_sigma(scale: float) -> Exponential:
    return Exponential(1 / scale)


def _prior_of_shift(scale: float) -> Normal:
    return Normal(4.0, 1.0)


def _own_scale(scale: float) -> float:
    return scale


SHIFTED = Family(
    name="shifted",
    aliases=("moved",),
    kind="real",
    label="shifted normal",
    parameters=(
        Parameter(name="mu", domain="real", label="location", links=("identity", "log")),
        Parameter(
            name="sigma",
            domain="positive",
            label="standard deviation",
            default_prior=_prior_of_sigma,
            start=_own_scale,
        ),
        Parameter(
            name="shift",
            domain="real",
            label="shift",
            default_prior=_prior_of_shift,
            start=4.0,
        ),
        Parameter(
            name="share",
            domain="unit",
            label="share of shifted ones",
            default_prior=Beta(1.0, 9.0),
            start=0.1,
        ),
    ),
    template="",
    support=any_real,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    log_density=log_density,
    draw=draw,
    response_mean=response_mean,
)
