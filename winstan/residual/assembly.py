"""From the design and the approximate fit to the `CorrelatedResiduals` of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from winstan.marginal.statistics import prior_of_columns
from winstan.marginal.variances import Terms
from winstan.residual.kinds import structure_of
from winstan.residual.marginal import CorrelatedResiduals
from winstan.residual.plan import check_priors, check_products, check_size, find_inside
from winstan.residual.spreads import find_spreads
from winstan.residual.statistics import Rows, cross_products

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coordinates import Coordinates
    from winstan.design import Stacked
    from winstan.design.residual import ResidualTerm
    from winstan.likelihood import Likelihood
    from winstan.priors import Prior, Priors


def correlate(
    term: ResidualTerm,
    stacked: Stacked,
    cells: Cells,
    population: Array,
    likelihood: Likelihood,
    coordinates: Coordinates,
    own: Mapping[str, Prior],
    priors: Priors,
    lkj: tuple[float, ...],
) -> CorrelatedResiduals:
    """Take the cross-products of the data, and what else the likelihood needs.

    Parameters
    ----------
    term
    stacked, cells
    population : ndarray, shape (2 C, P) or (C, P)
        The design of the coefficients that are sampled, with a block for sigma's formula.
    likelihood
    coordinates
        Those of the approximate fit: columns and response are taken about it.
    own
        Priors of the coefficients that are sampled, P of them.
    priors
    lkj
        One for each correlated group term.

    Raises
    ------
    PriorError
        If a coefficient of the mean has a prior that cannot be integrated over.
    FormulaError, DataError
        If the matrices would be too large.
    """
    n, of_row, text = cells.n, cells.of_row, term.spec.text
    mean_at, spread_at = _places(stacked, own)
    prior_list = list(own.values())
    mean_priors = [prior_list[p] for p in mean_at]
    names = list(own)
    check_priors({names[p]: prior_list[p] for p in mean_at}, text)

    y = np.log(cells.sample.y) if likelihood.family.log_response else cells.sample.y
    residual = y - coordinates.eta[:n][of_row]
    X, location = population[:n][:, mean_at], coordinates.beta_location[mean_at]
    scale = _preconditioner(X, cells.weight, residual, mean_priors)
    inside = find_inside(stacked, cells, term)
    effects, Z, column = _effects(stacked, cells, inside.terms, mean_at.size, text)
    response = y - (cells.offset[:n] + X @ location)[of_row]
    columns = np.column_stack([(X @ scale)[of_row], *effects, response])
    spreads, kind = find_spreads(cells, population, spread_at, likelihood, prior_list, priors)
    structure, pairs = structure_of(term, priors[term.kind])
    check_products(structure.n_weights, columns.shape[1], term)
    rows = Rows(
        columns=columns,
        Z=Z,
        group=np.zeros(of_row.size, int) if inside.group is None else inside.group,
        n_groups=inside.n_groups,
        unit=term.unit,
        kind=kind,
    )
    prior, constant = prior_of_columns(scale, location, mean_priors, columns.shape[1] - 1)
    return CorrelatedResiduals(
        structure=structure,
        pairs=pairs,
        unit=term.unit,
        products=cross_products(rows, pairs),
        spreads=spreads,
        column=column,
        mean_at=mean_at,
        spread_at=spread_at,
        location=location,
        scale=scale,
        prior=prior,
        log_constant=constant
        - 0.5 * y.size * np.log(2 * np.pi)
        + float(cells.statistics["log_constant"]),
        sd_priors=tuple(priors[name] for group in stacked.groups for name in group.sd_names),
        lkj=lkj,
        terms=Terms.of(stacked, cells),
        stacked=stacked,
        neighbours=_correlation_of_neighbours(term, residual),
    )


def _places(stacked: Stacked, own: Mapping[str, Prior]) -> tuple[np.ndarray, np.ndarray]:
    """Tell the places of the mean's coefficients, and of sigma's, among those that are sampled."""
    block = [0] * stacked.intercept + list(stacked.block)
    block_of = dict(zip(stacked.coefficient_names, block, strict=True))
    is_mean = np.array([block_of[name] == 0 for name in own], bool)
    return np.flatnonzero(is_mean), np.flatnonzero(~is_mean)


def _effects(
    stacked: Stacked, cells: Cells, inside: Sequence[bool], at: int, text: str
) -> tuple[list[Array], Array, tuple[int, ...]]:
    """Write out the columns of the group effects, row by row.

    Parameters
    ----------
    stacked, cells
    inside
        Per term, whether its effects are integrated group by group: these have no columns.
    at
        Columns before those of the effects.
    text
        The residual term, for the error.

    Returns
    -------
    columns : list of ndarray, shape (N, levels) each
    Z : ndarray, shape (N, q)
        Of the effects that are integrated group by group.
    column : tuple of int
        Per term, the column of its first effect; -1 without columns.
    """
    of_row = cells.of_row
    columns, own, column = [], [np.zeros((of_row.size, 0))], []
    for group, Z, level, within in zip(stacked.groups, cells.Z, cells.level, inside, strict=True):
        column.append(-1 if within else at)
        if within:
            own.append(Z[: cells.n][of_row])
            continue
        check_size(at + group.size, text)
        for i in range(Z.shape[1]):
            effect = np.zeros((of_row.size, group.n_levels))
            effect[np.arange(of_row.size), level[of_row]] = Z[of_row, i]
            columns.append(effect)
        at += group.size
    return columns, np.hstack(own), tuple(column)


def _preconditioner(X: Array, weight: Array, residual: Array, priors: Sequence[Prior]) -> Array:
    """Find the scale, (P, P), by which c is about standard normal in ``b = location + scale c``."""
    noise = max(np.sqrt(np.mean(np.square(residual))), 1e-300)
    information = X.T @ (weight[:, None] * X) / noise**2
    for p, prior in enumerate(priors):
        if prior.numbers:
            information[p, p] += prior.numbers[-1] ** -2
    if not len(information):
        return np.zeros((0, 0))
    size = np.sqrt(np.diag(information))
    root = np.linalg.cholesky(information / np.outer(size, size))
    return linalg.solve_triangular(root, np.diag(1 / size), lower=True).T


def _correlation_of_neighbours(term: ResidualTerm, residual: Array) -> float:
    """Correlation of the residuals of rows that follow each other in a unit."""
    ordered = residual[term.rows]
    now, before = ordered[1:][term.same_unit], ordered[:-1][term.same_unit]
    square = np.sqrt(np.square(now).sum() * np.square(before).sum())
    return float(now @ before / square) if square > 0 else 0.0
