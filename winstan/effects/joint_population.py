"""Means over a population whose groups differ in several linear predictors at once.

The probability of an unordered category depends on the linear predictors of all, which groups move
together: their effects are normal, and correlated where the formula says so. The mean is an
integral over as many normals as there are linear predictors. Of two it is a product of Gauss and
Hermite's rule, with 32 nodes each: 1e-6 where effects have sds up to 2. Of more it is an average
over 1,024 points of a Sobol sequence, the same in every draw: about 1e-3 at worst there, and less
in differences between means, which have the points in common.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.effects.covariances import Covariances, covariances
from winstan.effects.means import curves_of, mean_response

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from winstan._typing import Array
    from winstan.design import Design, NewRows
    from winstan.effects.specification import Specified

_NODES = 32
_LEAST = 1e-14
_POINTS = 10  # two to this power


@dataclass(frozen=True, slots=True, eq=False)
class JointTerm:
    """Effects of one factor that have a covariance together, on one linear predictor or several.

    Attributes
    ----------
    covariances : Covariances
        Of all their columns.
    members : tuple of (int, int, slice)
        The linear predictor that each part of them is on, its place among the group terms there,
        and its columns.
    designs : tuple of Design
        By linear predictor.
    """

    covariances: Covariances
    members: tuple[tuple[int, int, slice], ...]
    designs: tuple[Design, ...]

    def curves(
        self, posterior: Mapping[str, Array], rows: Sequence[NewRows], part: slice
    ) -> Array | None:
        """Return what its columns are multiplied by, shape (q, S, n); None without ``mo()``."""
        found = [
            curves_of(self.designs[block], place, posterior, rows[block].steps[part])
            for block, place, _ in self.members
        ]
        if all(own is None for own in found):
            return None
        S, q = self.covariances.sd.shape[1:]
        out = np.ones((q, S, len(rows[0].offset[part])))
        for own, (_, _, columns) in zip(found, self.members, strict=True):
            if own is not None:
                out[columns] = own
        return out


def joint_terms(
    design: Design, posterior: Mapping[str, Array], factors: Collection[str]
) -> tuple[JointTerm, ...]:
    """Return the group terms of some factors, on all linear predictors."""
    blocks = [one.parameter for one in design.every]
    out = []
    for term, members in design.drawn:
        if term.factor not in factors:
            continue
        found, start = [], 0
        for parameter, place in members:
            block = blocks.index(parameter)
            q = design.every[block].groups[place].q
            found.append((block, place, slice(start, start + q)))
            start += q
        out.append(JointTerm(covariances(term, posterior), tuple(found), design.every))
    return tuple(out)


def covariance_of(
    terms: Sequence[JointTerm],
    posterior: Mapping[str, Array],
    rows: Sequence[NewRows],
    part: slice,
) -> Array:
    """Return the covariance of a row's linear predictors over the population: (S, n, B, B).

    Parameters
    ----------
    terms
    posterior : mapping of str to ndarray
        Draws by variable.
    rows
        By linear predictor.
    part
        The rows that are wanted.
    """
    B, n = len(rows), len(rows[0].offset[part])
    out = np.zeros((terms[0].covariances.sd.shape[1], n, B, B))
    for term in terms:
        wide = np.zeros((len(term.members), n, term.covariances.sd.shape[2]))
        for own, (block, place, columns) in zip(wide, term.members, strict=True):
            own[:, columns] = rows[block].Z[place][part]
        curves = term.curves(posterior, rows, part)
        for i, (a, place, _) in enumerate(term.members):
            arm = rows[a].arm[place]
            arm = None if arm is None else arm[part]
            for j, (b, _, _) in enumerate(term.members):
                out[:, :, a, b] += term.covariances.products(wide[i], wide[j], arm, curves)
    return out


def joint_mean(
    model: Specified, beside: Mapping[str, Array], eta: Array, covariance: Array
) -> Array:
    """Integrate the mean response over normal linear predictors.

    Parameters
    ----------
    model
    beside : mapping of str to ndarray, shape (S, n)
        Means of the other linear predictors, whose links are the identity.
    eta : ndarray, shape (S, n)
        Mean of the first.
    covariance : ndarray, shape (S, n, B, B)

    Returns
    -------
    ndarray, shape (S, n)
    """
    root, total = _root(covariance), np.zeros(eta.shape)
    for z, weight in zip(*_nodes(covariance.shape[-1]), strict=True):
        shift = root @ z
        moved = {
            name: beside[name] + shift[..., b] for b, name in enumerate(model.design.beside, 1)
        }
        total += weight * mean_response(model, {**beside, **moved}, eta + shift[..., 0])
    return total


def _root(covariance: Array) -> Array:
    """Cholesky factors; zero in directions without variance."""
    out = np.zeros_like(covariance)
    for i in range(covariance.shape[-1]):
        for j in range(i + 1):
            rest = covariance[..., i, j] - np.sum(out[..., i, :j] * out[..., j, :j], axis=-1)
            if i == j:
                out[..., i, i] = np.sqrt(np.maximum(rest, 0.0))
            else:
                by = out[..., j, j]
                out[..., i, j] = np.where(by > 0, rest / np.where(by > 0, by, 1.0), 0.0)
    return out


@functools.cache
def _nodes(n: int) -> tuple[Array, Array]:
    """Points of n standard normals, shape (points, n), and their weights."""
    if n > 2:
        from scipy.stats import norm, qmc  # noqa: PLC0415 - half a second, for few models

        points = qmc.Sobol(n, rng=np.random.default_rng(0)).random_base2(_POINTS)
        return norm.ppf(points), np.full(len(points), 1 / len(points))
    at, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    grid = np.stack(np.meshgrid(*[at] * n, indexing="ij"), axis=-1).reshape(-1, n)
    mass = functools.reduce(np.multiply.outer, [weight / weight.sum()] * n).ravel()
    some = mass > _LEAST
    return grid[some], mass[some] / mass[some].sum()
