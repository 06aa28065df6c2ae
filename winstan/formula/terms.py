"""What a formula consists of once expanded: atoms, terms and their sums, a response."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from winstan.formula.tree import Node, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Atom:
    """One column of the data, or one call: what an interaction is made of.

    Attributes
    ----------
    name
        As it appears in names of parameters, without back-ticks: ``np.log(x)``.
    text
        As a formula would write it.
    code
        As formulae must read it (names in back-ticks, every operation bracketed).
    columns
        Names it takes from the data, or from the caller's namespace.
    node
        Its tree.
    grouping
        Columns whose levels say the groups of ``within(x, g)`` and ``between(x, g)``.
    """

    name: str
    text: str
    code: str
    columns: tuple[str, ...]
    node: Node = field(repr=False)
    grouping: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Effects:
    """An expanded sum of terms: the common part, or the left side of a group term."""

    intercept: bool
    terms: tuple[tuple[Atom, ...], ...]

    @property
    def text(self) -> str:
        """The sum as a formula would write it: ``1 + stim + stim:cond``."""
        return self._join("text")

    @property
    def code(self) -> str:
        """The sum as formulae must read it."""
        return self._join("code")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, the constant being ``1``."""
        terms = tuple(":".join(atom.name for atom in term) for term in self.terms)
        return ("1", *terms) if self.intercept else terms

    @property
    def atoms(self) -> dict[str, Atom]:
        """The distinct atoms by name, in order of appearance."""
        return {atom.name: atom for term in self.terms for atom in term}

    def _join(self, attribute: str) -> str:
        terms = [":".join(getattr(atom, attribute) for atom in term) for term in self.terms]
        return " + ".join(["1" if self.intercept else "0", *terms])


@dataclass(frozen=True, slots=True)
class SmoothSpec:
    """A curve, as it was written.

    Attributes
    ----------
    kind : {"s", "hsgp"}
    covariate : Atom
        Along what.
    by : str
        The column whose levels have a curve each; empty for one curve.
    groups : tuple of str
        The columns whose combinations have a curve each, of one smoothness; empty otherwise.
    basis : {"tp", "cr"}
        Of ``s``.
    size : int or None
        ``k`` of ``s``, columns with those of the straight line; ``m`` of ``hsgp``; None: the usual.
    boundary : float or None
        ``c`` of ``hsgp``, how many times wider than the data its interval is.
    """

    kind: str
    covariate: Atom
    by: str = ""
    groups: tuple[str, ...] = ()
    basis: str = "tp"
    size: int | None = None
    boundary: float | None = None

    @property
    def name(self) -> str:
        """What its parameters are called by: ``s(t)``, ``s(t, by=cond)``."""
        return f"{self.kind}({self.covariate.name}{f', by={self.by}' if self.by else ''})"

    @property
    def group(self) -> str:
        """The factor whose levels have a curve each: ``mouse``, ``mouse:session``."""
        return ":".join(self.groups)

    @property
    def text(self) -> str:
        """The term as a formula would write it."""
        parts = [self.covariate.text]
        parts += [":".join(map(quote_name, self.groups)), 'bs="fs"'] if self.groups else []
        parts += [f"by={quote_name(self.by)}"] if self.by else []
        parts += ['bs="cr"'] if self.basis == "cr" and not self.groups else []
        parts += ['xt="cr"'] if self.basis == "cr" and self.groups else []
        size = "k" if self.kind == "s" else "m"
        parts += [f"{size}={self.size}"] if self.size is not None else []
        parts += [f"c={self.boundary:g}"] if self.boundary is not None else []
        return f"{self.kind}({', '.join(parts)})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of data that it needs."""
        return tuple(c for c in (*self.covariate.columns, self.by, *self.groups) if c)


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """One group term, after expansion of ``a/b``.

    Attributes
    ----------
    effects
        What varies between groups, ready for formulae's right side: ``1``, ``0 + Days``.
    factor
        The grouping factor: ``mouse``, or ``batch:cask`` for combinations.
    correlated
        False for ``(x || g)``.
    factor_columns
        The factor's columns.
    design
        The effects, term by term.
    label
        The p of ``(x |p| g)``: effects of all terms with this label and this factor, in the
        formulas of all parameters, are correlated.
    by
        The column of ``gr(g, by=column)``: groups of each of its levels have a covariance of their
        own.
    smooth
        The curve of each group: ``s(t, mouse, bs="fs")``.
    latent
        The kind of correlation, ``ar`` or the like, of effects of single rows that resemble each
        other within units; empty of others.
    """

    effects: str
    factor: str
    correlated: bool
    factor_columns: tuple[str, ...]
    design: Effects = field(repr=False)
    label: str = ""
    by: str = ""
    smooth: SmoothSpec | None = None
    latent: str = ""

    @property
    def text(self) -> str:
        """The term as a formula would write it."""
        if self.smooth is not None:
            return self.smooth.text
        return self.factor if self.latent else self._bar(self.design)

    @property
    def without_intercept(self) -> str:
        """The same without a varying intercept."""
        return self._bar(Effects(False, self.design.terms))

    def _bar(self, effects: Effects) -> str:
        factor = ":".join(quote_name(column) for column in self.factor_columns)
        if self.by:
            factor = f"gr({factor}, by={quote_name(self.by)})"
        bar = f"|{self.label}|" if self.label else "|" if self.correlated else "||"
        return f"({effects.text} {bar} {factor})"


@dataclass(frozen=True, slots=True)
class ResidualSpec:
    """A term of residual correlation.

    Attributes
    ----------
    kind : {"ar", "car", "cs", "toep", "unstr"}
    time
        The column of times, or of visits.
    factor_columns
        Columns whose combinations are the units; rows of different units are independent.
    """

    kind: str
    time: str
    factor_columns: tuple[str, ...]

    @property
    def factor(self) -> str:
        """The factor of the units: ``mouse``, ``mouse:session``."""
        return ":".join(self.factor_columns)

    @property
    def text(self) -> str:
        """As a formula writes it."""
        return f"{self.kind}({self.time}, {self.factor})"

    @property
    def columns(self) -> tuple[str, ...]:
        """All its columns."""
        return self.time, *self.factor_columns


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """What the left side says of limits and errors of the response; None where it says nothing.

    Attributes
    ----------
    status, upper
        Of ``censored(y, upper, status)``: how each row is censored, and where its interval ends.
    lb, ub
        Of ``truncated(y, lb, ub)``: between which values a response can have been seen.
    error
        Of ``se(s)``: each response's standard error.
    with_sigma
        Whether there is a sigma beside that.
    """

    status: Atom | None = None
    upper: Atom | None = None
    lb: Atom | None = None
    ub: Atom | None = None
    error: Atom | None = None
    with_sigma: bool = False

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """Those that are given."""
        every = (self.status, self.upper, self.lb, self.ub, self.error)
        return tuple(atom for atom in every if atom is not None)


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """The left side.

    Attributes
    ----------
    text, name
        As a formula would write it; the same without back-ticks.
    value
        The response itself; for ``p(s, n)`` the successes.
    trials
        The trials of ``p(s, n)``.
    success
        The level chosen by ``y["level"]``, in a tuple of one; empty where none was.
    limits
        Of ``censored``, ``truncated`` and ``se``; None without any.
    counts
        The columns of ``multinomial(a, b, c)``, one for each category; none of others.
    """

    text: str
    name: str
    value: Atom
    trials: Atom | None = None
    success: tuple[object, ...] = ()
    limits: LimitSpec | None = None
    counts: tuple[Atom, ...] = ()

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The response itself, and whatever stands beside it."""
        trials = () if self.trials is None else (self.trials,)
        limits = () if self.limits is None else self.limits.atoms
        return self.value, *trials, *limits, *self.counts


class Terms:
    """Terms under expansion, by the set of their atoms' names.

    Parameters
    ----------
    items
        The terms; an atom crossed with itself is itself, and ``b:a`` is ``a:b``.
    intercept
        What was said of the intercept; None where nothing was.
    """

    def __init__(
        self, items: Iterable[tuple[Atom, ...]] = (), intercept: bool | None = None
    ) -> None:
        self.items: dict[frozenset[str], tuple[Atom, ...]] = {}
        self.intercept = intercept
        for item in items:
            distinct = tuple({atom.name: atom for atom in item}.values())
            self.items.setdefault(frozenset(atom.name for atom in distinct), distinct)

    def __add__(self, other: Terms) -> Terms:
        intercept = self.intercept if other.intercept is None else other.intercept
        return Terms([*self.items.values(), *other.items.values()], intercept)

    def cross(self, other: Terms) -> Terms:
        """``a:b``: every term of one with every term of the other."""
        return Terms([a + b for a in self.items.values() for b in other.items.values()])

    def nest(self, other: Terms) -> Terms:
        """``a/b``: these terms, and the others within all of them together."""
        everything = tuple(atom for item in self.items.values() for atom in item)
        return self + Terms([everything + item for item in other.items.values()])

    def power(self, order: int) -> Terms:
        """Cross up to `order` of these terms: ``(a + b + c)^2``."""
        items = list(self.items.values())
        crossed = [
            tuple(atom for item in chosen for atom in item)
            for size in range(2, min(order, len(items)) + 1)
            for chosen in combinations(items, size)
        ]
        return self + Terms(crossed)

    def effects(self) -> Effects:
        """Return the expanded sum; an intercept is implied unless it was removed."""
        return Effects(self.intercept is not False, tuple(self.items.values()))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Drop repetitions, and keep the order."""
    return tuple(dict.fromkeys(names))
