"""Correlated residuals of rows that a fit has not seen, whole units of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.effects.integration import Integrand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array
    from winstan.families.elliptical import Elliptical
    from winstan.model import Model

# Step of a numerical derivative by a square form, as a share of it and of one.
_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Roots:
    """Roots of the residuals' correlation matrices.

    Attributes
    ----------
    rows : list of ndarray of int
        Of each of U units, among n rows.
    roots : list of ndarray, shape (S, n_u, n_u)
        Lower triangular.
    """

    rows: list[np.ndarray]
    roots: list[Array]

    @classmethod
    def of(cls, model: Model, at: np.ndarray, draws: Mapping[str, Array]) -> Roots:
        """Take those of rows at some places of the data."""
        term, residuals = model.design.residual, model.residuals
        assert term is not None
        assert residuals is not None
        structure, unit = residuals.structure, term.unit[at]
        rows = [np.flatnonzero(unit == number) for number in np.unique(unit)]
        places = [term.place[at[own]] for own in rows]
        given = draws[structure.name]
        return cls(rows, [np.linalg.cholesky(structure.between(given, p, p)) for p in places])

    @property
    def log_det(self) -> Array:
        """Sum the logarithms of their determinants, shape (S,)."""
        diagonals = [np.diagonal(L, axis1=1, axis2=2) for L in self.roots]
        return np.asarray(sum(np.log(own).sum(axis=1) for own in diagonals))

    def decorrelate(self, x: Array) -> Array:
        """Multiply columns by the inverse roots, shape (S, n, T)."""
        out = np.empty_like(x)
        for own, L in zip(self.rows, self.roots, strict=True):
            out[:, own] = np.linalg.solve(L, x[:, own])
        return out

    def by_unit(self, x: Array) -> Array:
        """Sum over the rows of each unit, (S, n) to (S, U)."""
        return np.stack([x[:, own].sum(axis=1) for own in self.rows], axis=1)

    def by_row(self, x: Array, n: int) -> Array:
        """Give each row its unit's number, (S, U) to (S, n)."""
        out = np.empty((len(x), n))
        for u, own in enumerate(self.rows):
            out[:, own] = x[:, [u]]
        return out


def elliptical_integrand(
    roots: Roots,
    elliptical: Elliptical,
    numbers: Mapping[str, Any],
    error: Callable[[Array], tuple[Array, Array]],
    loading: Array,
) -> Integrand:
    """Put the density of rows whose units have one factor of the scale each into an `Integrand`.

    Parameters
    ----------
    roots
    elliptical
    numbers : mapping of str to ndarray, shape (S, 1)
        The family's parameters.
    error : callable
        Residuals in sds where the linear predictor is moved by so much, and how fast it moves
        them, both (S, n).
    loading : ndarray, shape (S, n, T)
        What standard normal effects add to the linear predictor.
    """
    size = np.array([own.size for own in roots.rows])

    def log_density(square: Array) -> Array:
        return np.asarray(elliptical.log_density(square, size, numbers))

    def at(z: Array) -> tuple[Array, Array, Array]:
        own, slope = error((loading @ z[..., None])[..., 0])
        white = roots.decorrelate(own[..., None])[..., 0]
        return white, slope, roots.by_unit(np.square(white))

    def value(z: Array) -> Array:
        return log_density(at(z)[2]).sum(axis=1) - roots.log_det

    def slopes(z: Array) -> tuple[Array, Array]:
        white, slope, square = at(z)
        step = _STEP * (1 + square)
        fall = (log_density(square) - log_density(square + step)) / step
        weight = 2 * roots.by_row(fall, white.shape[1])  # rows are normal, of that precision
        moved = roots.decorrelate(loading * slope[..., None])
        weighted = np.swapaxes(moved, 1, 2) * weight[:, None]
        return (weighted @ white[..., None])[..., 0], weighted @ moved

    return Integrand(value, slopes, (loading.shape[0], loading.shape[2]))
