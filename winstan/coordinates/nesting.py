"""Group terms whose levels lie inside those of other terms: ``(1|site/batch)``, animals in litters.

An inner term's totals are then centred on the outer one's: a litter's mean for an animal's. What
the data say of the outer effects reaches them through the inner ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.information import products_by_level, times

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class ParentTerm:
    """A term inside whose levels those of another term lie.

    Attributes
    ----------
    term : int
        The outer term.
    level : ndarray of int, shape (J,)
        The outer level of each inner one.
    A : ndarray, shape (q, outer q)
        The outer effects' part of the inner totals: ``Z_outer = Z @ A``.
    """

    term: int
    level: np.ndarray
    A: Array


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """A term that is crossed with another one.

    Attributes
    ----------
    term : int
        The crossed term, of q' effects on J' levels.
    A : ndarray, shape (q * J, q' * J')
        Its effects' part of the other's totals: a mean over each level, weighted by information.
    """

    term: int
    A: Array


def nesting(problem: Problem) -> tuple[tuple[ParentTerm, ...], ...]:
    """Find, for each term, the terms that it is nested in, the innermost of them first."""
    out = []
    for m, Z in enumerate(problem.Z):
        found = []
        for p, outer_Z in enumerate(problem.Z):
            if problem.n_levels[p] >= problem.n_levels[m]:
                continue  # the same partition, or a finer one
            level = _outer_level(problem.level[m], problem.level[p], problem.n_levels[m])
            if level is None:
                continue
            A = np.linalg.lstsq(Z, outer_Z, rcond=None)[0]
            if np.abs(outer_Z - Z @ A).max() <= 1e-9 * np.abs(outer_Z).max():
                found.append(ParentTerm(p, level, A))
        found.sort(key=lambda outer: -problem.n_levels[outer.term])
        out.append(tuple(found))
    return tuple(out)


def _outer_level(inner: np.ndarray, outer: np.ndarray, J: int) -> np.ndarray | None:
    """Return the outer level of each inner one, or None if some inner level has several."""
    level = np.zeros(J, dtype=int)
    level[inner] = outer
    return level if np.array_equal(level[inner], outer) else None


def information(
    problem: Problem,
    cell_information: Array,
    covariance: tuple[Array, ...],
    parents: tuple[tuple[ParentTerm, ...], ...],
) -> list[Array]:
    """Return the information of the data on each level's effects, (J, q, q) a term.

    A term with others nested in it is known through the totals of those directly inside it, and so
    blurred by their own spread.
    """
    order = np.argsort([-J for J in problem.n_levels], kind="stable")
    out: dict[int, Array] = {}
    for m in order:
        Z, level, J = problem.Z[m], problem.level[m], problem.n_levels[m]
        q = Z.shape[1]
        inner = [
            (p, parents[p][0])
            for p in range(len(parents))
            if parents[p] and parents[p][0].term == m
        ]
        total = np.zeros((J, q, q))
        if not inner:
            total = products_by_level(times(cell_information, Z), Z, level, J)
        else:
            # One such term is enough: each sees all of the data.
            p, outer = max(inner, key=lambda pair: problem.n_levels[pair[0]])
            # (S + G^-1)^-1, by Woodbury's identity: G may be singular.
            precision = np.linalg.inv(covariance[p])
            passed = precision - precision @ np.linalg.inv(precision + out[p]) @ precision
            np.add.at(total, outer.level, outer.A.T @ passed @ outer.A)
        out[int(m)] = total
    return [out[m] for m in range(len(problem.Z))]
