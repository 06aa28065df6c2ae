"""Simplexes of monotonic effects, ``mo(dose)``: how the whole change is shared among the steps.

With D steps from the lowest category to the highest, category x adds b D (zeta_1 + ... + zeta_x) to
a linear predictor (Buerkner and Charpentier 2020, British Journal of Mathematical and Statistical
Psychology 73, 420-451): b is the mean change of a step, and zeta, their shares, has a Dirichlet
prior. A design has the column x, of equal steps; it is multiplied by the height of x, which is
D (zeta_1 + ... + zeta_x) / x. Interactions and group effects of one predictor share its simplex.

A simplex is sampled as Beta pieces of what is left (Dirichlet's stick-breaking), beside the
family's own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan import priors as pr
from winstan.families.domains import DOMAINS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Monotone, Stacked
    from winstan.families.domains import Domain
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True, eq=False)
class Simplexes:
    """The simplexes of a model, V of them, of E pieces.

    Attributes
    ----------
    monotones : tuple of Monotone
    alpha : tuple of ndarray, shape (D,) each
        Concentrations of their priors.
    products : tuple of tuple of int
        The monotonic predictors whose heights multiply some column together.
    column_product : ndarray of int, shape (K,)
        Of each population column, its place in `products`; -1 of a column that has none.
    effect_product : tuple of ndarray of int, shape (q,) each
        The same of the columns of each group term.
    at : tuple of ndarray, shape (D,) each
        Simplexes near those of the data: at which the approximate fit, and so the coordinates, are.
    location, scale : ndarray, shape (E,)
        Of the free pieces, as the data have them.
    """

    monotones: tuple[Monotone, ...]
    alpha: tuple[Array, ...]
    products: tuple[tuple[int, ...], ...]
    column_product: np.ndarray
    effect_product: tuple[np.ndarray, ...]
    at: tuple[Array, ...]
    location: Array
    scale: Array

    @classmethod
    def of(cls, stacked: Stacked, priors: Priors) -> Simplexes | None:
        """Gather those of a model, as their priors have them; None where there is none."""
        if not stacked.monotones:
            return None
        found: dict[tuple[int, ...], int] = {}

        def product(which: tuple[int, ...]) -> int:
            return found.setdefault(which, len(found)) if which else -1

        columns = np.full(stacked.block.size, -1)
        for term in stacked.terms:
            columns[list(term.columns)] = product(stacked.monotones_of(term))
        effects = []
        for group in stacked.groups:
            own = np.full(group.q, -1)
            for effect in group.effects:
                own[list(effect.columns)] = product(stacked.monotones_of(effect))
            effects.append(own)
        alpha = []
        for one in stacked.monotones:
            prior = priors[one.variable]
            assert isinstance(prior, pr.Dirichlet)
            alpha.append(prior.concentrations(one.n))
        return cls(
            stacked.monotones,
            tuple(alpha),
            tuple(found),
            columns,
            tuple(effects),
            tuple(a / a.sum() for a in alpha),
            *_free_pieces(alpha),
        )

    def of_priors(self) -> tuple[Array, Array]:
        """Return location and scale of the free pieces under their priors, shape (E,) each."""
        return _free_pieces(self.alpha)

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Of the pieces: Beta distributions, E of them."""
        return tuple(pr.Beta(*pair) for alpha in self.alpha for pair in _beta_numbers(alpha))

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Where the pieces lie."""
        return (DOMAINS["unit"],) * len(self.priors)

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the pieces of each begin."""
        sizes = [one.n - 1 for one in self.monotones]
        return tuple(int(sum(sizes[:v])) for v in range(len(sizes)))

    def constrained(self, free: Array) -> list[Array]:
        """Return the pieces, shape (...) each, of free ones, shape (..., E)."""
        return list(np.moveaxis(special.expit(free), -1, 0))

    def shares(self, pieces: Sequence[Any]) -> list[list[Any]]:
        """Return each simplex, a share after another, shape (...) each, of the pieces."""
        out = []
        for one, start in zip(self.monotones, self.starts, strict=True):
            left: Any = 1.0
            own = []
            for piece in pieces[start : start + one.n - 1]:
                own.append(left * piece)
                left = left * (1 - piece)
            out.append([*own, left])
        return out

    def heights(self, pieces: Sequence[Any]) -> list[list[Any]]:
        """Return what categories are multiplied by, shape (...) each: see `Monotone.heights`."""
        out = []
        for own in self.shares(pieces):
            below, at = 0.0, list[Any]()
            for x, share in enumerate(own, 1):
                below = below + share
                at.append(len(own) / x * below)
            out.append(at)
        return out

    def reported(self, pieces: Sequence[Array]) -> dict[str, Array]:
        """Return the simplexes by variable, shape (..., D), of pieces of shape (...) each."""
        pairs = zip(self.monotones, self.shares(pieces), strict=True)
        return {one.variable: np.stack(np.broadcast_arrays(*own), axis=-1) for one, own in pairs}

    def at_reference(self, cells: Cells) -> Cells:
        """Return cells whose columns are those of the simplexes `at`, in place of equal steps."""
        factors = [self.product_at(which, cells, self.at) for which in self.products]

        def changed(columns: Array, product: np.ndarray) -> Array:
            out = columns.astype(float)
            for k in np.flatnonzero(product >= 0):
                out[:, k] *= factors[product[k]]
            return out

        return replace(
            cells,
            X=changed(cells.X, self.column_product),
            Z=tuple(map(changed, cells.Z, self.effect_product)),
        )

    def coefficients(self, stacked: Stacked) -> np.ndarray:
        """Return `column_product` of all coefficients, an Intercept apart being the first."""
        return np.concatenate([np.full(int(stacked.intercept), -1), self.column_product])

    def product_at(self, which: Sequence[int], cells: Cells, shares: Sequence[Array]) -> Array:
        """Return the product of some predictors' heights in each row, shape (B * C,)."""
        out = np.ones(cells.n)
        for v in which:
            out = out * self.monotones[v].heights(shares[v])[cells.steps[:, v]]
        return np.tile(out, cells.blocks)


def _free_pieces(alphas: Sequence[Array]) -> tuple[Array, Array]:
    """Return the mode and the width there of free pieces whose simplexes are Dirichlet."""
    pairs = np.concatenate([_beta_numbers(alpha) for alpha in alphas])
    return np.log(pairs[:, 0] / pairs[:, 1]), np.sqrt(pairs.sum(axis=1) / pairs.prod(axis=1))


def _beta_numbers(alpha: Array) -> Array:
    """Return the numbers of the Beta distributions of a simplex's pieces, shape (D - 1, 2)."""
    after = alpha.sum() - np.cumsum(alpha)
    return np.column_stack([alpha, after])[:-1]
