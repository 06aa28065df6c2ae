"""What the likelihood of correlated residuals needs of the data: cross-products, taken once.

The columns C are those of the mean's coefficients, those of the effects that are not integrated
group by group, and the response less the approximate fit. Z has the columns of the other effects:
those of the factor in whose groups the units lie. With the weights w of
`winstan.residual.structure` and the sds s of kinds of row, one sparse matrix times ``w / (s s)``
gives ``C' R^-1 C``, ``Z' R^-1 Z`` and ``Z' R^-1 C``: no evaluation runs over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from winstan.cells import distinct

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.residual.structure import Pairs

# Features of so many pairs each are multiplied as matrices; fewer are summed entry by entry.
PAIRS_OF_A_MATRIX = 40


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of data, in columns.

    Attributes
    ----------
    columns : ndarray, shape (N, W)
        The response last.
    Z : ndarray, shape (N, q)
    group : ndarray of int, shape (N,)
        The factor's group of each row.
    n_groups : int
        Zero without a factor.
    unit, kind : ndarray of int, shape (N,)
        The unit within which each row is correlated, and its kind: each kind has its own sd.
    """

    columns: Array
    Z: Array
    group: np.ndarray
    n_groups: int
    unit: np.ndarray
    kind: np.ndarray

    def with_sums(self) -> tuple[Rows, np.ndarray]:
        """Append the sums over the rows of one unit and kind; and return the unit of each sum."""
        code, first = distinct([self.unit, self.kind], self.unit.size)
        by = sparse.csr_array(
            (np.ones(code.size), (code, np.arange(code.size))), shape=(first.size, code.size)
        )
        more = Rows(
            np.vstack([self.columns, by @ self.columns]),
            np.vstack([self.Z, by @ self.Z]),
            np.concatenate([self.group, self.group[first]]),
            self.n_groups,
            np.concatenate([self.unit, self.unit[first]]),
            np.concatenate([self.kind, self.kind[first]]),
        )
        return more, self.unit[first]


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Cross-products, summed over the pairs of rows that have the same weight and kinds.

    Attributes
    ----------
    weight_of, kind_of, other_kind_of : ndarray of int, shape (F,)
        The weight, and the kinds of both rows, of each of F such sums.
    matrix : sparse array, shape (n_out, F)
        Its rows are the entries of the lower triangle of the columns' products, row by row; then,
        entry after entry and each for all groups, the lower triangle of Z's products, and the
        products of Z with the columns.
    width, n_groups, W : int
        Columns of Z, groups, and columns of C, the response among them.
    """

    weight_of: np.ndarray
    kind_of: np.ndarray
    other_kind_of: np.ndarray
    matrix: sparse.csr_array
    width: int
    n_groups: int
    W: int

    @property
    def entries(self) -> int:
        """How many entries the lower triangle of the columns' products has."""
        return self.W * (self.W + 1) // 2

    def parts(self, by: Array) -> tuple[Array, Array, Array]:
        """Return the products at S weights each, shape (F, S).

        Returns
        -------
        gram : ndarray, shape (S, W, W)
        G : ndarray, shape (S, J, q, q)
        H : ndarray, shape (S, J, q, W)
        """
        out, S = self.matrix @ by, by.shape[1]
        lower = np.tril_indices(self.W)
        gram = np.empty((S, self.W, self.W))
        gram[:, lower[0], lower[1]] = gram[:, lower[1], lower[0]] = out[: self.entries].T
        q, J, at = self.width, self.n_groups, self.entries
        G = np.empty((S, J, q, q))
        for a in range(q):
            for b in range(a + 1):
                G[:, :, a, b] = G[:, :, b, a] = out[at : at + J].T
                at += J
        H = out[at:].reshape(q, self.W, J, S)
        return gram, G, np.moveaxis(H, (3, 2), (0, 1))


def cross_products(rows: Rows, pairs: Pairs) -> Products:
    """Take the cross-products of pairs of rows."""
    rows, pairs = _with_sums(rows, pairs)
    first, second = pairs.first, pairs.second
    keys = [pairs.weight, rows.kind[first], rows.kind[second]]
    of, sample = distinct(keys, first.size)
    F = sample.size
    columns, W, q, J = rows.columns, rows.columns.shape[1], rows.Z.shape[1], rows.n_groups
    top = _products(columns, first, second, pairs.times, of, F)
    lower = np.tril_indices(W)
    blocks = [sparse.csr_array(top[lower[0], lower[1]])]
    if J:
        where, from_ = distinct([of, rows.group[first]], first.size)
        at = (rows.group[first[from_]], of[from_])

        def of_groups(a: Array, b: Array) -> sparse.csr_array:
            both = pairs.times / 2 * (a[first] * b[second] + a[second] * b[first])
            values = np.bincount(where, both, from_.size)
            return sparse.csr_array((values, at), shape=(J, F))

        Z = rows.Z.T
        blocks += [of_groups(Z[a], Z[b]) for a in range(q) for b in range(a + 1)]
        blocks += [of_groups(Z[a], columns[:, w]) for a in range(q) for w in range(W)]
    matrix = sparse.csr_array(sparse.vstack(blocks))
    matrix.eliminate_zeros()
    weight_of, kind_of, other_kind_of = (key[sample] for key in keys)
    return Products(weight_of, kind_of, other_kind_of, matrix, q if J else 0, J, W)


def _with_sums(rows: Rows, pairs: Pairs) -> tuple[Rows, Pairs]:
    """Replace a unit's sum by those over its rows of one kind."""
    N = rows.unit.size
    of_sums = pairs.first >= N
    if not of_sums.any():
        return rows, pairs
    more, unit = rows.with_sums()
    order = np.argsort(unit, kind="stable")
    sums = np.split(N + order, np.cumsum(np.bincount(unit))[:-1])
    own = (pairs.weight, pairs.first, pairs.second, pairs.times)
    parts: list[tuple[np.ndarray, ...]] = [tuple(part[~of_sums] for part in own)]
    weight = pairs.weight[of_sums]
    for w, j in zip(weight, pairs.first[of_sums] - N, strict=True):
        a, b = np.tril_indices(sums[j].size)
        parts.append((np.full(a.size, w), sums[j][a], sums[j][b], np.where(a == b, 1.0, 2.0)))
    return more, type(pairs)(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _products(
    columns: Array, first: np.ndarray, second: np.ndarray, times: Array, of: np.ndarray, F: int
) -> Array:
    """Sum the products of pairs of rows by feature, symmetrised, shape (W, W, F)."""
    W = columns.shape[1]
    out = np.empty((W, W, F))
    if first.size > PAIRS_OF_A_MATRIX * F:
        order = np.argsort(of, kind="stable")
        for f, some in enumerate(np.split(order, np.cumsum(np.bincount(of, minlength=F))[:-1])):
            one = columns[first[some]].T @ (times[some, None] * columns[second[some]])
            out[:, :, f] = (one + one.T) / 2
        return out
    for a in range(W):
        for b in range(a + 1):
            both = columns[first, a] * columns[second, b] + columns[second, a] * columns[first, b]
            out[a, b] = out[b, a] = np.bincount(of, times / 2 * both, F)
    return out
