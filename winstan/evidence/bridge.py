"""Bridge sampling: the marginal likelihood by draws of the posterior and of a proposal like it.

The proposal has, in each dimension, the location, widths and tails of half of the draws
(`MonotoneTransform`), and their scores are predicted from those of the dimensions that tell of
them (`winstan.evidence.dependence`): a covariance of all would be mostly noise. The other half is
bridged to it. Then the halves change places, and both estimates are averaged.

References
----------
Meng and Wong (1996), Statistica Sinica 6, 831-860: the estimator, found by iteration.
Fruehwirth-Schnatter (2004), Econometrics Journal 7, 143-167: its relative error.
Meng and Schilling (2002), J. Computational and Graphical Statistics 11, 552-586: warping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse, special

from winstan.convergence import r_hats_and_ess
from winstan.errors import OptionError
from winstan.evidence.dependence import predecessors
from winstan.evidence.result import LogMarginalLikelihood
from winstan.evidence.space import Space
from winstan.marginal.monotone import MonotoneTransform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.model import Model

# The iteration converges geometrically.
ITERATIONS = 1000
TOLERANCE = 1e-10
NEWTON = 4
LEAST_DRAWS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A distribution like that of some points.

    Attributes
    ----------
    transform : MonotoneTransform
        Of each dimension, from standard normal scores.
    steps : sequence of (int, ndarray of int)
        The dimensions in an order, each with those before it by whose scores its own is predicted.
    weights : csr_array, shape (D, D)
        By how much.
    sd : ndarray, shape (D,)
        Of what is left of each score.
    """

    transform: MonotoneTransform
    steps: Sequence[tuple[int, np.ndarray]]
    weights: sparse.csr_array
    sd: Array

    @classmethod
    def like(cls, points: Array, steps: Sequence[tuple[int, np.ndarray]]) -> Proposal:
        """Return that of points, (n, D)."""
        n, D = points.shape
        transform = MonotoneTransform.through(points, np.full(n, 1 / n))
        score = _scores(transform, points)
        sd, found = np.empty(D), []
        for i, by in steps:
            X = score[:, by]
            gram = X.T @ X
            # As many points of no correlation as there are numbers that predict it.
            gram[np.diag_indices(by.size)] *= 1 + by.size / n
            found.append(np.linalg.solve(gram, X.T @ score[:, i]))
            left = np.square(score[:, i] - X @ found[-1]).sum()
            sd[i] = np.sqrt(left / max(n - by.size, n / 2))
        row = np.repeat([i for i, _ in steps], [by.size for _, by in steps])
        column = np.concatenate([by for _, by in steps])
        weights = sparse.csr_array((np.concatenate(found), (row, column)), shape=(D, D))
        return cls(transform, steps, weights, sd)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n points, (n, D)."""
        score = (self.sd * rng.standard_normal((n, self.sd.size))).T
        for i, by in self.steps:
            score[i] += self.weights[[i]][:, by].toarray()[0] @ score[by]
        return self.transform.at(score.T)

    def log_density(self, points: Array) -> Array:
        """Return the log density of points, (n, D), shape (n,)."""
        score = _scores(self.transform, points)
        z = (score - (self.weights @ score.T).T) / self.sd
        log_slope = self.transform.log_slope(score).sum(axis=1) + np.log(self.sd).sum()
        constant = 0.5 * points.shape[1] * np.log(2 * np.pi)
        return np.asarray(-0.5 * np.square(z).sum(axis=1) - constant - log_slope)


def _scores(transform: MonotoneTransform, points: Array) -> Array:
    """Return the scores of points exactly: between the grid's, by Newton's method."""
    score = transform.scores(points)
    for _ in range(NEWTON):
        score = score - (transform.at(score) - points) / np.exp(transform.log_slope(score))
    return score


def bridged_log_marginal_likelihood(
    model: Model, posterior: Mapping[str, Array], n_chains: int, seed: int
) -> LogMarginalLikelihood:
    """Estimate the marginal likelihood from draws.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, chain after chain, (S, *dims).
    n_chains
    seed
        Of the proposals.

    Raises
    ------
    OptionError
        If there are too few draws.
    """
    space = Space.of(model)
    points = space.points(posterior)
    S = len(points)
    if S < LEAST_DRAWS:
        raise OptionError(
            f"Bridge sampling takes {LEAST_DRAWS} draws at least, better thousands, and the fit "
            f"has {S}: fit.update(draws=2000)."
        )
    first = np.arange(S).reshape(n_chains, -1)
    first, second = np.array_split(first, 2, axis=1)
    log_density = space.log_density(points)
    rng = np.random.default_rng([seed, 1])
    steps = predecessors(model, space.size - space.sizes[-1])
    found = []
    for known, bridged in ((first, second), (second, first)):
        proposal = Proposal.like(points[known.ravel()], steps)
        proposed = proposal.draw(rng, bridged.size)
        own = proposal.log_density(points[bridged.ravel()]).reshape(bridged.shape)
        others = space.log_density(proposed) - proposal.log_density(proposed)
        found.append(bridge(log_density[bridged] - own, others))
    (one, its_error), (other, others_error) = found
    # They share no draw, but each learns from the other's: their difference tells as well.
    error = max(np.hypot(its_error, others_error) / 2, abs(one - other) / 2)
    return LogMarginalLikelihood(
        (one + other) / 2, float(error), "bridge sampling", space.size, 2 * S
    )


def bridge(of_posterior: Array, of_proposal: Array) -> tuple[float, float]:
    """Return the log of a normalising constant, and its standard error.

    Parameters
    ----------
    of_posterior : ndarray, shape (chains, n)
        Log density, not normalised, less the log density of the proposal, at draws of the former.
    of_proposal : ndarray, shape (m,)
        The same at draws of the latter.
    """
    effective = _effective(of_posterior)
    own, others = of_posterior.ravel(), of_proposal
    share = effective / (effective + others.size)
    log_share, log_other = np.log(share), np.log1p(-share)
    value = float(np.median(own))
    for _ in range(ITERATIONS):
        # Ratios l = q / g at either's draws: mean of l / (s l + t r), over mean of 1 / (s l + t r).
        above = special.logsumexp(others - np.logaddexp(log_share + others, log_other + value))
        below = special.logsumexp(-np.logaddexp(log_share + own, log_other + value))
        before, value = value, float(above - np.log(others.size) - below + np.log(own.size))
        if abs(value - before) < TOLERANCE:
            break
    f_proposal = np.exp(others - value - np.logaddexp(log_share + others - value, log_other))
    f_posterior = np.exp(-np.logaddexp(log_share + of_posterior - value, log_other))
    square = f_proposal.var() / f_proposal.mean() ** 2 / others.size
    square += f_posterior.var() / f_posterior.mean() ** 2 / _effective(f_posterior)
    return value, float(np.sqrt(square))


def _effective(values: Array) -> float:
    """Return the effective number of draws, (chains, n), at most as many as there are."""
    _, ess = r_hats_and_ess(values[:, :, None])
    return float(min(ess[0, 0], values.size)) if np.isfinite(ess[0, 0]) else float(values.size)
