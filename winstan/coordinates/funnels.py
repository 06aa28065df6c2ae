"""Axes of coefficients and effects, each of which widens with the sds in its own way.

The mean of six items is known to the sd of items over the root of six; given the items, the
Intercept is known to the sd of subjects over the root of their number. Each is a funnel of its own.
Where coefficients and effects are drawn together, the coordinates are turned to the axes along
which their covariance grows with one sd or another, and each axis is then scaled by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.block_cholesky import as_dense
from winstan.approximation.sensitivities import moved_by
from winstan.coordinates.scores import to_coordinates
from winstan.coordinates.sd_dependent_scale import SdDependentScale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.coordinates.crossing import Compensation
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.standard import TermCoordinates

# Units of log sd, to either side: for a derivative, and where widths are met.
STEP = 0.05
MET_AT = -1.5, -0.75, 0.75, 1.5
# Below this share of its scale an axis keeps it.
NEGLIGIBLE = 0.1
# What of a variance neither sds nor priors may take, so that no scale vanishes.
LEFT = 0.005
WEIGHTINGS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Funnels:
    """Axes of the n joint coordinates, and how their scales follow the sds.

    Attributes
    ----------
    rotation : ndarray, shape (n, n)
        Orthogonal: the axes are its columns, those whose scale follows first.
    sd_dependent_scale : SdDependentScale
    """

    rotation: Array
    sd_dependent_scale: SdDependentScale


def funnels(
    fit: Approximation,
    terms: Sequence[TermCoordinates],
    compensation: Compensation,
    decorrelation: Decorrelation,
) -> Funnels | None:
    """Find the axes; None where nothing is crossed, or the coordinates have axes of their own.

    Growths with one sd and with another are diagonal along the same axes where all is balanced, and
    nearly so elsewhere.
    """
    crossed = any(term.crossed for term in terms)
    if fit.factor is None or decorrelation.low_rank is not None or not crossed:
        return None
    covariance = _decorrelated_covariance(fit, terms, compensation, decorrelation)
    Q = fit.sd.size
    each = np.eye(Q)
    grows = [(covariance(STEP * k) - covariance(-STEP * k)) / (4 * STEP) for k in each]
    rotation = common_axes(np.array(grows))
    moves = np.array([step * k for step in MET_AT for k in each])
    widths = np.array([((covariance(move) @ rotation) * rotation).sum(axis=0) for move in moves])
    size = np.abs(np.log(widths)).max(axis=0)
    by_size = np.argsort(-size, kind="stable")[: np.count_nonzero(size > 2 * NEGLIGIBLE)]
    # The rest by reflections, which rounding does not rotation: all but these axes are alike.
    rotation = np.linalg.qr(rotation[:, by_size], mode="complete")[0]
    shares, bound = np.zeros((by_size.size, Q)), np.zeros(by_size.size)
    for place, axis in enumerate(by_size):
        shares[place], bound[place] = _curve(np.exp(2 * moves), widths[:, axis])
    free = 1 / (1 - bound)
    variance = np.square(fit.sd)
    scale = SdDependentScale(
        at=np.arange(by_size.size),
        base=free * (1 - shares.sum(axis=1)),
        slope=free[:, None] * shares / variance,
        bound=bound,
    )
    return Funnels(rotation, scale)


def common_axes(matrices: Array) -> Array:
    """Find the orthogonal axes along which symmetric matrices, (K, n, n), are most nearly diagonal.

    The eigenvectors of a weighted sum, of several: where two axes happen to have one eigenvalue,
    they are not those of each.
    """
    weights = np.random.default_rng(0).uniform(0.1, 1.0, (WEIGHTINGS, len(matrices)))
    best, least = np.eye(matrices.shape[1]), np.inf
    for weight in weights:
        _, rotation = np.linalg.eigh(np.einsum("k,kij->ij", weight, matrices))
        turned = rotation.T @ matrices @ rotation
        off = float(np.square(turned).sum() - np.square(np.diagonal(turned, 0, 1, 2)).sum())
        if off < least:
            best, least = rotation, off
    return best


def _curve(ratios: Array, widths: Array) -> tuple[Array, float]:
    """Lay a bounded line in the squared sds through variances, by least squares of logarithms.

    Parameters
    ----------
    ratios : ndarray, shape (n, Q)
        Of squared sds to the fit's, where the variance is one.
    widths : ndarray, shape (n,)

    Returns
    -------
    shares : ndarray, shape (Q,)
        Of each sd in the line at the fit.
    bound : float
        What remains of the variance's inverse where the sds are infinite.
    """
    # Only here: a first fit of other models does not wait for it.
    from scipy import optimize  # noqa: PLC0415

    Q = ratios.shape[1]

    def parts(at: Array) -> tuple[Array, float]:
        shares = at[:Q] * min(1.0, (1 - LEFT) / max(at[:Q].sum(), 1e-300))
        return shares, float(at[Q])

    def gap(at: Array) -> Array:
        shares, bound = parts(at)
        line = (1 + (ratios - 1) @ shares) / (1 - bound)
        misses: Array = np.log(line / (1 + bound * line) / widths)
        return misses

    start = np.append(np.full(Q, 0.5 / Q), 0.1)
    found = optimize.least_squares(gap, start, bounds=(0.0, 1 - LEFT))
    return parts(found.x)


def _decorrelated_covariance(
    fit: Approximation,
    terms: Sequence[TermCoordinates],
    compensation: Compensation,
    decorrelation: Decorrelation,
) -> Callable[[Array], Array]:
    """Return the decorrelated coordinates' covariance as a function of moves of the log sds.

    The information of the data is as at the fit; there, the covariance is the identity.
    """
    factor = fit.factor
    assert factor is not None
    at, P, old = factor.layout, len(fit.beta), fit.effect_covariance
    inverse = np.linalg.inv(decorrelation.remaining_scale)
    of_eliminated, regression = np.linalg.inv(factor.inverse), as_dense(factor.regression)
    cross = _by_level(of_eliminated, regression)
    of_remaining = factor.root @ factor.root.T + cross.T @ regression
    of_term = np.repeat(np.arange(len(terms)), [term.score.size for term in terms])

    def covariance(move: Array) -> Array:
        new = moved_by(old, fit.sd_slopes @ move)
        eliminated, remaining = of_eliminated, of_remaining.copy()
        for m, (S, T) in enumerate(zip(old, new, strict=True)):
            change = np.linalg.inv(T) - np.linalg.inv(S)
            if m == at.term:
                eliminated = eliminated + change
            else:
                place = P + np.flatnonzero(of_term[at.remaining[P:] - P] == m)
                remaining[np.ix_(place, place)] += np.kron(change, np.eye(place.size // len(S)))
        remaining -= cross.T @ _by_level(np.linalg.inv(eliminated), cross)
        whole = to_coordinates(new, terms, compensation, at.remaining)
        coordinates = inverse @ whole[at.remaining][:, at.remaining].toarray()
        result: Array = coordinates @ np.linalg.inv(remaining) @ coordinates.T
        return result

    return covariance


def _by_level(blocks: Array, columns: Array) -> Array:
    """Multiply columns on effects, (q J, n), by a block of each level, (J, q, q)."""
    J, q, _ = blocks.shape
    product = np.einsum("jik,kjn->ijn", blocks, columns.reshape(q, J, -1))
    return product.reshape(columns.shape)
