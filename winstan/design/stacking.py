"""The linear predictors of all predicted parameters as one vector of blocks.

Block d is the linear predictor of parameter d, over the same rows as the others. Population
coefficients belong to one block each; a group term's columns may write to several, so that its
effects on several parameters are correlated: ``(1 + stim |p| mouse)`` in two formulas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.column_sds import ColumnSds
from winstan.design.evaluation import Term
from winstan.design.random_terms import RandomTerm, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.design.design import Design
    from winstan.design.monotonic import Monotone
    from winstan.design.smooths import Smooth


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A group term as it is reported, of all its levels, and the terms that are sampled.

    Attributes
    ----------
    term : RandomTerm
    parts : tuple of int
        Places in `Stacked.groups`: one, or one for each arm.
    """

    term: RandomTerm
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve of all rows as it is reported, and the terms that are sampled.

    Attributes
    ----------
    smooth : Smooth
    parts : tuple of int
        Places in `Stacked.groups`: one for each level of ``by=``.
    """

    smooth: Smooth
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """What is sampled: coefficients and effects of all linear predictors, B of them.

    Attributes
    ----------
    parameters : tuple of str
        What each block predicts, the mean (``mu``) first.
    intercept : bool
        Whether the mean has an Intercept, which stands before the columns of `X`. Those of
        parameters with names of their own are among these.
    terms : tuple of Term
        Population terms of all blocks; intercepts of parameters beside the mean are among them.
    X : ndarray, shape (D, K)
        Their columns.
    block : ndarray of int, shape (K,)
        The block that each column writes to.
    constant : ndarray, shape (K,)
        Weights with which columns of a block add up to its constant (`winstan.design.constants`);
        zero in blocks that have an Intercept apart, or no such columns.
    groups : tuple of RandomTerm
        Group terms, those of one label together, and each arm of ``gr(g, by=arm)`` apart; after
        them curves, as terms of one level.
    group_block : tuple of ndarray of int, shape (q,) each
        The block that each column of a group term writes to.
    written : tuple of Written
        Group terms as they are reported, and which of `groups` each is.
    curves : tuple of Curve
        The same of curves.
    column_sds : ColumnSds
        How the sds of all terms' columns follow from those that are sampled.
    offset : ndarray, shape (B, D)
    anchored : tuple of bool, shape (B,)
        Whether a block's columns stand beside the mean's constant: those of a threshold.
    monotones : tuple of Monotone
        Ordered predictors of all blocks, V of them.
    steps : ndarray of int, shape (D, V)
        Their steps above the lowest category.
    """

    parameters: tuple[str, ...]
    intercept: bool
    terms: tuple[Term, ...]
    X: np.ndarray
    block: np.ndarray
    constant: np.ndarray
    groups: tuple[RandomTerm, ...]
    group_block: tuple[np.ndarray, ...]
    written: tuple[Written, ...]
    curves: tuple[Curve, ...]
    column_sds: ColumnSds
    offset: np.ndarray
    anchored: tuple[bool, ...]
    monotones: tuple[Monotone, ...]
    steps: np.ndarray

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns of `X`."""
        return tuple(name for term in self.terms for name in term.column_names)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Names of the population coefficients, the Intercept first."""
        return ("Intercept",) * self.intercept + self.column_names

    def monotones_of(self, term: Term) -> tuple[int, ...]:
        """Return the places of the monotonic predictors that a term's columns are products of."""
        keys = {(term.parameter, name) for name in term.monotonic}
        return tuple(v for v, one in enumerate(self.monotones) if one.key in keys)

    @property
    def with_arms(self) -> RandomTerm | None:
        """The first term whose arms have covariances of their own, if there is one."""
        return next((one.term for one in self.written if one.term.arms), None)

    @property
    def n_correlations(self) -> int:
        """Free correlations of all group terms."""
        return sum(len(group.pairs) for group in self.groups)

    @property
    def correlation_labels(self) -> dict[str, tuple[str, ...]]:
        """By variable, the pairs of effects whose correlation is a parameter, in column order."""
        pairs: dict[str, tuple[str, ...]] = {}
        for one in self.written:
            if own := one.term.correlation_labels:
                name = one.term.correlation_variable
                pairs[name] = pairs.get(name, ()) + own
        return pairs

    def roots(self, sd: Any, factors: Sequence[Any], xp: Any = np) -> list[Any]:
        """Cholesky factor of each group term's covariance: see `RandomTerm.root`.

        Parameters
        ----------
        sd : array, shape (..., Q)
            As they are sampled: of NumPy, or of PyTensor, whose module is then `xp`.
        factors
        """
        columns = self.column_sds(sd, xp)
        return [group.root(columns, factors) for group in self.groups]


def stack(design: Design) -> Stacked:
    """Put the linear predictors of a model's parameters on top of each other."""
    designs = design.every
    terms: list[Term] = []
    columns: list[np.ndarray] = []
    block, constant = [], []
    for d, one in enumerate(designs):
        shift = sum(part.shape[1] for part in columns)
        X, weights, own = one.X[:, : _n_columns(one)], one.constant, one.terms
        if one.prefix and one.intercept:
            terms.append(Term("Intercept", (), (shift,), one.parameter))
            shift += 1
            X = np.column_stack([np.ones(len(X)), X])
            weights = np.eye(1, X.shape[1])[0]
        terms += [replace(term, columns=tuple(c + shift for c in term.columns)) for term in own]
        columns.append(X)
        block.append(np.full(X.shape[1], d))
        constant.append(np.zeros(X.shape[1]) if weights is None else weights)
    groups: list[RandomTerm] = []
    blocks: list[np.ndarray] = []
    whole: list[Written] = []
    for members in together(designs):
        term = _joined([designs[d].groups[m] for d, m in members])
        of = np.concatenate([np.full(designs[d].groups[m].q, d) for d, m in members])
        parts = [term.of_arm(a) for a in range(len(term.arms))] or [term]
        whole.append(Written(term, tuple(range(len(groups), len(groups) + len(parts)))))
        groups += parts
        blocks += [of] * len(parts)
    curves: list[Curve] = []
    for d, one in enumerate(designs):
        for smooth in one.smooths:
            parts = smooth.parts(one.X[:, list(smooth.term.columns)])
            curves.append(Curve(smooth, tuple(range(len(groups), len(groups) + len(parts)))))
            groups += parts
            blocks += [np.full(part.q, d) for part in parts]
    laid = lay_out(groups)
    return Stacked(
        parameters=tuple(one.parameter for one in designs),
        intercept=design.intercept and not design.prefix,
        terms=tuple(terms),
        X=columns[0] if len(columns) == 1 else np.hstack(columns),
        block=np.concatenate(block),
        constant=np.concatenate(constant),
        groups=laid,
        group_block=tuple(blocks),
        written=tuple(
            replace(
                one,
                term=replace(
                    one.term,
                    recoded=laid[one.parts[0]].recoded,
                    pair_places=tuple(p for m in one.parts for p in laid[m].pair_places),
                ),
            )
            for one in whole
        ),
        curves=tuple(curves),
        column_sds=ColumnSds.joined(group.column_sds for group in laid),
        offset=np.stack([one.offset for one in designs]),
        anchored=tuple(one.anchored for one in designs),
        monotones=tuple(monotone for one in designs for monotone in one.monotones),
        steps=np.hstack([one.steps for one in designs]),
    )


def _n_columns(design: Design) -> int:
    """Count the columns that are no curve's, which come first."""
    return sum(len(term.columns) for term in design.terms)


def with_places(design: Design) -> Design:
    """Tell the group terms of each parameter where their correlations are."""
    designs, stacked = design.every, stack(design)
    found = [list(one.groups) for one in designs]
    for members, written in zip(together(designs), stacked.written, strict=True):
        parts, shift = [stacked.groups[m] for m in written.parts], 0
        for d, m in members:
            own = designs[d].groups[m]
            places = tuple(
                part.pair_places[_pair(shift + i, shift + j)]
                for part in parts
                for i in range(own.q if own.has_correlations else 0)
                for j in range(i)
            )
            found[d][m] = replace(own, pair_places=places, recoded=parts[0].recoded)
            shift += own.q
    drawn = tuple(
        (replace(one.term, Z=one.term.Z[:0]), tuple((designs[d].parameter, m) for d, m in members))
        for members, one in zip(together(designs), stacked.written, strict=True)
    )
    first, *others = (
        replace(one, groups=tuple(groups), drawn=drawn)
        for one, groups in zip(designs, found, strict=True)
    )
    return replace(first, beside={one.parameter: one for one in others})


def together(designs: Sequence[Design]) -> list[list[tuple[int, int]]]:
    """Gather group terms that have one label and one factor: (block, term) of each.

    In the order of `Stacked.written`.
    """
    out: dict[object, list[tuple[int, int]]] = {}
    for d, one in enumerate(designs):
        for m, group in enumerate(one.groups):
            key = (group.label, group.factor) if group.label else (d, m)
            out.setdefault(key, []).append((d, m))
    return list(out.values())


def _joined(groups: Sequence[RandomTerm]) -> RandomTerm:
    """Put the effects of several terms of one factor into one."""
    if len(groups) == 1:
        return groups[0]
    effects: list[Term] = []
    shift = 0
    for group in groups:
        effects += [
            replace(effect, columns=tuple(c + shift for c in effect.columns))
            for effect in group.effects
        ]
        shift += group.q
    Z = np.hstack([group.Z for group in groups])
    return replace(groups[0], effects=tuple(effects), Z=Z, correlated=True)


def _pair(row: int, column: int) -> int:
    """Place of an entry below the diagonal, row by row."""
    return row * (row - 1) // 2 + column
