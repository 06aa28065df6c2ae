"""Cross products of a linear mixed model: all that its likelihood needs of the data.

Rows that share predictors and levels count once, with their number. The population columns are
orthonormal, the response is its least-squares residual, and the columns of each group term are
standardised (orthogonal to each other where they are correlated), so that the units of the data do
not matter to the search. The effects of nested factors are eliminated sparsely where that pays
(`elimination`); columns of the others that never meet in a row fall into dense blocks: one per
level of the outermost factor in a nested design, a single one in a crossed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph

from winstan.classical.elimination import COSTS, Costs, Elimination, build, choose
from winstan.data.columns import how_many
from winstan.errors import DataError, OptionError

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design, RandomTerm

# A dense block of this many group effects takes some 3 GB while the likelihood is evaluated.
LARGEST_BLOCK = 8_000
# What is left of a column beside the others, relative to it, when it says nothing of its own.
_ALIASED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class GroupBlock:
    """The covariance parameters of one group term.

    Attributes
    ----------
    factor : str
    names : tuple of str
        Of the k effects; the constant is ``1``.
    transform : ndarray, shape (k, k)
        Upper triangular T of ``Z = Q T``, with Q the standardised columns.
    places : tuple of (int, int)
        Row and column of each parameter in the relative covariance factor of Q's effects.
    start : int
        The first parameter's place among those of all terms.
    effects : slice
        The term's effects among those of all terms, level after level.
    """

    factor: str
    names: tuple[str, ...]
    transform: Array
    places: tuple[tuple[int, int], ...]
    start: int
    effects: slice

    def factor_of(self, theta: Array) -> Array:
        """Return the lower triangular relative covariance factor, shape (k, k)."""
        lower = np.zeros((len(self.names), len(self.names)))
        for j, place in enumerate(self.places):
            lower[place] = theta[self.start + j]
        return lower

    def covariance(self, theta: Array) -> Array:
        """Return the effects' covariance over the residual variance, on the raw scale: (k, k)."""
        root = linalg.solve_triangular(self.transform, self.factor_of(theta))
        return root @ root.T


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The blocks of one size: n of them, with s group effects each.

    Attributes
    ----------
    ZZ : ndarray, shape (n, s, s)
    members : ndarray of int, shape (n, s)
        The group effects.
    parameter, block, row, column : ndarray, shape (m,)
        Where each covariance parameter stands in the relative covariance factor.
    """

    ZZ: Array
    members: np.ndarray
    parameter: np.ndarray
    block: np.ndarray
    row: np.ndarray
    column: np.ndarray

    def system(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return the relative covariance factor F, Z'Z F and F' Z'Z F + 1, shape (n, s, s) each."""
        factor = np.zeros_like(self.ZZ)
        factor[self.block, self.row, self.column] = theta[self.parameter]
        ZZF = self.ZZ @ factor
        return factor, ZZF, np.swapaxes(factor, 1, 2) @ ZZF + np.eye(factor.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class CrossProducts:
    """The data of a linear mixed model, reduced.

    Attributes
    ----------
    n : int
        Rows of the data.
    beta : ndarray, shape (p,)
        Coefficients by least squares, the intercept first where there is one.
    R : ndarray, shape (p, p)
        Upper triangular: the population columns are orthonormal ones times R.
    yy : float
        Sum of squares of the least-squares residuals.
    terms : tuple of GroupBlock
    ZZ : sparse array, shape (q, q)
        Cross products of the q group effects' columns.
    ZX : ndarray, shape (q, p + 1)
        Theirs with the population columns and, last, the response.
    blocks : tuple of Blocks
        Of the effects that dense algebra takes.
    elimination : Elimination or None
        Of the effects that are eliminated before.
    """

    n: int
    beta: Array
    R: Array
    yy: float
    terms: tuple[GroupBlock, ...]
    ZZ: Any
    ZX: Array
    blocks: tuple[Blocks, ...]
    elimination: Elimination | None

    @property
    def diagonal(self) -> np.ndarray:
        """Which covariance parameters are on a diagonal, and so not below zero."""
        return np.array([a == b for term in self.terms for a, b in term.places], dtype=bool)


def cross_products(design: Design, costs: Costs = COSTS) -> CrossProducts:
    """Reduce a design with group terms; `costs` decide what is eliminated sparsely.

    Raises
    ------
    DataError
        If there are too few rows for the terms, or nothing is left to explain.
    OptionError
        If the crossed factors have too many levels for dense algebra.
    """
    count = np.bincount(design.row, minlength=len(design.X)).astype(float)
    root = np.sqrt(count)
    n = len(design.row)
    # Measured from the mean, so that responses far from zero keep their digits.
    shift = float(design.response.y.mean()) if design.intercept else 0.0
    y, within = _means(design, count, shift)
    X = population(design)
    p = X.shape[1]
    if n <= p:
        raise DataError(
            f"{how_many(n, 'row')} cannot tell {how_many(p, 'coefficient')} and the residual "
            "standard deviation. Use fewer terms."
        )
    centre = float(np.average(y, weights=count)) if design.intercept else 0.0
    Q, R = np.linalg.qr(root[:, None] * X)
    gamma = Q.T @ (root * (y - centre))
    residual = root * (y - centre) - Q @ gamma
    beta = linalg.solve_triangular(R, gamma)
    if design.intercept:
        beta[0] += centre + shift
    yy = float(residual @ residual + within)
    total = float(count @ (y - centre) ** 2 + within)
    if yy <= (8 * np.finfo(float).eps) ** 2 * n * max(total, (centre + shift) ** 2 * n):
        raise DataError(
            f"The population-level terms explain '{design.response.name}' exactly: there is no "
            "variation left for groups and residuals."
        )
    terms: list[GroupBlock] = []
    columns = []
    start = q = 0
    for group in design.groups:
        term, Zq = _standardised(group, count, start, q, n)
        start += len(term.places)
        q = term.effects.stop
        terms.append(term)
        k = len(term.names)
        rows = np.repeat(np.arange(len(y)), k)
        places = (group.level[:, None] * k + np.arange(k)).ravel()
        shape = (len(y), len(group.levels) * k)
        columns.append(sparse.csr_array(((root[:, None] * Zq).ravel(), (rows, places)), shape))
    Z = sparse.csr_array(sparse.hstack(columns))
    ZX = Z.T @ np.column_stack([Q, residual])
    ZZ = sparse.coo_array(Z.T @ Z)
    blocks, elimination = _parted(ZZ, terms, costs)
    by_rows = sparse.csr_array(ZZ)
    return CrossProducts(n, beta, R, yy, tuple(terms), by_rows, ZX, blocks, elimination)


def population(design: Design) -> Array:
    """Return the population columns, the constant first where there is one, shape (D, p)."""
    return np.column_stack([np.ones(len(design.X)), design.X]) if design.intercept else design.X


def _means(design: Design, count: Array, shift: float) -> tuple[Array, float]:
    """Mean response of each design row, less shift and offset; sum of squares within them."""
    y = design.response.y - shift
    mean = np.bincount(design.row, y, minlength=len(count)) / count
    within = float(((y - mean[design.row]) ** 2).sum())
    return mean - design.offset, within


def _standardised(
    group: RandomTerm, count: Array, start: int, first: int, n: int
) -> tuple[GroupBlock, Array]:
    """Standardise a term's columns: mean square one, and orthogonal where correlated."""
    names = tuple(name for effect in group.effects for name in effect.column_names)
    k = len(names)
    if (effects := k * len(group.levels)) >= n:
        raise DataError(
            f"The group term of '{group.factor}' has {effects:,} effects ({k} for each of "
            f"{len(group.levels):,} levels) in {how_many(n, 'row')}: they cannot be told from the "
            "residuals. Leave the term out, or let fewer effects vary."
        )
    weighted = np.sqrt(count / n)[:, None] * group.Z
    size = np.linalg.norm(weighted, axis=0)
    if not group.correlated or k == 1:
        T = np.diag(size)
        places = tuple((i, i) for i in range(k))
    else:
        T = np.linalg.qr(weighted / np.where(size > 0, size, 1.0), mode="r") * size
        T *= np.where(np.diag(T) < 0, -1.0, 1.0)[:, None]
        places = tuple((i, j) for i in range(k) for j in range(i + 1))
    if np.any(bad := ~(np.abs(np.diag(T)) > _ALIASED * size)):
        name = names[int(np.flatnonzero(bad)[0])]
        raise DataError(
            f"The effect '{name}' of the group term of '{group.factor}' is zero in every row, or "
            "repeats the effects before it. Leave it out."
        )
    term = GroupBlock(group.factor, names, T, places, start, slice(first, first + effects))
    return term, linalg.solve_triangular(T, group.Z.T, trans="T").T


def _parted(
    ZZ: sparse.coo_array, terms: list[GroupBlock], costs: Costs
) -> tuple[tuple[Blocks, ...], Elimination | None]:
    """Part the group effects: those to eliminate, and blocks of the others that never meet."""
    q = ZZ.shape[0]
    parameter, row, column = _factor_places(terms)
    # Effects of one level belong together even where their columns are orthogonal.
    one = np.concatenate([ZZ.row, row, column])
    other = np.concatenate([ZZ.col, column, row])
    graph = sparse.csr_array(sparse.coo_array((np.ones(len(one)), (one, other)), shape=(q, q)))
    graph.data[:] = 1.0
    _, label = csgraph.connected_components(graph, directed=False)
    layout = []
    for term in terms:
        k = len(term.names)
        layout.append((term.effects.start, k, (term.effects.stop - term.effects.start) // k))
    order = choose(graph, layout, label, costs)
    left = order.stage_of(q) == len(order.members)
    size = np.bincount(label[left], minlength=int(label.max()) + 1)
    if size.max() > LARGEST_BLOCK:
        raise OptionError(
            f"The crossed group terms have {size.max():,} effects that hang together, and ws.lme "
            f"takes {LARGEST_BLOCK:,}. ws.fit takes more."
        )
    by_label = np.flatnonzero(left)[np.argsort(label[left], kind="stable")]
    place = np.zeros(q, dtype=np.intp)
    place[by_label] = np.arange(len(by_label)) - np.repeat(np.cumsum(size) - size, size)
    row_start = np.zeros(q, dtype=np.intp)
    n_dense = 0
    out = []
    for s in np.unique(size[size > 0]).tolist():
        number = np.cumsum(size == s) - 1
        of_size = (size[label] == s) & left
        n = int((size == s).sum())
        square = np.zeros((n, s, s))
        inside = of_size[ZZ.row] & of_size[ZZ.col]
        r, c = ZZ.row[inside], ZZ.col[inside]
        square[number[label[r]], place[r], place[c]] = ZZ.data[inside]
        members = np.zeros((n, s), dtype=np.intp)
        own = np.flatnonzero(of_size)
        members[number[label[own]], place[own]] = own
        row_start[own] = n_dense + (number[label[own]] * s + place[own]) * s
        n_dense += n * s * s
        at = of_size[row]
        blocks = number[label[row[at]]], place[row[at]], place[column[at]]
        out.append(Blocks(square, members, parameter[at], *blocks))
    if not order.members:
        return tuple(out), None
    factor = sparse.csr_array(
        sparse.coo_array((parameter + 1, (row, column)), shape=(q, q), dtype=np.intp)
    )
    return tuple(out), build(order, ZZ, factor, (row_start, place, n_dense))


def _factor_places(terms: list[GroupBlock]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return parameter, row and column of every element of the relative covariance factor."""
    parameter, row, column = [], [], []
    for term in terms:
        base = np.arange(term.effects.start, term.effects.stop, len(term.names))
        for j, (a, b) in enumerate(term.places):
            parameter.append(np.full(len(base), term.start + j))
            row.append(base + a)
            column.append(base + b)
    return np.concatenate(parameter), np.concatenate(row), np.concatenate(column)
