"""Integrals over standard normal effects, one for each draw, of a density that peaks somewhere.

In one dimension by Gauss-Hermite quadrature about the mode, with its curvature (Liu and Pierce
1994, Biometrika 81, 624-629); in several by importance sampling from a multivariate t about it, at
Sobol's points, which each draw has shifted (Cranley and Patterson 1976, SIAM Journal on Numerical
Analysis 13, 904-914).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array

NODES = 21
"""Of the quadrature: exact where the rest is a polynomial of degree 41."""
SAMPLES = 64
"""Points of importance sampling for each draw."""
_FREEDOM = 8.0
_STEPS = 20
_SHORTER = (1.0, 0.5, 0.25, 0.0625, 0.0)


@dataclass(frozen=True, slots=True)
class Peak:
    """Where an integrand has its mode, draw by draw.

    Attributes
    ----------
    at : ndarray, shape (S, T)
    information : ndarray, shape (S, T, T)
        Minus the second derivative of its logarithm there, or near it.
    """

    at: Array
    information: Array


@dataclass(frozen=True, slots=True, eq=False)
class Integrand:
    """A density of data, as a function of T standard normal effects of each of S draws.

    Attributes
    ----------
    log_density : callable
        Of the data at effects of shape (S, T): shape (S,).
    slopes : callable
        Its gradient there, shape (S, T), and a positive definite matrix near minus its second
        derivative, shape (S, T, T).
    shape : tuple of int
        (S, T).
    """

    log_density: Callable[[Array], Array]
    slopes: Callable[[Array], tuple[Array, Array]]
    shape: tuple[int, int]

    def log_joint(self, z: Array) -> Array:
        """Return the log density of data and effects together, shape (S,)."""
        normal = -0.5 * np.square(z).sum(axis=1) - 0.5 * z.shape[1] * np.log(2 * np.pi)
        return self.log_density(z) + normal


def find_peak(integrand: Integrand) -> Peak:
    """Look for the modes by Newton's method, a shorter step where a whole one leads downhill."""
    z = np.zeros(integrand.shape)
    value = integrand.log_joint(z)
    information = np.broadcast_to(np.eye(z.shape[1]), (*z.shape, z.shape[1])).copy()
    for _ in range(_STEPS):
        gradient, curvature = integrand.slopes(z)
        information = curvature + np.eye(z.shape[1])
        step = np.linalg.solve(information, (gradient - z)[..., None])[..., 0]
        moved, left = np.zeros_like(step), np.ones(len(z), bool)
        for share in _SHORTER:
            trial = z + share * step
            found = integrand.log_joint(trial)
            better = left & (found >= value)
            moved[better], value[better] = share * step[better], found[better]
            left &= ~better
            if not left.any():
                break
        z = z + moved
        if np.abs(moved).max(initial=0.0) < 1e-3:
            break
    return Peak(z, information)


def log_integral(integrand: Integrand, rng: np.random.Generator) -> Array:
    """Return the log of the integral of `Integrand.log_joint`'s exponential, shape (S,)."""
    peak = find_peak(integrand)
    if integrand.shape[1] == 1:
        return by_quadrature(integrand, peak, NODES)
    return by_importance(integrand, peak, SAMPLES, rng)


def by_quadrature(integrand: Integrand, peak: Peak, n: int) -> Array:
    """Integrate over one effect by n nodes about the mode."""
    nodes, weights = special.roots_hermite(n)
    wide = np.sqrt(2 / peak.information[:, :, 0])
    terms = [
        np.log(weight) + node**2 + integrand.log_joint(peak.at + wide * node)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True)
    ]
    return special.logsumexp(np.stack(terms), axis=0) + np.log(wide[:, 0])


def by_importance(integrand: Integrand, peak: Peak, n: int, rng: np.random.Generator) -> Array:
    """Integrate by n points from a multivariate t about the mode; exponentials are unbiased."""
    S, T = integrand.shape
    # information = L L', so that L'^-1 z has its inverse as covariance.
    L = np.linalg.cholesky(peak.information)
    log_det = np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    constant = (
        special.gammaln((_FREEDOM + T) / 2)
        - special.gammaln(_FREEDOM / 2)
        - 0.5 * T * np.log(_FREEDOM * np.pi)
    )
    shift = rng.random((S, T + 1))
    terms = []
    for point in stats.qmc.Sobol(T + 1, seed=rng).random(n):
        u = np.clip((point + shift) % 1, 1e-12, 1 - 1e-12)  # a lattice of its own for each draw
        longer = np.sqrt(_FREEDOM / (2 * special.gammaincinv(_FREEDOM / 2, u[:, T])))
        ray = special.ndtri(u[:, :T]) * longer[:, None]
        away = np.linalg.solve(np.swapaxes(L, 1, 2), ray[..., None])[..., 0]
        squared = np.square(ray).sum(axis=1)
        proposed = constant + log_det - 0.5 * (_FREEDOM + T) * np.log1p(squared / _FREEDOM)
        terms.append(integrand.log_joint(peak.at + away) - proposed)
    return special.logsumexp(np.stack(terms), axis=0) - np.log(n)
