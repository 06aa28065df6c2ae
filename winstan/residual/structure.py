"""What a kind of residual correlation is: the weights of products of rows, by a few numbers.

``e' C^-1 e``, of the residuals e of a unit and their correlation matrix C, is a weighted sum of
products of rows (`Pairs`). A `Structure` gives the weights; each kind has a file of its own:
`autoregressive` (``ar``, ``car``), `compound_symmetry` (``cs``), `patterned` (``toep``, ``unstr``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from winstan.design.dims import dims_of

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.residual.units import UnitRows


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The products of two rows whose weighted sum is ``e' C^-1 e``.

    Numbers of rows from N on stand for sums: over the rows of a unit, or over those of one kind in
    it.

    Attributes
    ----------
    weight : ndarray of int, shape (T,)
        Place of each product's weight among those of `Structure.weights`.
    first, second : ndarray of int, shape (T,)
        The two rows.
    times : ndarray, shape (T,)
        How often the product counts.
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
        Number of rows of the correlation matrix of all places.
    prior : tuple of float
        Numbers of the prior density, see each kind.
    labels : tuple of str
        Labels of the correlations, if there are several.
    gap, pairs : ndarray, shape (G,)
        For ``ar`` and ``car``, the distinct gaps between neighbours, and the number of pairs of
        neighbours that are so far apart; for ``cs``, the distinct sizes of units, and the number of
        units of each size.
    time_unit : float
        For ``car``, the typical gap in the user's unit of time; `gap` is a multiple of it.
    patterns : tuple of ndarray of int, K of them
        For ``toep`` and ``unstr``, the places of a unit's rows; each distinct pattern once.
    units : ndarray, shape (K,)
        Number of units of each pattern.
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
    follows: ClassVar[bool] = False
    """Whether rows depend on those before and after them alone, given all others."""

    @property
    def n_numbers(self) -> int:
        """How many unconstrained numbers are sampled."""
        return 1

    @property
    def n_weights(self) -> int:
        """How many weights the products have."""
        raise NotImplementedError

    @property
    def dims(self) -> dict[str, tuple[Any, ...]]:
        """The parameter's dims and their labels."""
        return dims_of(self.name, self.labels)

    def weights(self, numbers: Array) -> tuple[Array, Array]:
        """Return the weights, and the log determinant of all units' correlation matrices together.

        Parameters
        ----------
        numbers : ndarray, shape (S, n_numbers)
            Unconstrained: the artanh of a correlation or of partial ones; for ``car`` and ``cs``
            the logit of the correlation at the typical gap, and of its place between its bounds.

        Returns
        -------
        weights, log_determinant : ndarray, shapes (S, n_weights), (S,)
        """
        raise NotImplementedError

    def weights_at(self, correlations: Array) -> tuple[Array, Array]:
        """Return `weights` at the parameter as it is reported, shape (S, *dims)."""
        raise NotImplementedError

    def log_prior(self, numbers: Array) -> Array:
        """Return the prior's log density of numbers (S, n_numbers), shape (S,)."""
        raise NotImplementedError

    def correlations(self, numbers: Array) -> Array:
        """Return the parameter as it is reported, (..., *dims), at numbers (..., n_numbers)."""
        raise NotImplementedError

    def log_prior_of(self, correlations: Array) -> Array:
        """Return the prior's log density of the parameter as it is reported, (S, *dims): (S,)."""
        raise NotImplementedError

    def between(self, correlations: Array, first: Array, second: Array) -> Array:
        """Return the correlations of rows with other rows of one unit.

        Parameters
        ----------
        correlations : ndarray, shape (S, *dims)
            The parameter as it is reported.
        first, second : ndarray, shapes (a,), (b,)
            Places of the rows.

        Returns
        -------
        ndarray, shape (S, a, b)
        """
        raise NotImplementedError

    def pattern_of(self, places: Array) -> int:
        """Return the pattern of a unit's places, in order: see `UnitRows.pattern`."""
        return 0

    def whiten(self, correlations: Array, units: UnitRows, z: Array) -> tuple[Array, Array]:
        """Turn rows with the correlation into independent ones, by a root of their matrices.

        Parameters
        ----------
        correlations : ndarray, shape (S, *dims)
            The parameter as it is reported.
        units
        z : ndarray, shape (S, N)
            In the order of `units`, of variance one.

        Returns
        -------
        white : ndarray, shape (S, N)
        log_root : ndarray, shape (S, J)
            The log determinant of each unit's root.
        """
        raise NotImplementedError

    def colour(self, correlations: Array, units: UnitRows, white: Array) -> Array:
        """Undo `whiten`."""
        raise NotImplementedError

    def start(self, neighbours: float) -> Array:
        """Return numbers, (n_numbers,), at which to begin a search for the density's mode.

        `neighbours` is the correlation of neighbours' residuals in the approximate fit.
        """
        return np.array([np.arctanh(np.clip(neighbours, -0.9, 0.95))])

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """Draw the parameter from its prior, (size, *dims)."""
        raise NotImplementedError


def log_slope_of_tanh(z: Array) -> Array:
    """Return log(1 - tanh(z)^2), without its rounding errors at large z."""
    return 2 * (np.log(2.0) - np.abs(z) - np.log1p(np.exp(-2 * np.abs(z))))
