"""The prior distributions of correlation matrices, of simplexes, and of thresholds by shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType

import numpy as np

from winstan.errors import PriorError
from winstan.priors.prior import Draws, Prior, Size


@dataclass(frozen=True, slots=True)
class LKJ(Prior):
    """Density det(R)^(eta - 1) on correlation matrices R.

    Notes
    -----
    Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100, 1989-2001. eta = 1 is
    uniform over correlation matrices; larger values favour small correlations.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.LKJ(2)
    LKJ(eta=2.0)
    """

    eta: float = 1.0
    kind = 20
    domain = frozenset({"correlation"})
    widths = MappingProxyType({"eta": -1})

    def log_density_of(self, correlations: Draws) -> Draws:
        """Log density of correlation matrices, shape (..., q, q), normalised.

        Notes
        -----
        Lewandowski et al. (2009), equations 16 and 17.
        """
        q = correlations.shape[-1]
        constant = 0.0
        for k in range(1, q):
            b = self.eta + (q - 1 - k) / 2
            log_beta = 2 * math.lgamma(b) - math.lgamma(2 * b)
            constant += (q - k) * ((2 * self.eta - 2 + q - k) * math.log(2) + log_beta)
        return (self.eta - 1) * np.linalg.slogdet(correlations)[1] - constant

    def sample_factors(self, rng: np.random.Generator, size: int, width: int) -> Draws:
        """Draw Cholesky factors of correlation matrices.

        Parameters
        ----------
        rng : numpy.random.Generator
        size
            How many.
        width
            Rows of each matrix, q.

        Returns
        -------
        ndarray, shape (size, q, q)
            Lower triangular L, with R = L L'.

        Notes
        -----
        The partial correlation of i and j given all before j is 2 B - 1, with B ~ Beta(b, b) and
        b = eta + (q - 2 - j) / 2, counting from 0 (Lewandowski et al. 2009, section 2.4).
        """
        L = np.zeros((size, width, width))
        left = np.ones((size, width))  # of each row's unit length
        for j in range(width - 1):
            b = self.eta + (width - 2 - j) / 2
            partial = 2 * rng.beta(b, b, (size, width - 1 - j)) - 1
            L[:, j, j] = np.sqrt(left[:, j])
            L[:, j + 1 :, j] = partial * np.sqrt(left[:, j + 1 :])
            left[:, j + 1 :] *= 1 - np.square(partial)
        L[:, -1, -1] = np.sqrt(left[:, -1])
        return L


@dataclass(frozen=True, slots=True)
class Dirichlet(Prior):
    """Of a simplex, or of thresholds: of the categories' probabilities that they make.

    Parameters
    ----------
    alpha
        The concentration of all shares; or one of each, for the simplex of ``mo()``: of its steps.

    Notes
    -----
    With alpha = 1 all simplexes are as likely as others. The probabilities of categories are those
    where the linear predictor is zero: at the mean of the predictors. They are then as likely as
    others whatever the link.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Dirichlet(2)
    Dirichlet(alpha=2.0)
    """

    alpha: float | tuple[float, ...] = 1.0
    kind = 21
    domain = frozenset({"ordered", "simplex"})
    of_several = True

    def __post_init__(self) -> None:
        if isinstance(self.alpha, Real):
            Prior.__post_init__(self)
            return
        own = tuple(np.atleast_1d(np.asarray(self.alpha, float)).tolist())
        if not own or not all(math.isfinite(one) and one > 0 for one in own):
            raise PriorError(f"Dirichlet: alpha must be positive numbers, got {self.alpha!r}.")
        object.__setattr__(self, "alpha", own)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its concentrations: one, or one of each share."""
        return self.alpha if isinstance(self.alpha, tuple) else (self.alpha,)

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        *shape, n = np.atleast_1d(size).tolist()  # the last axis is that of the shares
        return rng.dirichlet(self.concentrations(n), tuple(shape))

    def log_density(self, x: Draws) -> Draws:
        """Log density of simplexes, shape (..., n), normalised: shape (...)."""
        own = self.concentrations(x.shape[-1])
        constant = math.lgamma(own.sum()) - sum(map(math.lgamma, own.tolist()))
        free = own != 1  # of a share that is zero, where that has a density
        return constant + (np.log(x[..., free]) * (own[free] - 1)).sum(axis=-1)

    def concentrations(self, n: int) -> Draws:
        """Return the concentrations of n shares, shape (n,).

        Raises
        ------
        PriorError
            If it has others.
        """
        if len(self.numbers) not in (1, n):
            raise PriorError(f"{self} has {len(self.numbers)} numbers, and {n} are needed.")
        return np.broadcast_to(np.array(self.numbers), (n,))

    def __str__(self) -> str:
        said = ", ".join(f"{value:.4g}" for value in self.numbers)
        return f"Dirichlet([{said}])" if isinstance(self.alpha, tuple) else f"Dirichlet({said})"
