"""Coordinates of the variances: what is sampled where all else is integrated out.

A term with several effects is sampled by its total variance in the data, and by contrasts of the
logarithms of its sds. Where an intercept and a slope share the groups' variance, the data know the
total and hardly the shares: either sd may be next to nothing, but not both. The total and the
contrasts hardly depend on each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from winstan.correlations import correlation_factors

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Stacked
    from winstan.marginal.monotone import MonotoneTransform


@dataclass(frozen=True, slots=True, eq=False)
class Variances:
    """Variances of the model at some points, of any leading shape.

    Attributes
    ----------
    sd : ndarray, shape (..., Q)
    partial : tuple of ndarray, shape (..., q (q - 1) / 2) each
        artanh of the partial correlations, of each correlated term.
    factors : tuple of ndarray, shape (..., q, q) each
        Cholesky factors of the correlations.
    sigma : ndarray, shape (...)
    """

    sd: Array
    partial: tuple[Array, ...]
    factors: tuple[Array, ...]
    sigma: Array


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """How the sds of each group term become a total variance and log contrasts.

    The term's share of the data's variance is ``tr(S G)``, with S the covariance of its effects and
    G the mean cross-product of their columns over rows: of columns that share sds, with as many
    rows as there are sds.

    Attributes
    ----------
    widths : tuple of int
        Sds of each term; of a Gaussian process its sd and its length-scale, apart, are one each.
    correlated : tuple of bool
    gram : ndarray, shape (Q, Q)
        G of each term with several sds, a block of the diagonal each; else one.
    contrasts : ndarray, shape (Q, Q)
        Orthonormal contrasts of each term's log sds; the first column of each block is zero.
    """

    widths: tuple[int, ...]
    correlated: tuple[bool, ...]
    gram: Array
    contrasts: Array

    @classmethod
    def of(cls, stacked: Stacked, cells: Cells) -> Terms:
        """Read the terms off a design."""
        widths: list[int] = []
        correlated: list[bool] = []
        Q = stacked.column_sds.n
        gram, contrasts = np.eye(Q), np.zeros((Q, Q))
        for Z, group in zip(cells.Z, stacked.groups, strict=True):
            own, n = group.column_sds, group.column_sds.n
            apart = own.spectral
            widths += [1] * n if apart else [n]
            correlated += [group.has_correlations] * (n if apart else 1)
            if n == 1 or apart:
                continue
            some = group.sds
            of_mean = cells.of_block(Z, 0)
            products = of_mean.T @ (cells.weight[:, None] * of_mean) / cells.weight.sum()
            if group.shared is not None:
                to_sds = own.slopes(np.ones(n))
                products = np.diag(to_sds.T @ np.diag(products))
            gram[some, some] = products if np.any(products) else np.eye(n)  # nothing but zeros
            contrasts[some, some.start + 1 : some.stop] = linalg.helmert(n).T
        return cls(tuple(widths), tuple(correlated), gram, contrasts)

    @property
    def n_corr(self) -> int:
        """Free correlations."""
        return sum(
            q * (q - 1) // 2
            for q, correlated in zip(self.widths, self.correlated, strict=True)
            if correlated
        )

    @property
    def log_jacobian(self) -> float:
        """Log determinant of the derivative of the log sds by their coordinates: a constant.

        A term's total moves all of its q log sds alike, at right angles to the contrasts.
        """
        return 0.5 * sum(math.log(q) for q in self.widths)

    def variances(self, at: Array) -> Variances:
        """Variances at the model's own coordinates.

        Parameters
        ----------
        at : ndarray, shape (..., Q + n_corr + 1)
            Log sds of totals, each followed by its contrasts; partial correlations; log sigma.
        """
        Q = sum(self.widths)
        log_sd = at[..., :Q] @ self.contrasts.T
        partial, factors, k = [], [], Q
        for q, correlated, some in zip(
            self.widths, self.correlated, _slices(self.widths), strict=True
        ):
            factor = np.eye(q)
            if correlated:
                n = q * (q - 1) // 2
                partial.append(at[..., k : k + n])
                factor = correlation_factors(partial[-1], q)
                factors.append(factor)
                k += n
            total = self._log_total(log_sd[..., some], factor, some)
            log_sd[..., some] += (at[..., some.start] - total)[..., None]
        return Variances(np.exp(log_sd), tuple(partial), tuple(factors), np.exp(at[..., -1]))

    def coordinates(self, log_sd: Array, partial: Array, log_sigma: float) -> Array:
        """Coordinates of one point: the inverse of `variances`."""
        at = np.concatenate([self.contrasts.T @ log_sd, partial, [log_sigma]])
        k = 0
        for q, correlated, some in zip(
            self.widths, self.correlated, _slices(self.widths), strict=True
        ):
            factor = np.eye(q)
            if correlated:
                factor = correlation_factors(partial[k : k + q * (q - 1) // 2], q)
                k += q * (q - 1) // 2
            at[some.start] = self._log_total(log_sd[some], factor, some)
        return at

    def _log_total(self, log_sd: Array, factor: Array, some: slice) -> Array:
        """Log sd of what a term's effects add up to, over the rows of the data."""
        if factor.shape[-1] == 1:
            return log_sd[..., 0]
        root = np.exp(log_sd)[..., None] * factor
        return 0.5 * np.log((root * (self.gram[some, some] @ root)).sum(axis=(-2, -1)))


@dataclass(frozen=True, slots=True, eq=False)
class VarianceCoordinates:
    """From numbers of order one to the variances: D = Q + n_corr + 1 of them.

    Mixed by a matrix they are about standard normal, each; a curve gives each of these its own
    location, widths and tails.

    Attributes
    ----------
    terms : Terms
    transform : MonotoneTransform
    correlation_root : ndarray, shape (D, D)
        Lower triangular.
    converged : bool
        Whether `winstan.marginal.importance_sampling` found the posterior, so that no metric need
        be adapted; else they are those of the approximate fit.
    """

    terms: Terms
    transform: MonotoneTransform
    correlation_root: Array
    converged: bool

    @property
    def size(self) -> int:
        """D."""
        return len(self.correlation_root)

    @property
    def sound(self) -> bool:
        """Whether all numbers are finite, and all curves rise."""
        return self.transform.sound and bool(np.all(np.isfinite(self.correlation_root)))

    def at(self, raw: Array) -> Array:
        """Coordinates of `Terms.variances` at raw ones, (..., D)."""
        return self.transform.at(raw @ self.correlation_root.T)

    def variances(self, raw: Array) -> Variances:
        """Variances at raw coordinates, (..., D)."""
        return self.terms.variances(self.at(raw))

    def log_slope(self, raw: Array) -> Array:
        """Log determinant of the derivative of `at`, but for that of their correlation, (...)."""
        return np.asarray(self.transform.log_slope(raw @ self.correlation_root.T).sum(axis=-1))


def _slices(widths: tuple[int, ...]) -> list[slice]:
    ends = np.cumsum(widths, dtype=int)
    return [slice(int(end) - q, int(end)) for q, end in zip(widths, ends, strict=True)]
