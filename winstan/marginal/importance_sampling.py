"""Finds coordinates for the variances by importance sampling, before NUTS begins.

Some thousand points, spread evenly over a t distribution about the approximate fit, are weighed by
the posterior density. The quantiles and correlations of the weighed points make better coordinates,
in which the same points are weighed again, until the weights are even. Weights are tempered as long
as a few points would have nearly all of them.

References
----------
Cappe, Guillin, Marin and Robert (2004), J. Computational and Graphical Statistics 13, 907-929:
population Monte Carlo. Koblents and Miguez (2015), Statistics and Computing 25, 407-425: tempered
weights. Matousek (1998), Journal of Complexity 14, 527-556: scrambled Sobol points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special
from scipy.stats import qmc

from winstan.correlations import partial_log_density
from winstan.marginal.monotone import MonotoneTransform
from winstan.marginal.system import chunks, cross_products, log_likelihood, system
from winstan.marginal.variances import Terms, VarianceCoordinates
from winstan.tuning import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coordinates import Coordinates
    from winstan.design import Stacked
    from winstan.marginal.statistics import Marginal
    from winstan.marginal.variances import Variances
    from winstan.priors import Prior
    from winstan.tuning import Tuning

# Points, and how many more for each coordinate: about so many, the number being a power of two, at
# which Sobol's are evenest.
POINTS, POINTS_EACH = 1000, 100
# Where there are fewer, as `Tuning.search_patterns` has it: a few times those needed.
FEWEST = 5
# Effective points: at least so many, and so many for each coordinate, for which weights are
# tempered.
AT_LEAST, AT_LEAST_EACH = 40, 10
# Rounds end when there are so many effective points, as a share of those that there would be if the
# coordinates were standard normal; or when the last one made them little better, and the power of
# the weights is not far from one: many coordinates are never found without noise.
EVEN = 0.7
BETTER = 1.1
CLOSE = 0.25
# The proposal has longer tails than the normal that it should be, and is wider.
FREEDOM = 6.0
WIDER = 1.2
SEED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The posterior density of the variances.

    Attributes
    ----------
    stacked, marginal
    products : ndarray
        From `cross_products`.
    sd_priors, sigma_prior
    lkj : tuple of float
        Of each correlated term.
    chunk : int
        `Tuning.marginal_chunk`.
    """

    stacked: Stacked
    marginal: Marginal
    products: Array
    sd_priors: Sequence[Prior]
    sigma_prior: Prior
    lkj: tuple[float, ...]
    chunk: int = USUAL.marginal_chunk

    def log_density(self, at: Variances) -> Array:
        """Log density of log sds, partial correlations and log sigma, shape (S,).

        Points beyond what can be computed have minus infinity.
        """
        out = np.log(at.sigma) + self.sigma_prior.log_density(at.sigma)
        for k, prior in enumerate(self.sd_priors):
            out = out + np.log(at.sd[:, k]) + prior.log_density(at.sd[:, k])
        for partial, factor, eta in zip(at.partial, at.factors, self.lkj, strict=True):
            out = out + partial_log_density(partial, factor.shape[-1], eta)
        roots = self.stacked.roots(at.sd, at.factors)
        out = out + self._log_likelihood(roots, at.sigma)
        return np.where(np.isfinite(out), out, -np.inf)

    def _log_likelihood(self, roots: Sequence[Array], sigma: Array) -> Array:
        out = np.empty(sigma.size)
        for some in chunks(self.marginal, sigma.size, self.chunk, drawn=False):
            parts = [L[some] for L in roots], sigma[some]
            out[some] = self._by_halves(*parts)
        return out

    def _by_halves(self, roots: Sequence[Array], sigma: Array) -> Array:
        """Take all at once, or either half where one of them has no Cholesky factor."""
        matrices = system(self.marginal, self.products, roots, sigma)
        try:
            return log_likelihood(self.marginal, matrices, sigma)
        except np.linalg.LinAlgError:
            if sigma.size == 1:
                return np.full(1, -np.inf)
        half = sigma.size // 2
        halves = slice(0, half), slice(half, None)
        return np.concatenate([self._by_halves([L[h] for L in roots], sigma[h]) for h in halves])


def adapt_coordinates(
    stacked: Stacked,
    cells: Cells,
    coordinates: Coordinates,
    marginal: Marginal,
    sd_priors: Sequence[Prior],
    sigma_prior: Prior,
    lkj: tuple[float, ...],
    tuning: Tuning,
) -> VarianceCoordinates:
    """Find the coordinates.

    Parameters
    ----------
    stacked, cells
    coordinates
        Of the approximate fit, from which it starts.
    marginal
    sd_priors, sigma_prior
    lkj
        Of each correlated term.
    tuning
    """
    products, chunk = cross_products(marginal), tuning.marginal_chunk
    target = Target(stacked, marginal, products, sd_priors, sigma_prior, lkj, chunk)
    terms = Terms.of(stacked, cells)

    def log_density(at: Array) -> Array:
        return target.log_density(terms.variances(at))

    return search(_start(terms, coordinates), log_density, marginal.count.size, tuning)


def search(
    found: VarianceCoordinates,
    log_density: Callable[[Array], Array],
    patterns: int,
    tuning: Tuning,
) -> VarianceCoordinates:
    """Find coordinates of a density from first ones.

    Parameters
    ----------
    found
        About the density's mode.
    log_density
        Of points, shape (S, D), without their Jacobian.
    patterns
        How much a point costs, in patterns of groups.
    tuning
    """
    D = found.size
    needed = AT_LEAST + AT_LEAST_EACH * D
    n = min(POINTS + POINTS_EACH * D, max(1, tuning.search_patterns // patterns))
    power_of_two = max(round(np.log2(n)), math.ceil(np.log2(FEWEST * needed)))
    raw, log_proposed = propose(power_of_two, D)
    log_ideal = -0.5 * np.square(raw).sum(axis=1) - log_proposed
    ideal = _effective(np.exp(log_ideal - log_ideal.max()))
    best = start = found
    most = 0.0
    with np.errstate(all="ignore"):  # points far out have no weight
        for _ in range(tuning.search_rounds):
            at = found.at(raw)
            log_weight = log_density(at) + found.log_slope(raw) - log_proposed
            if np.count_nonzero(np.isfinite(log_weight)) < needed:
                break
            weight, power = _tempered(log_weight, needed)
            found = _adapted(found, at, weight, skewed=power > CLOSE)
            if not found.sound:
                break
            even = power * _effective(weight) / ideal
            done = even > EVEN or even < BETTER * most
            if even > most:
                most, best = even, replace(found, converged=power > CLOSE)
            if done and best.converged:
                break
    return best if best.converged else start


def _start(terms: Terms, coordinates: Coordinates) -> VarianceCoordinates:
    """Lay the first points about the approximate fit."""
    log_sd = coordinates.log_sd_location + coordinates.log_sd_skew
    location = terms.coordinates(log_sd, coordinates.corr_location, coordinates.aux_location[0])
    scale = np.concatenate(
        [coordinates.log_sd_scale, coordinates.corr_scale, coordinates.aux_scale.diagonal()]
    )
    transform = MonotoneTransform.straight(location, scale)
    return VarianceCoordinates(terms, transform, np.eye(location.size), converged=False)


def propose(
    power_of_two: int, D: int, seed: int | np.random.Generator = SEED
) -> tuple[Array, Array]:
    """2^power_of_two points of a t distribution, (n, D), and their log density, (n,)."""
    uniform = qmc.Sobol(D + 1, seed=seed).random_base2(power_of_two)
    normal = special.ndtri(uniform[:, :D])
    chi_square = 2 * special.gammaincinv(FREEDOM / 2, uniform[:, D])
    t = normal * np.sqrt(FREEDOM / chi_square)[:, None]
    constant = special.gammaln((FREEDOM + D) / 2) - special.gammaln(FREEDOM / 2)
    constant -= 0.5 * D * np.log(FREEDOM * np.pi) + D * np.log(WIDER)
    log_density = -0.5 * (FREEDOM + D) * np.log1p(np.square(t).sum(axis=1) / FREEDOM)
    return WIDER * t, constant + log_density


def _tempered(log_weight: Array, needed: float) -> tuple[Array, float]:
    """Weights to the highest power, up to one, at which as many points count as are needed."""
    log_weight = log_weight - log_weight.max()
    low, high = 0.0, 1.0
    if _effective(np.exp(log_weight)) >= needed:
        low = 1.0
    else:
        for _ in range(30):
            middle = (low + high) / 2
            if _effective(np.exp(middle * log_weight)) >= needed:
                low = middle
            else:
                high = middle
    weight = np.where(np.isfinite(log_weight), np.exp(low * log_weight), 0.0)
    return weight / weight.sum(), low


def _effective(weight: Array) -> float:
    return float(np.square(weight.sum()) / np.square(weight).sum())


def _adapted(
    old: VarianceCoordinates, at: Array, weight: Array, *, skewed: bool
) -> VarianceCoordinates:
    """Coordinates by the weighed points: quantiles of each, and the correlations of scores."""
    if skewed:
        transform = MonotoneTransform.through(at, weight)
    else:
        mean = weight @ at
        transform = MonotoneTransform.straight(mean, np.sqrt(weight @ np.square(at - mean)))
    score = transform.scores(at)
    covariance = (weight[:, None] * score).T @ score
    # As many points of no correlation as there are coordinates: few effective ones have some.
    D, n = at.shape[1], _effective(weight)
    shrunk = (n * covariance + D * np.diag(np.diag(covariance))) / (n + D)
    return replace(old, transform=transform, correlation_root=np.linalg.cholesky(shrunk))
