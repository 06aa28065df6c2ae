"""The likelihood of correlated residuals, coefficients and group effects integrated out.

y = X b + Z u + e, e of a unit ~ N(0, D C D): D has the spreads of its rows, C is a structure's.
With G = Z'R^-1 Z and H = Z'R^-1 (X, y) of a group, z-scores of its effects, of covariance root L,
have the precision ``M = 1 + L' G L``, and take ``H' L M^-1 L' H`` from the columns' precision. What
is left to sample are the sds and correlations of the effects, the spreads, and a few numbers.

References
----------
Lindley and Smith (1972), JRSS B 34, 1-41; Pinheiro and Bates (2000), Mixed-Effects Models in S and
S-PLUS, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from winstan.cells import distinct
from winstan.correlations import partial_log_density
from winstan.marginal.statistics import prior_of_columns
from winstan.marginal.variances import Terms
from winstan.residual.plan import check_priors, check_products, check_size, find_inside
from winstan.residual.statistics import Rows, cross_products
from winstan.residual.structures import structure_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coordinates import Coordinates
    from winstan.design import Stacked
    from winstan.design.residual import ResidualTerm
    from winstan.likelihood import Likelihood
    from winstan.marginal.variances import Variances
    from winstan.priors import Prior, Priors
    from winstan.residual.statistics import Products
    from winstan.residual.structures import Pairs, Structure


@dataclass(frozen=True, slots=True, eq=False)
class Spreads:
    """Standard deviations of kinds of row.

    Attributes
    ----------
    X : ndarray, shape (K, n)
        Predictors of their logarithms; a column of ones for sigma alone.
    offset : ndarray, shape (K,)
    rows : ndarray, shape (K,)
        Rows of each kind.
    predicted : bool
        Whether they are coefficients of a formula, or the logarithm of sigma.
    priors : tuple of Prior
        Of the coefficients, or of sigma.
    """

    X: Array
    offset: Array
    rows: Array
    predicted: bool
    priors: tuple[Prior, ...]

    def log(self, at: Array) -> Array:
        """Logarithms by kind, (S, K), from the numbers, (S, n)."""
        return self.offset + at @ self.X.T

    def log_prior(self, at: Array) -> Array:
        """Log density of the numbers, (S,)."""
        if self.predicted:
            return np.asarray(
                sum(p.log_density(at[:, k]) for k, p in enumerate(self.priors))
            ) * np.ones(len(at))
        return at[:, 0] + self.priors[0].log_density(np.exp(at[:, 0]))


@dataclass(frozen=True, slots=True, eq=False)
class CorrelatedResiduals:
    """A model of correlated residuals.

    Attributes
    ----------
    structure : Structure
    pairs : Pairs
        Of rows, which it weighs.
    unit : ndarray of int, shape (N,)
    products : Products
    spreads : Spreads
    column : tuple of int
        Per group term, the column of its first effect; -1 if it is integrated group by group.
    mean_at, spread_at : ndarray of int
        Places of the coefficients of the mean and of sigma among all that are sampled.
    location, scale : ndarray, shapes (P,), (P, P)
        Coefficients of the mean are ``location + scale c``.
    prior : ndarray, shape (W, W)
        Of the columns, see `winstan.marginal.Marginal`.
    log_constant : float
    sd_priors : tuple of Prior
    lkj : tuple of float
    terms : Terms
        Coordinates of the effects' variances.
    stacked : Stacked
    neighbours : float
        Correlation of neighbours' residuals by the approximate fit.
    """

    structure: Structure
    pairs: Pairs
    unit: np.ndarray
    products: Products
    spreads: Spreads
    column: tuple[int, ...]
    mean_at: np.ndarray
    spread_at: np.ndarray
    location: Array
    scale: Array
    prior: Array
    log_constant: float
    sd_priors: tuple[Prior, ...]
    lkj: tuple[float, ...]
    terms: Terms
    stacked: Stacked
    neighbours: float

    @property
    def n_spread(self) -> int:
        """Numbers of the spreads."""
        return self.spreads.X.shape[1]

    @property
    def n_last(self) -> int:
        """Numbers beside those of the group terms."""
        return self.n_spread + self.structure.n_numbers

    def parts(self, at: Array) -> tuple[Variances, Array, Array]:
        """Part coordinates, (..., D), into variances of effects, spreads and correlation."""
        after = sum(self.terms.widths) + self.terms.n_corr
        end = after + self.n_spread
        return self.terms.variances(at[..., : after + 1]), at[..., after:end], at[..., end:]

    def log_density(self, at: Array) -> Array:
        """Log density of coordinates, shape (S,); minus infinity where none can be computed."""
        variances, spread, numbers = self.parts(at)
        out = self.spreads.log_prior(spread) + self.structure.log_prior(numbers)
        for k, prior in enumerate(self.sd_priors):
            sd = variances.sd[:, k]
            out = out + np.log(sd) + prior.log_density(sd)
        for partial, factor, eta in zip(
            variances.partial, variances.factors, self.lkj, strict=True
        ):
            out = out + partial_log_density(partial, factor.shape[-1], eta)
        roots = self.stacked.roots(variances.sd, variances.factors)
        for some in chunks(self, len(at)):
            out[some] += self._log_likelihood([L[some] for L in roots], spread[some], numbers[some])
        return np.where(np.isfinite(out), out, -np.inf)

    def _log_likelihood(self, roots: Sequence[Array], spread: Array, numbers: Array) -> Array:
        """Take all at once, or either half where one of them has no Cholesky factor."""
        matrices = system(self, roots, spread, numbers)
        try:
            return matrices.log_likelihood(self)
        except np.linalg.LinAlgError:
            if len(spread) == 1:
                return np.full(1, -np.inf)
        half = len(spread) // 2
        halves = slice(0, half), slice(half, None)
        return np.concatenate(
            [self._log_likelihood([L[h] for L in roots], spread[h], numbers[h]) for h in halves]
        )


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """What S draws of the variances make of the products.

    Attributes
    ----------
    gram : ndarray, shape (S, W, W)
        Precision of the columns, what gives their mean, and the sum of squares; but for what the
        groups' effects take, and with the prior.
    M, taken : ndarray, shapes (S, J, q, q), (S, J, q, W)
        Precision of a group's z-scores, and ``L' H``.
    log_determinant : ndarray, shape (S,)
        Of all residuals' covariance.
    """

    gram: Array
    M: Array
    taken: Array
    log_determinant: Array

    def log_likelihood(self, model: CorrelatedResiduals) -> Array:
        """Log density of the response, shape (S,).

        Raises
        ------
        numpy.linalg.LinAlgError
            If rounding leaves a precision that is none.
        """
        out = model.log_constant - 0.5 * self.log_determinant
        if self.M.size:
            roots = np.diagonal(np.linalg.cholesky(self.M), axis1=-2, axis2=-1)
            out = out - np.log(roots).sum(axis=(1, 2))
        pivots = np.diagonal(np.linalg.cholesky(self.gram), axis1=1, axis2=2)
        return np.asarray(out - 0.5 * np.square(pivots[:, -1]) - np.log(pivots[:, :-1]).sum(axis=1))


def system(
    model: CorrelatedResiduals, roots: Sequence[Array], spread: Array, numbers: Array
) -> System:
    """Put the matrices together.

    Parameters
    ----------
    model
    roots : sequence of ndarray, shape (S, q, q) each
        From `Stacked.roots`.
    spread, numbers : ndarray, shapes (S, n), (S, n)
    """
    products, S = model.products, len(spread)
    weights, log_determinant = model.structure.weights(numbers)
    log_spread = model.spreads.log(spread)
    of_kinds = np.exp(-log_spread[:, products.kind_of] - log_spread[:, products.other_kind_of])
    gram, G, H = products.parts((weights[:, products.weight_of] * of_kinds).T)
    root = root_inside(model, roots)
    M = np.swapaxes(root, -1, -2)[:, None] @ G @ root[:, None] + np.eye(products.width)
    taken = np.swapaxes(root, -1, -2)[:, None] @ H
    if products.n_groups:
        solved = np.linalg.solve(M, taken)
        gram = gram - np.einsum("sjqw,sjqv->swv", taken, solved)
    for L, at, J in _columns(model, roots):
        wide = gram[:, :, at].reshape(S, -1, L.shape[1], J)
        gram[:, :, at] = np.einsum("swij,sih->swhj", wide, L).reshape(S, -1, L.shape[1] * J)
        long = gram[:, at].reshape(S, L.shape[1], J, -1)
        gram[:, at] = np.einsum("sijw,sih->shjw", long, L).reshape(S, L.shape[1] * J, -1)
    total = log_determinant + 2 * log_spread @ model.spreads.rows
    return System(gram + model.prior, M, taken, total)


def root_inside(model: CorrelatedResiduals, roots: Sequence[Array]) -> Array:
    """Root of the covariance of the factor's effects, of all its terms, (S, q, q)."""
    S, q, at = len(roots[0]) if roots else 1, model.products.width, 0
    out = np.zeros((S, q, q))
    for L, column in zip(roots, model.column, strict=True):
        if column < 0:
            out[:, at : at + L.shape[1], at : at + L.shape[1]] = L
            at += L.shape[1]
    return out


def _columns(
    model: CorrelatedResiduals, roots: Sequence[Array]
) -> Iterator[tuple[Array, slice, int]]:
    """Covariance root, columns and levels of each term that has columns."""
    groups = model.stacked.groups
    for L, start, group in zip(roots, model.column, groups, strict=True):
        if start >= 0:
            yield L, slice(start, start + group.size), group.n_levels


def chunks(model: CorrelatedResiduals, n: int, numbers: int = 2_000_000) -> Iterator[slice]:
    """Part n draws into pieces of bounded memory."""
    products = model.products
    each = sum(products.matrix.shape) + 4 * products.W**2 + 4 * products.width**2
    each += 3 * products.n_groups * products.width * (products.W + products.width)
    step = max(1, numbers // each)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


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
    """Take the statistics.

    Parameters
    ----------
    term
    stacked, cells, population, likelihood
    coordinates
        Of the approximate fit, from which coefficients and response are measured.
    own
        Priors of the coefficients that are sampled, P of them.
    priors
    lkj
        Of each correlated group term.
    """
    n, of_row = cells.n, cells.of_row
    block = np.array([0] * stacked.intercept + list(stacked.block), int)
    names = stacked.coefficient_names
    of = dict(zip(names, block, strict=True))
    is_mean = np.array([of[name] == 0 for name in own], bool)
    mean_at, spread_at = np.flatnonzero(is_mean), np.flatnonzero(~is_mean)
    prior_list = list(own.values())
    check_priors({k: p for k, p in own.items() if of[k] == 0}, term.spec.text)

    X, location = population[:n][:, mean_at], coordinates.beta_location[mean_at]
    noise = _residual_sd(cells, coordinates, likelihood)
    scale = _preconditioner(X, cells.weight, noise, [prior_list[p] for p in mean_at])
    inside = find_inside(stacked, cells, term)
    parts, column, at = [(X @ scale)[of_row]], [], mean_at.size
    own_Z = [np.zeros((of_row.size, 0))]
    for group, Z, level, within in zip(
        stacked.groups, cells.Z, cells.level, inside.terms, strict=True
    ):
        column.append(-1 if within else at)
        if within:
            own_Z.append(Z[:n][of_row])
            continue
        check_size(at + group.size, term.spec.text)
        for i in range(Z.shape[1]):
            effect = np.zeros((of_row.size, group.n_levels))
            effect[np.arange(of_row.size), level[of_row]] = Z[of_row, i]
            parts.append(effect)
        at += group.size
    sample = cells.sample
    y = np.log(sample.y) if likelihood.family.log_response else sample.y
    response = y - (cells.offset[:n] + X @ location)[of_row]
    columns = np.column_stack([*parts, response])
    spreads, kind = _spreads(cells, population, spread_at, likelihood, prior_list, priors)
    structure, pairs = structure_of(term, priors[term.kind])
    rows = Rows(
        columns=columns,
        Z=np.hstack(own_Z),
        group=np.zeros(of_row.size, int) if inside.group is None else inside.group,
        n_groups=inside.n_groups,
        unit=term.unit,
        kind=kind,
    )
    W = columns.shape[1] - 1
    check_products(structure.n_weights, columns.shape[1], term)
    prior, constant = prior_of_columns(scale, location, [prior_list[p] for p in mean_at], W)
    return CorrelatedResiduals(
        structure=structure,
        pairs=pairs,
        unit=term.unit,
        products=cross_products(rows, pairs),
        spreads=spreads,
        column=tuple(column),
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
        neighbours=_of_neighbours(term, y - coordinates.eta[:n][of_row]),
    )


def _residual_sd(cells: Cells, coordinates: Coordinates, likelihood: Likelihood) -> float:
    """Return about the sd of the residuals, by the approximate fit."""
    sample = cells.sample
    y = np.log(sample.y) if likelihood.family.log_response else sample.y
    left = y - coordinates.eta[: cells.n][cells.of_row]
    return float(max(np.sqrt(np.mean(np.square(left))), 1e-300))


def _preconditioner(X: Array, weight: Array, noise: float, priors: Sequence[Prior]) -> Array:
    """Turn coefficients into about standard normal ones: ``b = location + scale c``."""
    information = X.T @ (weight[:, None] * X) / noise**2
    for p, prior in enumerate(priors):
        if prior.numbers:
            information[p, p] += prior.numbers[-1] ** -2
    if not len(information):
        return np.zeros((0, 0))
    size = np.sqrt(np.diag(information))
    root = np.linalg.cholesky(information / np.outer(size, size))
    return linalg.solve_triangular(root, np.diag(1 / size), lower=True).T


def _spreads(
    cells: Cells,
    population: Array,
    spread_at: np.ndarray,
    likelihood: Likelihood,
    own: Sequence[Prior],
    priors: Priors,
) -> tuple[Spreads, np.ndarray]:
    """Find kinds of row by the predictors of sigma; and the kind of each row."""
    n, of_row = cells.n, cells.of_row
    if not likelihood.predicted:
        one = np.ones((1, 1))
        rows = np.array([float(of_row.size)])
        prior = priors[str(likelihood.family.noise)]
        return Spreads(one, np.zeros(1), rows, False, (prior,)), np.zeros(of_row.size, int)
    X, offset = population[n : 2 * n][:, spread_at], cells.offset[n : 2 * n]
    of_cell, first = distinct([*X.T, offset], n)
    kind = of_cell[of_row]
    rows = np.bincount(kind, minlength=first.size).astype(float)
    own_priors = tuple(own[p] for p in spread_at)
    return Spreads(X[first], offset[first], rows, True, own_priors), kind


def _of_neighbours(term: ResidualTerm, residual: Array) -> float:
    """Correlation of the residuals of rows that follow each other in a unit."""
    ordered = residual[term.rows]
    now, before = ordered[1:][term.same_unit], ordered[:-1][term.same_unit]
    square = np.sqrt(np.square(now).sum() * np.square(before).sum())
    return float(now @ before / square) if square > 0 else 0.0
