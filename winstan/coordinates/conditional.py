"""Coordinates given the noise: the normal posterior of coefficients and effects there.

Where few rows say how noisy they are, sigma may be about zero, or a shape without bound. All that
these rows say of coefficients and effects is then known ever more closely, in directions that no
one scale and no one rotation serve. Given sds, correlations and the noise their posterior is normal
(of a normal response), or nearly so; the coordinates are the standard scores of it. With G the
rows' design on coefficients and effects in units of their priors, w the rows' information and r
their responses less what the prior has::

    K K' = 1 + G' w G,    scores = K'^-1 (x + K^-1 G' w r)

It takes a Cholesky factor a gradient, so that it is for the few rows that need it.

References
----------
Lindley and Smith (1972), J. Royal Statistical Society B 34, 1-41: the normal posterior of a linear
hierarchical model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """The normal posterior of coefficients and effects given sds and the noise.

    It is of D of them: P coefficients, then the effects that rows say something of, term by term,
    by column. What is sampled of the other effects are their z-scores.

    Attributes
    ----------
    number : int
        Place of the noise among the numbers; -1 where coordinates do not follow it.
    power : float
        Of it, by which `scaled` is multiplied.
    columns : ndarray, shape (R, D)
        Of the R rows that have information: on coefficients in units of their priors, and effects.
    at : ndarray of int, shape (D,)
        Places of what they are of, among coefficients and effects as they are stored.
    levels : tuple of int
        How many levels of each term are among them.
    scaled, fixed : ndarray, shape (R,)
        Information of each row: what follows the noise, and what does not.
    response : ndarray, shape (R,)
    """

    number: int
    power: float
    columns: Array
    at: np.ndarray
    levels: tuple[int, ...]
    scaled: Array
    fixed: Array
    response: Array

    @classmethod
    def nothing(cls) -> Conditional:
        """Return that of no rows, where coordinates do not follow the noise."""
        none = np.zeros(0)
        return cls(-1, 1.0, np.zeros((0, 0)), np.zeros(0, int), (), none, none, none)

    @property
    def any(self) -> bool:
        """Whether coordinates follow the noise."""
        return self.number >= 0

    def scores(self, x: Array, roots: Sequence[Array], number: Array) -> Array:
        """Coefficients and effects, in units of their priors, at coordinates.

        Parameters
        ----------
        x : ndarray, shape (..., P + T)
        roots : sequence of ndarray, shape (..., q, q) each
            Cholesky factors of the effects' covariances.
        number : ndarray, shape (...)
            The noise.

        Returns
        -------
        ndarray, shape (..., P + T)
        """
        weighted, K = self.factored(roots, number)
        told = np.linalg.solve(K, (weighted @ self.response)[..., None])
        own = np.linalg.solve(np.swapaxes(K, -1, -2), x[..., self.at, None] + told)
        out = x.copy()
        out[..., self.at] = own[..., 0]
        return out

    def factored(self, roots: Sequence[Array], number: Array) -> tuple[Array, Array]:
        """Return G' w and K, shapes (..., D, R) and (..., D, D)."""
        information = self.fixed + self.scaled * (number**self.power)[..., None]
        G = self.by_roots(roots)
        weighted = np.swapaxes(G, -1, -2) * information[..., None, :]
        return weighted, np.linalg.cholesky(np.eye(self.at.size) + weighted @ G)

    def by_roots(self, roots: Sequence[Array]) -> Array:
        """Return G, shape (..., R, D): effects in units of their priors."""
        widths = [root.shape[-1] for root in roots]
        n = self.columns.shape[1] - sum(q * J for q, J in zip(widths, self.levels, strict=True))
        lead = roots[0].shape[:-2] if roots else ()
        parts = [np.broadcast_to(self.columns[:, :n], (*lead, len(self.columns), n))]
        for root, q, J in zip(roots, widths, self.levels, strict=True):
            by_column = self.columns[:, n : n + q * J].reshape(-1, q, J)
            own = np.einsum("rcj,...ca->...raj", by_column, root)
            parts.append(own.reshape(*own.shape[:-2], q * J))
            n += q * J
        return np.concatenate(parts, axis=-1)
