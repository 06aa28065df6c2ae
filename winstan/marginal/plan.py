"""Whether a model can be integrated in closed form, over which factor, and at what size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan import priors as pr
from winstan.cells import distinct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Stacked
    from winstan.likelihood import Likelihood

# Unless the user asks for it: columns (coefficients, and effects of the other factors), whose
# Cholesky factor every gradient takes; and the products that a gradient weighs and sums. Sampling
# the effects of crossed factors is so much slower that they may cost more.
COLUMNS_UP_TO = 150
PRODUCTS_UP_TO = 600_000
PRODUCTS_CROSSED = 3_000_000
# Whoever asks for it: what memory holds in each process.
PRODUCTS_AT_MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model would be integrated.

    Attributes
    ----------
    factor : str
        The factor whose effects are integrated group by group: the one with most of them. Empty
        where there is none: all rows are then one group, of no effect.
    inside : tuple of bool
        Per group term, whether it is on that factor.
    n_levels : tuple of int
        Per group term.
    level : ndarray of int, shape (C,)
        The factor's.
    pattern : ndarray of int, shape (J,)
        Groups of equal design have one pattern: the same predictors, with the same weights.
    columns : int
        Coefficients, and effects of the other factors.
    width : int
        Effects per group.
    """

    factor: str
    inside: tuple[bool, ...]
    n_levels: tuple[int, ...]
    level: np.ndarray
    pattern: np.ndarray
    columns: int
    width: int

    @property
    def products(self) -> int:
        """Products that a gradient weighs and sums."""
        wide, pairs = self.columns + 1, self.width * (self.width + 1) // 2
        return wide * (wide + 1) // 2 * pairs * (int(self.pattern.max()) + 1)

    @property
    def is_cheaper(self) -> bool:
        """Whether a gradient is cheap enough to beat sampling the effects."""
        products = PRODUCTS_UP_TO if all(self.inside) else PRODUCTS_CROSSED
        return self.columns <= COLUMNS_UP_TO and self.products <= products


def plan_marginal(
    stacked: Stacked,
    cells: Cells,
    population: Array,
    likelihood: Likelihood,
    coefficients: Mapping[str, pr.Prior],
) -> Plan | str:
    """Plan the integration, or say why the model does not allow it.

    Parameters
    ----------
    stacked, cells
    population : ndarray, shape (C, P)
        The population-level design of the cells.
    likelihood
    coefficients : mapping of str to Prior
        The P coefficients' priors, in the model's order.

    Returns
    -------
    Plan or str
        A reason, as a clause: ``"the link is 'log', not identity"``.
    """
    obstacle = _obstacle(stacked, likelihood, coefficients)
    if stacked.monotones:
        obstacle = f"the columns of {stacked.monotones[0].name!r} depend on what is sampled"
    obstacle = obstacle or _obstacle_of_priors(coefficients, population, cells.weight)
    if obstacle:
        return obstacle

    effects: dict[tuple[str, tuple[object, ...]], int] = {}
    for group in stacked.groups:
        effects[group.partition] = effects.get(group.partition, 0) + group.size
    if not effects:
        return _without_groups(population)
    factor = max(effects, key=lambda name: effects[name])
    inside = tuple(group.partition == factor for group in stacked.groups)
    m = inside.index(True)
    plan = Plan(
        factor=factor[0],
        inside=inside,
        n_levels=tuple(len(group.levels) for group in stacked.groups),
        level=cells.level[m],
        pattern=_patterns(cells, inside, len(stacked.groups[m].levels)),
        columns=population.shape[1] + sum(effects.values()) - effects[factor],
        width=sum(Z.shape[1] for Z, within in zip(cells.Z, inside, strict=True) if within),
    )
    if plan.products > PRODUCTS_AT_MOST:
        return f"it would take {plan.products:.2g} cross-products in memory"
    return plan


def _without_groups(population: Array) -> Plan:
    """All rows are one group, that has no effect."""
    C, P = population.shape
    nothing = np.zeros(1, int)
    return Plan("", (), (), np.zeros(C, int), nothing, columns=P, width=1)


def _obstacle(
    stacked: Stacked, likelihood: Likelihood, coefficients: Mapping[str, pr.Prior]
) -> str | None:
    if likelihood.family.template == "limits":
        return "rows of the response have limits or standard errors of their own"
    if not likelihood.family.conjugate:
        return f"family={likelihood.family.name!r} is neither gaussian nor lognormal"
    if likelihood.link.name != "identity":
        return f"the link is {likelihood.link.name!r}, not 'identity'"
    if likelihood.predicted:
        return f"{likelihood.predicted[0]!r} has a formula of its own"
    if not coefficients and not stacked.groups:
        return "there is neither a coefficient nor a group term"
    return None


def _obstacle_of_priors(
    coefficients: Mapping[str, pr.Prior], population: Array, weight: Array
) -> str | None:
    for name, prior in coefficients.items():
        if prior.bounded:
            return f"the prior of {name!r} is {prior}, which has bounds"
        if not isinstance(prior, pr.Normal | pr.Flat):
            return f"the prior of {name!r} is {prior}, neither Normal nor Flat"
    flat = [i for i, prior in enumerate(coefficients.values()) if isinstance(prior, pr.Flat)]
    if flat and not _identified(population, weight, flat):
        return "the data do not identify the coefficients that have a Flat prior"
    return None


def _identified(population: Array, weight: Array, flat: list[int]) -> bool:
    """Whether the data tell the flat columns from each other; a normal prior holds the others."""
    X = np.sqrt(weight)[:, None] * population
    size = np.sqrt(np.square(X).sum(axis=0))
    if not np.all(size[flat] > 0):
        return False
    X = X[:, flat] / size[flat]
    return X.shape[0] >= len(flat) and bool(np.linalg.svd(X, compute_uv=False)[-1] > 1e-7)


def _patterns(cells: Cells, inside: tuple[bool, ...], n_levels: int) -> np.ndarray:
    """Give groups one number if their cells are equal, but for the response."""
    columns: list[np.ndarray] = [*cells.X.T, cells.weight]
    for Z, level, within in zip(cells.Z, cells.level, inside, strict=True):
        columns += [*Z.T] if within else [*Z.T, level]
    code, _ = distinct(columns, cells.n)
    level = cells.level[inside.index(True)]
    order = np.lexsort((code, level))
    ends = np.cumsum(np.bincount(level[order], minlength=n_levels))
    seen: dict[bytes, int] = {}
    return np.array(
        [seen.setdefault(code[rows].tobytes(), len(seen)) for rows in np.split(order, ends[:-1])]
    )
