"""Correlation matrices of all places, of which each unit has a part: ``toep`` and ``unstr``.

All pairs of a unit's rows are weighed. Units with rows at the same places share a pattern, and its
matrix is inverted once.

References
----------
Durbin (1960), Revue de l'Institut International de Statistique 28, 233-244: lags from partial
correlations. Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100, 1989-2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.correlations import correlation_factors, log_symmetric_beta, partial_log_density
from winstan.priors import LKJ
from winstan.residual.structure import Pairs, Structure, log_slope_of_tanh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm
    from winstan.residual.units import UnitRows


@dataclass(frozen=True, slots=True, eq=False)
class Patterned(Structure):
    """A correlation matrix of all places, of which each unit has a part."""

    @property
    def n_weights(self) -> int:  # noqa: D102
        return sum(own.size * (own.size + 1) // 2 for own in self.patterns)

    def matrix(self, correlations: Array) -> Array:
        """Return the matrix of all places, (S, order, order)."""
        raise NotImplementedError

    def weights(self, numbers: Array) -> tuple[Array, Array]:  # noqa: D102
        return self.weights_at(self.correlations(numbers))

    def weights_at(self, correlations: Array) -> tuple[Array, Array]:  # noqa: D102
        whole = self.matrix(correlations)
        log_det, parts = np.zeros(len(whole)), []
        for own, units in zip(self.patterns, self.units, strict=True):
            some = whole[:, own[:, None], own]
            sign, size = np.linalg.slogdet(some)
            log_det = log_det + units * np.where(sign > 0, size, np.nan)
            lower = np.tril_indices(own.size)
            safe = np.where((sign > 0)[:, None, None], some, np.eye(own.size))
            parts.append(np.linalg.inv(safe)[:, lower[0], lower[1]])
        return np.hstack(parts), log_det

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        return self.matrix(correlations)[:, first.astype(int)[:, None], second.astype(int)]

    def pattern_of(self, places: Array) -> int:  # noqa: D102
        own = self.apart(places)
        return next(k for k, seen in enumerate(self.patterns) if np.array_equal(seen, own))

    def apart(self, places: Array) -> np.ndarray:
        """Return the places by which units are told apart."""
        return places.astype(int)

    def whiten(  # noqa: D102
        self, correlations: Array, units: UnitRows, z: Array
    ) -> tuple[Array, Array]:
        out, log_root, j = np.empty_like(z), np.empty((len(z), units.size.size)), 0
        for some, root, of_units in self._blocks(correlations, units, z):
            size, count = of_units.shape[1:]
            solved = np.linalg.solve(root, of_units)
            out[:, some] = np.swapaxes(solved, 1, 2).reshape(len(z), size * count)
            roots = np.diagonal(root, axis1=1, axis2=2)
            log_root[:, j : j + count] = np.log(roots).sum(axis=1)[:, None]
            j += count
        return out, log_root

    def colour(self, correlations: Array, units: UnitRows, white: Array) -> Array:  # noqa: D102
        out = np.empty_like(white)
        for some, root, of_units in self._blocks(correlations, units, white):
            out[:, some] = np.swapaxes(root @ of_units, 1, 2).reshape(len(white), -1)
        return out

    def _blocks(
        self, correlations: Array, units: UnitRows, values: Array
    ) -> Iterator[tuple[slice, Array, Array]]:
        """Give positions of each pattern, its root, (S, n, n), and the values, (S, n, units)."""
        whole = self.matrix(correlations)
        for k, some, size, count in units.blocks:
            own = self.patterns[k]
            root = np.linalg.cholesky(whole[:, own[:, None], own])
            of_units = values[:, some].reshape(len(values), count, size)
            yield some, root, np.swapaxes(of_units, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Toeplitz(Patterned):
    """``toep``: a correlation for each lag; prior ``det(C)^(eta - 1)``, C being of all lags.

    Under that prior the partial correlations are independent: these are sampled. `prior` is eta.
    """

    name = "toep"
    code = 4

    @property
    def n_numbers(self) -> int:  # noqa: D102
        return self.order - 1

    def apart(self, places: Array) -> np.ndarray:  # noqa: D102
        return (places - places[0]).astype(int)

    @property
    def _powers(self) -> Array:
        """Both numbers of the Beta distribution of each partial correlation on (-1, 1)."""
        return np.asarray(self.prior[0] * np.arange(self.order - 1.0, 0.0, -1.0), float)

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        powers = self._powers
        return np.asarray(
            (powers * log_slope_of_tanh(numbers) - log_symmetric_beta(powers)).sum(axis=1)
        )

    def log_prior_of(self, correlations: Array) -> Array:  # noqa: D102
        log_det = np.linalg.slogdet(self.matrix(correlations))[1]
        return np.asarray(
            (self.prior[0] - 1) * log_det - log_symmetric_beta(self._powers).sum(), float
        )

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return lag_correlations(np.tanh(numbers))

    def matrix(self, correlations: Array) -> Array:  # noqa: D102
        whole = np.concatenate([np.ones((len(correlations), 1)), correlations], axis=1)
        return whole[:, np.abs(np.subtract.outer(np.arange(self.order), np.arange(self.order)))]

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        whole = np.concatenate([np.ones((len(correlations), 1)), correlations], axis=1)
        return whole[:, np.abs(first[:, None] - second).astype(int)]

    def start(self, neighbours: float) -> Array:  # noqa: D102
        out = np.zeros(self.n_numbers)
        out[0] = np.arctanh(np.clip(neighbours, -0.9, 0.9))
        return out

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        powers = self._powers
        return lag_correlations(2 * rng.beta(powers, powers, (size, powers.size)) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Unstructured(Patterned):
    """``unstr``: a correlation for each pair of visits; prior LKJ(eta), and `prior` is eta."""

    name = "unstr"
    code = 5

    @property
    def n_numbers(self) -> int:  # noqa: D102
        return self.order * (self.order - 1) // 2

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        return partial_log_density(numbers, self.order, self.prior[0])

    def log_prior_of(self, correlations: Array) -> Array:  # noqa: D102
        return LKJ(self.prior[0]).log_density_of(self.matrix(correlations))

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        factor = correlation_factors(numbers, self.order)
        whole = factor @ np.swapaxes(factor, -1, -2)
        lower = np.tril_indices(self.order, -1)
        return np.asarray(whole[..., lower[0], lower[1]])

    def matrix(self, correlations: Array) -> Array:  # noqa: D102
        whole = np.broadcast_to(
            np.eye(self.order), (len(correlations), self.order, self.order)
        ).copy()
        lower = np.tril_indices(self.order, -1)
        whole[:, lower[0], lower[1]] = whole[:, lower[1], lower[0]] = correlations
        return whole

    def start(self, neighbours: float) -> Array:  # noqa: D102
        return np.full(self.n_numbers, 0.2)

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        q = self.order
        column = np.array([j for i in range(q) for j in range(i)], float)
        power = self.prior[0] + (q - 2 - column) / 2
        partial = 2 * rng.beta(power, power, (size, power.size)) - 1
        return self.correlations(np.arctanh(partial))


def lag_correlations(partial: Array) -> Array:
    """Return the correlations at lags 1 to n, shape (..., n), by Durbin's recursion.

    Parameters
    ----------
    partial : ndarray, shape (..., n)
        Partial correlations at these lags.
    """
    n = partial.shape[-1]
    out, phi, left = np.empty_like(partial), np.zeros_like(partial), np.ones(partial.shape[:-1])
    for k in range(n):
        own = partial[..., k]
        out[..., k] = own * left + (phi[..., :k] * out[..., k - 1 :: -1][..., :k]).sum(axis=-1)
        phi[..., :k] = phi[..., :k] - own[..., None] * phi[..., :k][..., ::-1]
        phi[..., k] = own
        left = left * (1 - np.square(own))
    return out


def pattern_pairs(term: ResidualTerm, eta: float) -> tuple[Structure, Pairs]:
    """Return the structure of ``toep`` or ``unstr``, and its products, of all pairs of rows."""
    rows, ends = term.rows, np.cumsum(term.sizes)
    seen: dict[tuple[int, ...], int] = {}
    places: list[np.ndarray] = []
    units: list[int] = []
    start, of_unit = [0], []
    for some in np.split(rows, ends[:-1]):
        own = term.place[some].astype(int)
        own = own - own[0] if term.kind == "toep" else own
        k = seen.setdefault(tuple(own.tolist()), len(seen))
        if k == len(places):
            places.append(own)
            units.append(0)
            start.append(start[-1] + own.size * (own.size + 1) // 2)
        units[k] += 1
        of_unit.append((k, some))
    parts = []
    for k, some in of_unit:
        a, b = np.tril_indices(some.size)
        parts.append((start[k] + np.arange(a.size), some[a], some[b], np.where(a == b, 1.0, 2.0)))
    pairs = Pairs(*(np.concatenate(own) for own in zip(*parts, strict=True)))
    count = np.array(units, float)
    if term.kind == "toep":
        n = term.n_lags
        labels = tuple(f"lag {k}" for k in range(1, n + 1))
        return Toeplitz(n + 1, (eta,), labels, patterns=tuple(places), units=count), pairs
    visits = term.visits
    labels = tuple(f"{visits[i]}, {visits[j]}" for i in range(len(visits)) for j in range(i))
    return Unstructured(len(visits), (eta,), labels, patterns=tuple(places), units=count), pairs
