"""Means over a population whose groups differ in several linear predictors at once.

The probability of an unordered category depends on the linear predictors of all, which groups move
together: their effects are normal, and correlated where the formula says so. The mean is an
integral over as many normals as there are linear predictors. It is a product of Gauss and Hermite's
rule, with as many nodes each as the widest sd of a draw asks for, up to 32: 1e-6 where effects have
sds up to 2. Where these would be more than 1,024, of three linear predictors and more, it is an
average over so many points of a Sobol sequence, the same in every draw: about 1e-3 at worst there,
and less in differences between means, which have the points in common.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.effects.covariances import Covariances, covariances
from winstan.effects.means import curves_of, mean_response
from winstan.effects.normal_averages import chebyshev_points

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from winstan._typing import Array
    from winstan.design import Design, NewRows
    from winstan.effects.specification import Specified

_NODES = ((0.0, 1), (0.5, 8), (0.75, 12), (1.0, 16), (1.5, 24), (np.inf, 32))
"""Nodes of a rule by the widest sd that they are enough for."""
_FEWEST = 12
"""Chebyshev points below which interpolation is not tried."""
_DIGITS = 18.0
"""-log of the error that interpolation may have."""
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
        self, posterior: Mapping[str, Array], rows: Sequence[NewRows], part: np.ndarray
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
) -> tuple[Array, np.ndarray]:
    """Return covariances of rows' linear predictors over the population, and which each row has.

    Parameters
    ----------
    terms
    posterior : mapping of str to ndarray
        Draws by variable.
    rows
        By linear predictor.
    part
        The rows that are wanted.

    Returns
    -------
    covariance : ndarray, shape (S, d, B, B)
        Of rows that differ in the columns of the terms.
    number : ndarray of int, shape (n,)
    """
    places = [(block, place) for term in terms for block, place, _ in term.members]
    columns = [rows[block].Z[place][part] for block, place in places]
    arms = (rows[block].arm[place] for block, place in places)
    columns += [arm[part, None] for arm in arms if arm is not None]
    columns += [rows[block].steps[part] for block, _ in places]
    found = np.unique(np.hstack(columns), axis=0, return_index=True, return_inverse=True)
    at = np.arange(len(rows[0].offset))[part][found[1]]
    return _covariance_at(terms, posterior, rows, at), found[2].reshape(-1)


def _covariance_at(
    terms: Sequence[JointTerm],
    posterior: Mapping[str, Array],
    rows: Sequence[NewRows],
    part: np.ndarray,
) -> Array:
    """Return the covariance of the linear predictors of each of some rows, (S, n, B, B)."""
    B, n = len(rows), len(part)
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
    model: Specified,
    beside: Mapping[str, Array],
    eta: Array,
    covariance: Array,
    number: np.ndarray,
) -> Array:
    """Integrate the mean response over normal linear predictors.

    Parameters
    ----------
    model
    beside : mapping of str to ndarray, shape (S, n)
        Means of the other linear predictors, whose links are the identity.
    eta : ndarray, shape (S, n)
        Mean of the first.
    covariance : ndarray, shape (S, d, B, B)
    number : ndarray of int, shape (n,)
        Which of these each row has.

    Returns
    -------
    ndarray, shape (S, n)
    """
    if (own := model.family.softmax_of) is not None:
        etas = np.stack([eta, *(beside[name] for name in model.design.beside)])
        out = np.empty(eta.shape)
        for k in range(covariance.shape[1]):
            places = np.flatnonzero(number == k)
            out[:, places] = _along_lines(own, etas[:, :, places], covariance[:, k])
        return out
    root, total = _root(covariance)[:, number], np.zeros(eta.shape)
    for z, weight in zip(*_nodes(covariance.shape[-1], _NODES[-1][1]), strict=True):
        shift = root @ z
        moved = {
            name: beside[name] + shift[..., b] for b, name in enumerate(model.design.beside, 1)
        }
        total += weight * mean_response(model, {**beside, **moved}, eta + shift[..., 0])
    return total


def _along_lines(own: int, etas: Array, covariance: Array) -> Array:
    """Integrate a share of a softmax at rows of one covariance, shape (S, n).

    Rows that differ by one column lie on a line, along which the share is analytic in a strip
    about it: where they are many, it is interpolated between Chebyshev points (as in
    `winstan.effects.normal_averages`).

    Parameters
    ----------
    own
        Which share: 0 is that of zero, b that of linear predictor b, counted from 1.
    etas : ndarray, shape (B, S, n)
        Means of the linear predictors.
    covariance : ndarray, shape (S, B, B)
    """
    line = _line(etas) if etas.shape[2] > 2 * _FEWEST else None
    if line is None:
        return _softmax_mean(own, etas, covariance)
    start, rise, x = line
    span = np.max(np.maximum(rise.max(axis=0), 0.0) - np.minimum(rise.min(axis=0), 0.0))
    n = chebyshev_points(0.5 * float(span), np.pi, _DIGITS)
    if etas.shape[2] <= 2 * n:
        return _softmax_mean(own, etas, covariance)
    angle = np.pi * (np.arange(n) + 0.5) / n
    at = start[..., None] + rise[..., None] * (0.5 + 0.5 * np.cos(angle))
    order = np.arange(n)
    sums = np.cos(np.outer(angle, order)) * np.where(order > 0, 2 / n, 1 / n)
    at_rows = sums @ np.cos(np.outer(order, np.arccos(np.clip(2 * x - 1, -1.0, 1.0))))
    return _softmax_mean(own, at, covariance) @ at_rows


def _line(etas: Array) -> tuple[Array, Array, Array] | None:
    """Return where a line of rows begins, its rise, (B, S) each, and rows' places from 0 to 1.

    None if rows do not lie on one line in every draw.
    """
    from_first = etas[:, :, 0][..., None]
    away = etas - from_first
    block, draw, far = np.unravel_index(np.argmax(np.abs(away)), away.shape)
    if away[block, draw, far] == 0:
        return None
    x = away[block, draw] / away[block, draw, far]
    rise = away[:, :, far]
    rounding = 1e-12 * (np.abs(etas).max() + 1.0)
    if np.abs(away - rise[..., None] * x).max() > rounding:
        return None
    low, high = x.min(), x.max()
    return etas[:, :, 0] + low * rise, (high - low) * rise, (x - low) / (high - low)


def _softmax_mean(own: int, etas: Array, covariance: Array) -> Array:
    """Integrate a share of a softmax of zero and normal linear predictors, as `_along_lines`.

    The exponential of a sum is a product: so rows, and points, have their exponentials once each.
    """
    out = np.empty(etas.shape[1:])
    largest = np.maximum(etas.max(axis=0), 0.0)  # no exponential overflows
    rows = np.concatenate([np.exp(-largest)[None], np.exp(etas - largest)])
    widest = np.sqrt(np.einsum("sbb->sb", covariance).max(axis=1))
    for draws, n in _by_width(widest):
        z, weights = _nodes(len(etas), n)
        at = np.exp(np.einsum("sbc,pc->pbs", _root(covariance[draws]), z))[..., None]
        out[draws] = _softmax_average(own, rows[:, draws], at, weights)
    return out


def _softmax_average(own: int, rows: Array, at: Array, weights: Array) -> Array:
    """Average a share over points: `rows` (1 + B, s, n), of zero first; `at` (points, B, s, 1)."""
    total, share, others = np.zeros(rows[0].shape), rows[0], np.empty(rows[0].shape)
    term = np.empty(rows[0].shape)
    for point, weight in zip(at, weights.tolist(), strict=True):
        np.copyto(others, rows[0])
        for b, (row, by) in enumerate(zip(rows[1:], point, strict=True), 1):
            np.multiply(row, by, out=term)
            others += term
            if b == own:
                share = term.copy()
        np.divide(share, others, out=term)
        term *= weight
        total += term
    return total


def _by_width(widest: Array) -> Iterator[tuple[np.ndarray, int]]:
    """Return the draws, by how many nodes their widest sd asks for."""
    above = -np.inf
    for width, n in _NODES:
        draws = np.flatnonzero((widest > above) & (widest <= width))
        if draws.size:
            yield draws, n
        above = width


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
def _nodes(n: int, each: int) -> tuple[Array, Array]:
    """Points of n standard normals, shape (points, n), and their weights; `each` has so many."""
    if n > 2 and each**n > 2**_POINTS:
        from scipy.stats import norm, qmc  # noqa: PLC0415 - half a second, for few models

        points = qmc.Sobol(n, rng=np.random.default_rng(0)).random_base2(_POINTS)
        return norm.ppf(points), np.full(len(points), 1 / len(points))
    at, weight = np.polynomial.hermite_e.hermegauss(each)
    grid = np.stack(np.meshgrid(*[at] * n, indexing="ij"), axis=-1).reshape(-1, n)
    mass = functools.reduce(np.multiply.outer, [weight / weight.sum()] * n).ravel()
    some = mass > _LEAST
    return grid[some], mass[some] / mass[some].sum()
