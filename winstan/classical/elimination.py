"""Sparse elimination of group effects, before dense algebra takes the rest.

The system of the group effects is ``S = F' Z'Z F + I``, with F the relative covariance factor. The
effects of nested factors meet few others, so that S is sparse and stays so: one effect of all
levels of a factor is a stage, whose rows of S meet no other row of the stage and are eliminated at
once. Stages come in the order of most levels first; where a stage would cost more than it saves,
as between crossed factors, its term is left to dense blocks.

Davis (2006), Direct Methods for Sparse Linear Systems, has the factorisation; Takahashi, Fagan and
Chen (1973) the entries of the inverse at the places where the factor is not zero, which are all
that the gradient needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array

# Pairs of entries of one term, in memory.
_MOST_PAIRS = 5_000_000


class Costs(NamedTuple):
    """Nanoseconds that an evaluation takes.

    For a pair of entries, a product that makes an entry, a stage whatever its size, and a cubed row
    of a dense block.
    """

    pair: float = 40.0
    product: float = 20.0
    stage: float = 100_000.0
    cube: float = 1.0


COSTS = Costs()


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One effect of all levels of a factor: n rows of the system, m entries beside its diagonal.

    Attributes
    ----------
    members : ndarray of int, shape (n,)
        The group effects.
    diagonal : ndarray of int, shape (n,)
        Where their diagonal entries stand among the values.
    entries : slice
        Where the others do.
    row, column : ndarray of int, shape (m,)
        Of each entry: which member, and which group effect it meets.
    first, second : ndarray of int, shape (pairs,)
        Pairs of entries of one row, each with itself included.
    target, slot : ndarray of int
        The values that elimination changes, and which of them each pair changes.
    """

    members: np.ndarray
    diagonal: np.ndarray
    entries: slice
    row: np.ndarray
    column: np.ndarray
    first: np.ndarray
    second: np.ndarray
    target: np.ndarray
    slot: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """Which effects are eliminated, and how the entries of their rows are made.

    Values are one vector: the E entries of the stages, then the D of the dense blocks, row after
    row, of which the lower triangles are used.

    Attributes
    ----------
    stages : tuple of Stage
    n_entries, n_dense : int
        E and D.
    product : ndarray, shape (m,)
        Elements of Z'Z.
    left, right : ndarray of int, shape (m,)
        The covariance parameters that multiply them.
    entry : ndarray of int, shape (m,)
        The entries that the products add up to.
    times : ndarray, shape (E,)
        How often an entry stands in the symmetric system: 1 on the diagonal, 2 beside it.
    """

    stages: tuple[Stage, ...]
    n_entries: int
    n_dense: int
    product: Array
    left: np.ndarray
    right: np.ndarray
    entry: np.ndarray
    times: Array

    def values(self, theta: Array) -> Array:
        """Fill the entries of the system; those of the dense blocks are zero."""
        products = self.product * theta[self.left] * theta[self.right]
        out = np.zeros(self.n_entries + self.n_dense)
        out[: self.n_entries] = np.bincount(self.entry, products, minlength=self.n_entries)
        out[: self.n_entries][self.times == 1] += 1.0
        return out

    def eliminate(self, values: Array) -> float:
        """Eliminate the stages in place, and return the logarithm of their determinant.

        The part of the dense blocks is then what these have to add to their systems.
        """
        log_det = 0.0
        for stage in self.stages:
            pivots, entries = values[stage.diagonal], values[stage.entries]
            log_det += float(np.log(pivots).sum())
            change = (entries / pivots[stage.row])[stage.first] * entries[stage.second]
            values[stage.target] -= np.bincount(stage.slot, change, minlength=len(stage.target))
        return log_det

    def forward(self, values: Array, right: Array) -> None:
        """Eliminate the stages from right sides, shape (q, c), in place."""
        for stage in self.stages:
            right -= self._scaled(stage, values, len(right)).T @ right[stage.members]

    def backward(self, values: Array, solution: Array) -> None:
        """Solve for the effects of the stages in place, where those of the blocks are solved."""
        for stage in reversed(self.stages):
            pivots = values[stage.diagonal]
            own = solution[stage.members] / pivots[:, None]
            solution[stage.members] = 0.0
            others = self._scaled(stage, values, len(solution)) @ solution
            solution[stage.members] = own - others

    def inverse_entries(self, values: Array, dense: Array) -> Array:
        """Return the inverse at the entries of the system, with that of the dense blocks given."""
        out = np.concatenate([np.empty(self.n_entries), dense])
        for stage in reversed(self.stages):
            pivots = values[stage.diagonal]
            scaled = values[stage.entries] / pivots[stage.row]
            at = out[stage.target[stage.slot]]
            apart = stage.first != stage.second
            m = len(scaled)
            beside = -np.bincount(stage.second, scaled[stage.first] * at, minlength=m)
            beside -= np.bincount(
                stage.first[apart], scaled[stage.second[apart]] * at[apart], minlength=m
            )
            out[stage.entries] = beside
            out[stage.diagonal] = 1 / pivots - np.bincount(
                stage.row, scaled * beside, minlength=len(pivots)
            )
        return out[: self.n_entries]

    def slope(self, theta: Array, inverse: Array) -> Array:
        """Return what the entries give to the derivative of the log determinant, by parameter."""
        weight = self.product * (self.times * inverse)[self.entry]
        n = len(theta)
        return np.bincount(self.left, weight * theta[self.right], minlength=n) + np.bincount(
            self.right, weight * theta[self.left], minlength=n
        )

    def _scaled(self, stage: Stage, values: Array, q: int) -> Any:
        scaled = values[stage.entries] / values[stage.diagonal][stage.row]
        pointers = np.searchsorted(stage.row, np.arange(len(stage.members) + 1))
        return sparse.csr_array((scaled, stage.column, pointers), shape=(len(stage.members), q))


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The stages before their entries have places: members, and the rows' other columns."""

    members: tuple[np.ndarray, ...]
    rows: tuple[Any, ...]

    def stage_of(self, q: int) -> np.ndarray:
        """Return each effect's stage; those that are not eliminated have the last number."""
        out = np.full(q, len(self.members))
        for number, members in enumerate(self.members):
            out[members] = number
        return out


def choose(
    graph: Any,
    effects: Sequence[tuple[int, int, int]],
    label: np.ndarray,
    costs: Costs = COSTS,
) -> Order:
    """Choose the stages.

    Parameters
    ----------
    graph : sparse array, shape (q, q)
        Ones where effects meet in a row or a level, symmetric.
    effects : sequence of (int, int, int)
        Of each term: its first effect, its number of effects a level, its number of levels.
    label : ndarray of int, shape (q,)
        The connected component of each effect.
    costs
    """
    q = len(label)
    size = np.bincount(label).astype(float)
    members: list[np.ndarray] = []
    rows: list[Any] = []
    for start, k, n_levels in sorted(effects, key=lambda term: -term[2]):
        gone = np.arange(start, start + k * n_levels)
        left = size - np.bincount(label[gone], minlength=len(size))
        saved = costs.cube * float((size**3 - left**3).sum())
        own = graph[gone]
        budget = saved - k * costs.stage - costs.product * own.nnz * ((k + 1) / 2) ** 2
        if budget <= 0:
            continue
        found = _stages(graph, start, k, n_levels, min(budget / costs.pair, _MOST_PAIRS))
        if found is None:
            continue
        graph, size = found[0], left
        members += found[1]
        rows += found[2]
    assert graph.shape == (q, q)
    return Order(tuple(members), tuple(rows))


def _stages(
    graph: Any, start: int, k: int, n_levels: int, most: float
) -> tuple[Any, list[np.ndarray], list[Any]] | None:
    """Eliminate one term from the graph; None where that takes more than `most` pairs."""
    q = graph.shape[0]
    members, rows = [], []
    for j in range(k):
        own = start + j + k * np.arange(n_levels)
        is_own = np.zeros(q, bool)
        is_own[own] = True
        row = sparse.csr_array(graph[own])
        keep = sparse.diags_array((~is_own).astype(float))
        beside = sparse.csr_array(row @ keep)
        beside.eliminate_zeros()
        if row.nnz - beside.nnz > n_levels:
            return None  # two levels meet: they are not eliminated at once
        count = np.diff(beside.indptr).astype(float)
        most -= float((count * (count + 1) / 2).sum())
        if most < 0:
            return None
        beside.sort_indices()
        beside.data[:] = 1.0
        graph = sparse.csr_array(keep @ (graph + beside.T @ beside) @ keep)
        graph.eliminate_zeros()
        graph.data[:] = 1.0
        members.append(own)
        rows.append(beside)
    return graph, members, rows


def build(
    order: Order, ZZ: Any, factor: Any, dense_place: tuple[np.ndarray, np.ndarray, int]
) -> Elimination:
    """Give every entry its place among the values.

    Parameters
    ----------
    order
    ZZ : sparse array in coordinates, shape (q, q)
    factor : sparse array by rows, shape (q, q)
        The covariance parameter, plus one, at each place of the relative covariance factor.
    dense_place : (ndarray, ndarray, int)
        Of each effect that is left to dense blocks: where its block's row begins among the D
        values of the blocks, and its column there; and D.
    """
    q = ZZ.shape[0]
    stage_of = order.stage_of(q)
    keys, bounds = [], []
    n_entries = 0
    for members, beside in zip(order.members, order.rows, strict=True):
        at = np.repeat(np.arange(len(members)), np.diff(beside.indptr))
        keys += [members * q + members, members[at] * q + beside.indices]
        bounds.append((n_entries, n_entries + len(members), at))
        n_entries += len(members) + len(at)
    every = np.concatenate(keys) if keys else np.zeros(0, dtype=np.intp)
    by_key = np.argsort(every)
    ordered = every[by_key]

    def place_of(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        swapped = stage_of[one] > stage_of[other]
        first, second = np.where(swapped, other, one), np.where(swapped, one, other)
        row_start, column, _ = dense_place
        low = column[first] < column[second]
        dense = n_entries + np.where(
            low, row_start[second] + column[first], row_start[first] + column[second]
        )
        is_dense = stage_of[first] == len(order.members)
        found = np.searchsorted(ordered, np.where(is_dense, 0, first * q + second))
        return np.where(is_dense, dense, by_key[np.minimum(found, n_entries - 1)])

    stages = []
    for members, beside, (start, middle, at) in zip(order.members, order.rows, bounds, strict=True):
        first, second = _pairs(beside.indptr)
        column = beside.indices.astype(np.intp)
        target, slot = np.unique(place_of(column[first], column[second]), return_inverse=True)
        diagonal = np.arange(start, middle)
        entries = slice(middle, middle + len(at))
        stages.append(Stage(members, diagonal, entries, at, column, first, second, target, slot))
    of_stage = stage_of[ZZ.row] < len(order.members)
    zz, k, i = ZZ.data[of_stage], ZZ.row[of_stage], ZZ.col[of_stage]
    which, at_k, at_i = _expanded(factor.indptr, k, i)
    left, right = factor.data[at_k] - 1, factor.data[at_i] - 1
    one, other = factor.indices[at_k].astype(np.intp), factor.indices[at_i].astype(np.intp)
    kept = (stage_of[one] < stage_of[other]) | (one == other)
    one, other = one[kept], other[kept]
    times = np.full(n_entries, 2.0)
    for stage in stages:
        times[stage.diagonal] = 1.0
    return Elimination(
        stages=tuple(stages),
        n_entries=n_entries,
        n_dense=dense_place[2],
        product=zz[which[kept]],
        left=left[kept],
        right=right[kept],
        entry=place_of(one, other),
        times=times,
    )


def _pairs(pointers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs (first <= second) of entries of one row."""
    end = np.repeat(pointers[1:], np.diff(pointers)).astype(np.intp)
    entry = np.arange(len(end))
    count = end - entry
    first = np.repeat(entry, count)
    within = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    return first, first + within


def _expanded(
    pointers: np.ndarray, one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every element of row `one` with every element of row `other`, for all of these."""
    width = np.diff(pointers).astype(np.intp)
    count = width[one] * width[other]
    which = np.repeat(np.arange(len(one)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    a, b = np.divmod(within, width[other][which])
    return which, pointers[one][which] + a, pointers[other][which] + b
