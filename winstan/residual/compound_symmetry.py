"""One correlation for all rows of a unit: ``cs``.

C^-1 is a multiple of the identity plus a constant: what is weighed is each row by itself, and the
sum over the rows of each unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.residual.structure import Pairs, Structure

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm
    from winstan.residual.units import UnitRows


@dataclass(frozen=True, slots=True, eq=False)
class CompoundSymmetry(Structure):
    """``cs``: one correlation, above ``-1 / (order - 1)``; prior ``det(C)^(eta - 1)``.

    Under that prior the correlation's place between its bounds, from 0 to 1, has a Beta
    distribution, whose two numbers are `prior`.
    """

    name = "cs"
    code = 3

    @property
    def n_weights(self) -> int:  # noqa: D102
        return 1 + self.gap.size

    def weights(self, numbers: Array) -> tuple[Array, Array]:  # noqa: D102
        return self._of_rest(special.expit(-numbers) * self.order / (self.order - 1))

    def weights_at(self, correlations: Array) -> tuple[Array, Array]:  # noqa: D102
        return self._of_rest(1 - correlations[:, None])

    def _of_rest(self, left: Array) -> tuple[Array, Array]:
        """Return the weights at one minus the correlation, `left`, shape (S, 1)."""
        whole = left + self.gap * (1 - left)
        log_det = (self.gap - 1) * np.log(left) + np.log(whole)
        return np.hstack([1 / left, -(1 - left) / (left * whole)]), log_det @ self.pairs

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        z = numbers[:, 0]
        return np.asarray(-a * np.logaddexp(0, -z) - b * np.logaddexp(0, z) - special.betaln(a, b))

    def log_prior_of(self, correlations: Array) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        width = self.order / (self.order - 1)  # between the bounds
        place = 1 - (1 - correlations) / width
        powers = special.xlogy(a - 1, place) + special.xlog1py(b - 1, -place)
        return np.asarray(powers - special.betaln(a, b) - np.log(width))

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return self._at(special.expit(numbers[..., 0]))

    def _at(self, place: Array) -> Array:
        """Return the correlation at a place between its bounds, from 0 to 1."""
        return place - (1 - place) / (self.order - 1)

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        same = first[:, None] == second
        return np.where(same, 1.0, correlations[:, None, None])

    def pattern_of(self, places: Array) -> int:  # noqa: D102
        return int(np.searchsorted(self.gap, places.size))

    def whiten(  # noqa: D102
        self, correlations: Array, units: UnitRows, z: Array
    ) -> tuple[Array, Array]:
        left, whole = _roots(correlations, units.size)
        log_root = (units.size - 1) * np.log(left) + np.log(whole)
        return self._scaled(units, z, 1 / left, 1 / whole), log_root

    def colour(self, correlations: Array, units: UnitRows, white: Array) -> Array:  # noqa: D102
        return self._scaled(units, white, *_roots(correlations, units.size))

    @staticmethod
    def _scaled(units: UnitRows, values: Array, left: Array, whole: Array) -> Array:
        """Scale units' means, and what rows are beside them: the symmetric root does."""
        mean = units.sums(values) / units.size
        out = left * values + np.repeat((whole - left) * mean, units.size, axis=1)
        return np.asarray(out)

    def start(self, neighbours: float) -> Array:  # noqa: D102
        lowest = -1 / (self.order - 1)
        place = (np.clip(neighbours, lowest, 0.95) - lowest) / (1 - lowest)
        return np.array([special.logit(np.clip(place, 0.05, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        return self._at(rng.beta(a, b, size))


def _roots(correlations: Array, size: np.ndarray) -> tuple[Array, Array]:
    """Return the matrix's roots beside units' means, (S, 1), and along them, (S, J)."""
    rho = correlations[:, None]
    return np.sqrt(1 - rho), np.sqrt(1 + (size - 1) * rho)


def sum_pairs(term: ResidualTerm, eta: float) -> tuple[Structure, Pairs]:
    """Return the structure of ``cs``, and its products: rows' squares, and those of units' sums."""
    sizes = term.sizes
    size, which = np.unique(sizes, return_inverse=True)
    order = term.most_rows
    N, J = term.unit.size, sizes.size
    sums = N + np.arange(J)
    pairs = Pairs(
        weight=np.concatenate([np.zeros(N, int), 1 + which]),
        first=np.concatenate([np.arange(N), sums]),
        second=np.concatenate([np.arange(N), sums]),
        times=np.ones(N + J),
    )
    numbers = (eta, (order - 1) * (eta - 1) + 1)
    count = np.bincount(which).astype(float)
    return CompoundSymmetry(order, numbers, gap=size.astype(float), pairs=count), pairs
