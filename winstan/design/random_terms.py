"""A random-effects term: the one owner of its names, its covariance and its place among the others.

Everything about a term that depends on the other terms (which of the sds are its own, which of the
correlation matrices, what a dim is called) is settled once, by `lay_out`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.column_sds import ColumnSds
from winstan.design.dims import dims_of
from winstan.design.evaluation import parameter_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan.design.evaluation import Term


@dataclass(frozen=True, slots=True, eq=False)
class SharedSds:
    """The sds and length-scales of a term whose columns share them.

    Attributes
    ----------
    variables : tuple of (str, tuple of str)
        Name and labels of each variable that they are reported as, in their order; no labels where
        it is one number.
    columns : ColumnSds
    kinds : tuple of {"level", "slope", "length"}
        By which default priors are chosen: an sd of what may be as wide as the response, one of
        how groups differ in it, or a length-scale.
    span : float
        Range of the covariate, in whose units a length-scale is.
    """

    variables: tuple[tuple[str, tuple[str, ...]], ...]
    columns: ColumnSds
    kinds: tuple[str, ...]
    span: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each, as priors have it."""
        return tuple(name for whole, labels in self.variables for name in _named(whole, labels))

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Names under which a prior of each may be given: its own, and its variable's."""
        return tuple(
            tuple(dict.fromkeys((name, whole)))
            for whole, labels in self.variables
            for name in _named(whole, labels)
        )


def _named(whole: str, labels: tuple[str, ...]) -> list[str]:
    return [f"{whole}[{label}]" for label in labels] or [whole]


@dataclass(frozen=True, slots=True, eq=False)
class RandomTerm:
    """Effects that vary between the levels of a factor: ``(1 + stim | mouse)``.

    Attributes
    ----------
    factor
        Its name: ``mouse``, ``batch:cask``.
    levels
        The levels that occur, L of them.
    effects
        What varies; columns index `Z`. The constant is called ``1``.
    Z : ndarray of shape (D, q)
        The effects' columns, on the raw scale.
    level : ndarray of shape (D,)
        Each design row's level.
    correlated
        Whether the effects were written as correlated; see `has_correlations`.
    label
        The p of ``(x |p| g)``: terms of one label and factor are one where they are sampled.
    by, arms, arm_of_level : str, tuple, ndarray of int of shape (L,) or None
        Of ``gr(g, by=arm)``: the column, its labels, and the label of each level. Levels of one arm
        have a covariance of their own. Where terms are sampled, each arm is a term, of one label.
    shared : SharedSds or None
        Where columns share sds: of a curve.
    latent : str
        The kind of correlation of effects of single rows (`winstan.residual`); empty of others,
        whose levels are independent.
    sds : slice
        Its own among the sds of all terms, Q of them.
    columns : slice
        Its own among the columns of all terms, N of them: as many as sds, but for shared ones.
    matrix : int or None
        Which of all terms' correlation matrices is its own; None without one.
    correlations : slice
        Its own among the free correlations of all terms, row by row of the lower triangle.
    correlation_name : str
        Of its correlation matrix, as a prior has it: ``mouse_corr``; empty without one.
    pair_places : tuple of int
        Of each of its pairs, the place in the variable of all correlations of its factor.
    recoded : frozenset of str
        Effects that another term codes by other columns.
    """

    factor: str
    levels: tuple[Any, ...]
    effects: tuple[Term, ...]
    Z: np.ndarray
    level: np.ndarray
    correlated: bool
    label: str = ""
    by: str = ""
    arms: tuple[Any, ...] = ()
    arm_of_level: np.ndarray | None = None
    shared: SharedSds | None = None
    latent: str = ""
    sds: slice = slice(0, 0)
    columns: slice = slice(0, 0)
    matrix: int | None = None
    correlations: slice = slice(0, 0)
    correlation_name: str = ""
    pair_places: tuple[int, ...] = ()
    recoded: frozenset[str] = frozenset()

    @property
    def q(self) -> int:
        """Effects of each level."""
        return self.Z.shape[1]

    @property
    def n_levels(self) -> int:
        """L."""
        return len(self.levels)

    @property
    def size(self) -> int:
        """Effects of all levels."""
        return self.q * self.n_levels

    @property
    def has_correlations(self) -> bool:
        """Whether there is a correlation matrix: of several effects, written as correlated."""
        return self.correlated and self.q > 1

    @property
    def column_names(self) -> tuple[str, ...]:
        """Name of each column: ``Intercept``, ``Days``, ``cond[b]``."""
        return tuple(
            name
            for effect in self.effects
            for name in (
                effect.column_names
                if effect.name != "1"
                else [parameter_name(effect.parameter, "Intercept")]
            )
        )

    @property
    def has_intercept(self) -> bool:
        """Whether intercepts vary."""
        return any(effect.name == "1" for effect in self.effects)

    @property
    def sd_names(self) -> tuple[str, ...]:
        """Name of each sd, as priors have it: ``1|mouse_sigma``, ``c|mouse_sigma[b]``."""
        if self.shared is not None:
            return self.shared.names
        return tuple(name for effect in self.effects for name in self.sd_names_of(effect))

    @property
    def pairs(self) -> tuple[str, ...]:
        """Pairs of columns whose correlation is a parameter, in the order of `correlations`."""
        names = self.column_names if self.has_correlations else ()
        return tuple(f"{names[j]}, {names[i]}" for i in range(len(names)) for j in range(i))

    @property
    def column_sds(self) -> ColumnSds:
        """How its columns' sds follow from its own sds."""
        return ColumnSds.each(self.q) if self.shared is None else self.shared.columns

    @property
    def slopes(self) -> bool:
        """Whether several effects of a level have sds of their own."""
        return self.q > 1 and self.shared is None

    def effect_name(self, effect: Term) -> str:
        """Name the variable of an effect: ``stim|mouse``; ``ar_latent`` of single rows."""
        if self.latent:
            return f"{self.latent}_latent"
        return f"{effect.variable}|{self.factor}"

    def sd_name(self, effect: Term) -> str:
        """Name the variable of an effect's sd: ``stim|mouse_sigma``; ``ar_sigma``."""
        if self.latent:
            return f"{self.latent}_sigma"
        return f"{effect.variable}|{self.factor}_sigma"

    @property
    def sd_variables(self) -> dict[str, tuple[dict[str, tuple[Any, ...]], str]]:
        """By variable of its sds: dims with labels, and whose linear predictor they are of."""
        if self.shared is None:
            return {
                self.sd_name(e): (self.dims(e) | self.arm_dims(), e.parameter) for e in self.effects
            }
        of = self.effects[0].parameter
        return {name: (dims_of(name, labels), of) for name, labels in self.shared.variables}

    def sd_draws(self, sd: Any) -> dict[str, Any]:
        """Part its sds, shape (..., Q of them[, arms]), into their variables."""
        if self.shared is None:
            axis = -2 if self.arms else -1
            return {self.sd_name(e): self.columns_of(e, sd, axis=axis) for e in self.effects}
        out, at = {}, 0
        for name, labels in self.shared.variables:
            out[name] = sd[..., at : at + len(labels)] if labels else sd[..., at]
            at += len(labels) or 1
        return out

    @property
    def correlation_variable(self) -> str:
        """Name the variable of all correlations of its factor's effects: ``mouse_corr``."""
        return f"{self.factor}_corr"

    def sd_names_of(self, effect: Term) -> list[str]:
        """Name the sd of each column of an effect, as priors have it."""
        whole = self.sd_name(effect)
        if not self.arms:
            return [f"{whole}[{label}]" for label in effect.labels] or [whole]
        columns: list[tuple[str, ...]] = [(label,) for label in effect.labels] or [()]
        return [f"{whole}[{', '.join(map(str, (*c, a)))}]" for c in columns for a in self.arms]

    def dims(self, effect: Term) -> dict[str, tuple[Any, ...]]:
        """Dim and labels of an effect of several columns, as bambi names them.

        A dim has one set of labels in a posterior: where another term codes the same effect
        otherwise (``(cond|g) + (0 + cond|h)``), each has a dim of its own.
        """
        if not effect.labels:
            return {}
        own = f"|{self.factor}" if effect.variable in self.recoded else ""
        return {f"{effect.variable}{own}__expr_dim": effect.labels}

    def arm_dims(self) -> dict[str, tuple[Any, ...]]:
        """Dim and labels of the arms, as ``1|mouse_sigma`` has them; none without arms."""
        return {f"{self.factor}__by_{self.by}_dim": self.arms} if self.arms else {}

    @property
    def correlation_labels(self) -> tuple[str, ...]:
        """Its own labels of `correlation_variable`: the pairs, arm by arm."""
        return tuple(
            pair if arm is None else f"{pair}, {arm}"
            for arm in self.arms or (None,)
            for pair in self.pairs
        )

    @property
    def partition(self) -> tuple[str, tuple[Any, ...]]:
        """What parts the rows: terms of one partition have the same levels."""
        return self.factor, self.arms

    @property
    def arm(self) -> np.ndarray | None:
        """The arm of each design row, shape (D,); None without arms."""
        return None if self.arm_of_level is None else self.arm_of_level[self.level]

    def of_arm(self, arm: int) -> RandomTerm:
        """Return the term of one arm's levels: the rows of others have zeros in its columns."""
        own = self.levels_of(arm)
        place = np.zeros(self.n_levels, dtype=int)
        place[own] = np.arange(own.size)
        inside = np.isin(self.level, own)
        return replace(
            self,
            levels=tuple(self.levels[i] for i in own),
            Z=self.Z * inside[:, None],
            level=place[self.level],
            arms=(self.arms[arm],),
            arm_of_level=None,
        )

    def levels_of(self, arm: int) -> np.ndarray:
        """Return the places of an arm's levels."""
        return np.flatnonzero(self.arm_of_level == arm)

    def within(self, columns: np.ndarray) -> tuple[Term, ...]:
        """Return the effects of some columns, which are counted anew."""
        place = {int(column): k for k, column in enumerate(columns)}
        return tuple(
            replace(effect, columns=tuple(place[column] for column in effect.columns))
            for effect in self.effects
            if place.keys() >= set(effect.columns)
        )

    def columns_of(self, effect: Term, values: Any, axis: int = -1) -> Any:
        """Take an effect's columns along an axis; of a single column a view, without that axis."""
        if effect.labels:
            return np.take(values, effect.columns, axis=axis)
        return np.moveaxis(values, axis, 0)[effect.columns[0]]

    def root(self, sd: Any, factors: Sequence[Any]) -> Any:
        """Cholesky factor of the effects' covariance, shape (..., q, q).

        Parameters
        ----------
        sd : array, shape (..., N)
            Of the columns of all terms: NumPy's or PyTensor's.
        factors : sequence of array, shape (..., q, q) each
            Cholesky factors of the correlation matrices of the terms that have any.
        """
        own = np.eye(self.q) if self.matrix is None else factors[self.matrix]
        return sd[..., self.columns, None] * own


def lay_out(terms: Iterable[RandomTerm]) -> tuple[RandomTerm, ...]:
    """Settle the place of each term among the others."""
    terms = tuple(terms)
    correlated = [term.factor for term in terms if term.has_correlations]
    recoded = _recoded(terms)
    out, k, c, n, matrix = [], 0, 0, 0, 0
    of_factor = dict.fromkeys(correlated, 0)
    for term in terms:
        pairs = len(term.pairs)
        name = ""
        if term.has_correlations:
            name = term.correlation_variable
            if correlated.count(term.factor) > 1:
                own = [effect.variable for effect in term.effects] + [str(a) for a in term.arms]
                name += f"[{', '.join(own)}]"
        start = of_factor.get(term.factor, 0)
        out.append(
            replace(
                term,
                sds=slice(k, k + term.column_sds.n),
                columns=slice(c, c + term.q),
                matrix=matrix if term.has_correlations else None,
                correlations=slice(n, n + pairs),
                correlation_name=name,
                pair_places=tuple(range(start, start + pairs)),
                recoded=recoded,
            )
        )
        k, c = k + term.column_sds.n, c + term.q
        n, matrix = n + pairs, matrix + term.has_correlations
        if pairs:
            of_factor[term.factor] = start + pairs
    return tuple(out)


def _recoded(terms: Sequence[RandomTerm]) -> frozenset[str]:
    """Return the names of effects that several terms code by unlike columns."""
    codings: dict[str, set[tuple[str, ...]]] = {}
    for term in terms:
        for effect in term.effects:
            codings.setdefault(effect.variable, set()).add(effect.labels)
    return frozenset(name for name, labels in codings.items() if len(labels) > 1)
