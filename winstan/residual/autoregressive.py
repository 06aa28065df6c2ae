"""Correlations that fade with the distance of rows: ``ar`` by positions, ``car`` by time.

C^-1 is tridiagonal: what is weighed is each row by itself, and with the row before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.correlations import log_symmetric_beta
from winstan.residual.structure import Pairs, Structure, log_slope_of_tanh

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm
    from winstan.priors import Prior
    from winstan.residual.units import UnitRows


@dataclass(frozen=True, slots=True, eq=False)
class Autoregressive(Structure):
    """``ar``: rho to the power of the positions between rows; prior ``(1 - rho^2)^(eta - 1)``.

    A place is a position, and `prior` is eta.
    """

    name = "ar"
    follows = True
    code = 1

    @property
    def n_weights(self) -> int:  # noqa: D102
        return 1 + 3 * self.gap.size

    def weights(self, numbers: Array) -> tuple[Array, Array]:  # noqa: D102
        return self._of_neighbours(*self._neighbours(numbers))

    def weights_at(self, correlations: Array) -> tuple[Array, Array]:  # noqa: D102
        phi = correlations[:, None] ** (self.gap * self.time_unit)
        return self._of_neighbours(phi, np.log1p(-np.square(phi)))

    def _neighbours(self, numbers: Array) -> tuple[Array, Array]:
        """Return the correlations of neighbours, phi, and log(1 - phi^2), shape (S, G) each."""
        phi = np.tanh(numbers) ** self.gap
        with np.errstate(divide="ignore"):  # where phi rounds to one the density is zero
            return phi, np.log(1 - np.square(phi))

    def _of_neighbours(self, phi: Array, log_left: Array) -> tuple[Array, Array]:
        """Weigh first rows, then rows, their products with those before, and those before."""
        own = np.exp(-log_left)
        first = np.ones((len(phi), 1))
        return np.hstack([first, own, -phi * own, np.square(phi) * own]), log_left @ self.pairs

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        eta = self.prior[0]
        return eta * log_slope_of_tanh(numbers[:, 0]) - log_symmetric_beta(eta)

    def log_prior_of(self, correlations: Array) -> Array:  # noqa: D102
        eta = self.prior[0]
        return (eta - 1) * np.log1p(-np.square(correlations)) - log_symmetric_beta(eta)

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return np.tanh(numbers[..., 0])

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        lag = np.abs(first[:, None] - second)
        return correlations[:, None, None] ** lag

    def whiten(  # noqa: D102
        self, correlations: Array, units: UnitRows, z: Array
    ) -> tuple[Array, Array]:
        phi = _after_row_before(correlations, units)
        left = 1 - np.square(phi)
        before = np.concatenate([np.zeros((len(z), 1)), z[:, :-1]], axis=1)
        return (z - phi * before) / np.sqrt(left), 0.5 * units.sums(np.log(left))

    def colour(self, correlations: Array, units: UnitRows, white: Array) -> Array:
        """Let each row follow the one before it: twice as many at each step."""
        phi = _after_row_before(correlations, units)
        out, longest, reach = np.sqrt(1 - np.square(phi)) * white, int(units.size.max()), 1
        while reach < longest:
            out[:, reach:] += phi[:, reach:] * out[:, :-reach].copy()
            phi[:, reach:] *= phi[:, :-reach].copy()
            reach *= 2
        return out

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        return 2 * rng.beta(self.prior[0], self.prior[0], size) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Continuous(Autoregressive):
    """``car``: rho to the power of the time between rows; prior a Beta of rho.

    A place is a time, so that rho is the correlation of rows one unit of time apart. `prior` has
    the Beta's two numbers.
    """

    name = "car"
    follows = True
    code = 2

    def _neighbours(self, numbers: Array) -> tuple[Array, Array]:
        decay = np.logaddexp(0, -numbers) * self.gap
        with np.errstate(divide="ignore"):
            return np.exp(-decay), np.log(-np.expm1(-2 * decay))

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        z = numbers[:, 0]
        log_rho = -np.logaddexp(0, -z) / self.time_unit
        out = a * log_rho - np.logaddexp(0, z) - np.log(self.time_unit) - special.betaln(a, b)
        if b == 1:
            return np.asarray(out)
        return np.asarray(out + (b - 1) * np.log(-np.expm1(log_rho)))

    def log_prior_of(self, correlations: Array) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        left = special.xlog1py(b - 1, -correlations)
        return np.asarray((a - 1) * np.log(correlations) + left - special.betaln(a, b))

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return np.exp(-np.logaddexp(0, -numbers[..., 0]) / self.time_unit)

    def start(self, neighbours: float) -> Array:  # noqa: D102
        return np.array([special.logit(np.clip(neighbours, 0.05, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        return rng.beta(a, b, size)


def _after_row_before(correlations: Array, units: UnitRows) -> Array:
    """Return the correlation of each row with the one before it, (S, N); zero of first rows."""
    return np.where(units.begins, 0.0, correlations[:, None] ** units.since)


def typical_gap(term: ResidualTerm) -> float:
    """Return the median time between neighbours."""
    return float(np.median(term.gaps))


def neighbour_pairs(term: ResidualTerm, prior: Prior) -> tuple[Structure, Pairs]:
    """Return the structure of ``ar`` or ``car``, and its products: of rows and those before them.

    Rows that are the first of their unit have the weight one.
    """
    gap, which = np.unique(term.gaps, return_inverse=True)
    after = np.flatnonzero(term.same_unit) + 1
    first = np.setdiff1d(np.arange(term.rows.size), after)
    now, before = term.rows[after], term.rows[after - 1]
    G, one, n = gap.size, np.ones(after.size), np.bincount(which, minlength=gap.size).astype(float)
    pairs = Pairs(
        weight=np.concatenate([np.zeros(first.size, int), *(1 + k * G + which for k in range(3))]),
        first=np.concatenate([term.rows[first], now, now, before]),
        second=np.concatenate([term.rows[first], now, before, before]),
        times=np.concatenate([np.ones(first.size), one, 2 * one, one]),
    )
    if term.kind == "ar":
        return Autoregressive(2, (prior.numbers[0],), gap=gap, pairs=n), pairs
    unit = typical_gap(term)
    own = prior.numbers or (1.0, 1.0)
    return Continuous(2, own, gap=gap / unit, pairs=n, time_unit=unit), pairs
