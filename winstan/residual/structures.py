"""Residual correlations: what the inverse of a unit's correlation matrix weighs, by a few numbers.

``e' C^-1 e`` is a weighted sum of products of rows: of a row with itself and the one before
(``ar``, ``car``: the inverse is tridiagonal), of rows and of their sums (``cs``), of all pairs of
visits (``toep``, ``unstr``). Numbers are unconstrained: the artanh of a correlation or of a partial
one, or the logit of ``car``'s correlation at the typical gap and of ``cs``'s place between its
bounds.

References
----------
Durbin (1960), Revue de l'Institut International de Statistique 28, 233-244: lags from partial
correlations. Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100, 1989-2001.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from winstan.correlations import correlation_factors, partial_log_density

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design.residual import ResidualTerm
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Products of rows that ``e' C^-1 e`` is a sum of.

    Rows beyond the last are sums over the rows of a unit, or of those of one kind in it.

    Attributes
    ----------
    weight, first, second : ndarray of int
        Which weight each product has, and of which rows it is.
    times : ndarray
        How often.
    """

    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    times: Array


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A kind of residual correlation, in the data at hand.

    Attributes
    ----------
    order : int
        Rows of the correlation matrix of all places.
    prior : tuple of float
        Numbers of the prior density, see each kind.
    labels : tuple of str
        Of the correlations, if there are several.
    gap, pairs : ndarray, shape (G,)
        Distinct gaps between neighbours, and how many neighbours are so far apart; of ``cs`` the
        sizes of units, and how many units have it.
    time_unit : float
        The typical gap of ``car``, which is one in `gap`.
    patterns : tuple of ndarray of int
        Of ``toep`` and ``unstr``: places of a unit's rows, each pattern once.
    units : ndarray, shape (K,)
        Units of each pattern.
    """

    order: int
    prior: tuple[float, ...]
    labels: tuple[str, ...] = ()
    gap: Array = field(default_factory=lambda: np.zeros(0))
    pairs: Array = field(default_factory=lambda: np.zeros(0))
    time_unit: float = 1.0
    patterns: tuple[np.ndarray, ...] = ()
    units: Array = field(default_factory=lambda: np.zeros(0))

    name: ClassVar[str]
    code: ClassVar[int]

    @property
    def n_numbers(self) -> int:
        """Numbers that are sampled."""
        return 1

    @property
    def n_weights(self) -> int:
        """Weights of the products."""
        raise NotImplementedError

    @property
    def dims(self) -> dict[str, tuple[Any, ...]]:
        """Labels of the parameter by its dim."""
        return {f"{self.name}_dim": self.labels} if self.labels else {}

    def weights(self, numbers: Array) -> tuple[Array, Array]:
        """Weights, and the log determinant of all units' correlations.

        Parameters
        ----------
        numbers : ndarray, shape (S, n)

        Returns
        -------
        weights, log_determinant : ndarray, shapes (S, n_weights), (S,)
        """
        raise NotImplementedError

    def weights_at(self, correlations: Array) -> tuple[Array, Array]:
        """`weights`, of the parameter as it is reported, shape (S, *dims)."""
        raise NotImplementedError

    def log_prior(self, numbers: Array) -> Array:
        """Log density of the numbers by the prior, shape (S,)."""
        raise NotImplementedError

    def correlations(self, numbers: Array) -> Array:
        """Return the parameter as it is reported, (..., *dims), from numbers (..., n)."""
        raise NotImplementedError

    def between(self, correlations: Array, first: Array, second: Array) -> Array:
        """Correlation of rows at places of one unit, (S, a, b).

        Parameters
        ----------
        correlations : ndarray, shape (S, *dims)
            As reported.
        first, second : ndarray, shapes (a,), (b,)
        """
        raise NotImplementedError

    def start(self, neighbours: float) -> Array:
        """Where the search for the numbers begins, given what neighbours' residuals have."""
        return np.array([np.arctanh(np.clip(neighbours, -0.9, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """Draw the parameter from its prior, (size, *dims)."""
        raise NotImplementedError


def _log_slope_of_tanh(z: Array) -> Array:
    """log(1 - tanh^2), which is not lost to rounding far out."""
    return 2 * (np.log(2.0) - np.abs(z) - np.log1p(np.exp(-2 * np.abs(z))))


def _symmetric_beta(a: Array | float) -> Array:
    """Log of what normalises ``(1 - x^2)^(a - 1)`` on (-1, 1)."""
    return np.asarray(special.betaln(a, a) + (2 * a - 1) * np.log(2.0))


@dataclass(frozen=True, slots=True, eq=False)
class Autoregressive(Structure):
    """``ar``: rho to the number of positions between rows; prior ``(1 - rho^2)^(eta - 1)``."""

    name = "ar"
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
        """Correlations of neighbours, and log(1 - their square), (S, G) each."""
        phi = np.tanh(numbers) ** self.gap
        with np.errstate(divide="ignore"):  # beyond what can be computed: no weight
            return phi, np.log(1 - np.square(phi))

    def _of_neighbours(self, phi: Array, log_left: Array) -> tuple[Array, Array]:
        own = np.exp(-log_left)
        first = np.ones((len(phi), 1))
        return np.hstack([first, own, -phi * own, np.square(phi) * own]), log_left @ self.pairs

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        eta = self.prior[0]
        return eta * _log_slope_of_tanh(numbers[:, 0]) - _symmetric_beta(eta)

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return np.tanh(numbers[..., 0])

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        lag = np.abs(first[:, None] - second)
        return correlations[:, None, None] ** lag

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        return 2 * rng.beta(self.prior[0], self.prior[0], size) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Continuous(Autoregressive):
    """``car``: rho to the time between rows, rho that at one unit of time; prior a Beta of rho."""

    name = "car"
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

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return np.exp(-np.logaddexp(0, -numbers[..., 0]) / self.time_unit)

    def start(self, neighbours: float) -> Array:  # noqa: D102
        return np.array([special.logit(np.clip(neighbours, 0.05, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        return rng.beta(a, b, size)


@dataclass(frozen=True, slots=True, eq=False)
class CompoundSymmetry(Structure):
    """``cs``: one correlation, above ``-1 / (order - 1)``; prior ``det(C)^(eta - 1)``.

    Its place between the bounds then has a Beta distribution, by `prior`.
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
        """Of one less the correlation, (S, 1)."""
        whole = left + self.gap * (1 - left)
        log_det = (self.gap - 1) * np.log(left) + np.log(whole)
        return np.hstack([1 / left, -(1 - left) / (left * whole)]), log_det @ self.pairs

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        z = numbers[:, 0]
        return np.asarray(-a * np.logaddexp(0, -z) - b * np.logaddexp(0, z) - special.betaln(a, b))

    def correlations(self, numbers: Array) -> Array:  # noqa: D102
        return self._at(special.expit(numbers[..., 0]))

    def _at(self, place: Array) -> Array:
        return place - (1 - place) / (self.order - 1)

    def between(self, correlations: Array, first: Array, second: Array) -> Array:  # noqa: D102
        same = first[:, None] == second
        return np.where(same, 1.0, correlations[:, None, None])

    def start(self, neighbours: float) -> Array:  # noqa: D102
        lowest = -1 / (self.order - 1)
        place = (np.clip(neighbours, lowest, 0.95) - lowest) / (1 - lowest)
        return np.array([special.logit(np.clip(place, 0.05, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:  # noqa: D102
        a, b = self.prior[:2]
        return self._at(rng.beta(a, b, size))


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


@dataclass(frozen=True, slots=True, eq=False)
class Toeplitz(Patterned):
    """``toep``: a correlation for each lag; prior ``det(C)^(eta - 1)``, of the matrix of all lags.

    By partial correlations, which are independent.
    """

    name = "toep"
    code = 4

    @property
    def n_numbers(self) -> int:  # noqa: D102
        return self.order - 1

    @property
    def _powers(self) -> Array:
        return np.asarray(self.prior[0] * np.arange(self.order - 1.0, 0.0, -1.0), float)

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        powers = self._powers
        return np.asarray(
            (powers * _log_slope_of_tanh(numbers) - _symmetric_beta(powers)).sum(axis=1)
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
    """``unstr``: a correlation for each pair of visits, of an LKJ prior."""

    name = "unstr"
    code = 5

    @property
    def n_numbers(self) -> int:  # noqa: D102
        return self.order * (self.order - 1) // 2

    def log_prior(self, numbers: Array) -> Array:  # noqa: D102
        q, eta = self.order, self.prior[0]
        column = np.array([j for i in range(q) for j in range(i)], float)
        whole = _symmetric_beta(eta + (q - 2 - column) / 2).sum()
        return np.asarray(partial_log_density(numbers, q, eta) - whole)

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
    """Correlations at lags 1, 2, ... from partial ones, (..., n), by Durbin's recursion."""
    n = partial.shape[-1]
    out, phi, left = np.empty_like(partial), np.zeros_like(partial), np.ones(partial.shape[:-1])
    for k in range(n):
        own = partial[..., k]
        out[..., k] = own * left + (phi[..., :k] * out[..., k - 1 :: -1][..., :k]).sum(axis=-1)
        phi[..., :k] = phi[..., :k] - own[..., None] * phi[..., :k][..., ::-1]
        phi[..., k] = own
        left = left * (1 - np.square(own))
    return out


def structure_of(term: ResidualTerm, prior: Prior) -> tuple[Structure, Pairs]:
    """Find the structure of a term, and the products of rows that it weighs."""
    eta = prior.numbers[0] if prior.numbers else 1.0
    if term.kind in ("ar", "car"):
        return _of_neighbours(term, prior)
    if term.kind == "cs":
        return _of_sums(term, eta)
    return _of_patterns(term, eta)


def typical_gap(term: ResidualTerm) -> float:
    """Return the median time between neighbours."""
    return float(np.median(term.gaps))


def _of_neighbours(term: ResidualTerm, prior: Prior) -> tuple[Structure, Pairs]:
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


def _of_sums(term: ResidualTerm, eta: float) -> tuple[Structure, Pairs]:
    """Of rows, and of sums over the rows of each unit."""
    sizes = term.sizes
    size, which = np.unique(sizes, return_inverse=True)
    order = int(size[-1])
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


def _of_patterns(term: ResidualTerm, eta: float) -> tuple[Structure, Pairs]:
    """Of all pairs of a unit's rows."""
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
