"""What the programs for readers have in common: columns and group terms, under valid names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.draws import tree_name
from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.design import RandomTerm, Term
    from winstan.families.family import Distribution
    from winstan.model import Model
    from winstan.priors import Prior


class Names:
    """Identifiers of a program, each given once; `taken` are those of its language and its own."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def new(self, text: str) -> str:
        """Make a valid, unused identifier of what the user wrote."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        plain = re.sub(r"\b(np|numpy)\.", "", plain)
        plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or "x"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        name, number = plain, 2
        if name in self.taken:
            name = f"{plain}_"
        while name in self.taken:
            name, number = f"{plain}_{number}", number + 1
        self.taken.add(name)
        return name

    def tail(self, text: str) -> str:
        """Find an ending with which every parameter of a group term has a name of its own."""
        ending = self.new(f"sd_{text}").removeprefix("sd_")
        mates = {f"{kind}_{ending}" for kind in ("z", "u", "L", "corr")}
        if mates & self.taken:
            return self.tail(f"{text}_group")
        self.taken |= mates
        return ending


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of the data.

    Attributes
    ----------
    name, text
        What the program calls it, and what the user does.
    kind : {"real", "positive", "count", "binary", "level"}
    values : ndarray, shape (N,)
        By row; levels count from 0.
    levels
        How many there are, for the column of a group factor.
    """

    name: str
    text: str
    kind: str
    values: np.ndarray
    levels: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group term.

    Attributes
    ----------
    term
        As the design has it.
    level
        The column of its factor.
    tail
        What follows sd_, z_, u_ and L_ in the names of its parameters.
    columns
        Of its effects; None is the constant.
    effects
        Their names, in ASCII: some of Stan's tools take nothing else.
    sd_priors
        One for each effect.
    lkj
        The LKJ prior's number; None without correlations.
    """

    term: RandomTerm
    level: Column
    tail: str
    columns: tuple[Column | None, ...]
    effects: tuple[str, ...]
    sd_priors: tuple[Prior, ...]
    lkj: float | None


class Parts:
    """The columns, priors and group terms of a model, named.

    Attributes
    ----------
    columns : list of Column
        All of them, in order: response, trials, coefficients, offset, weight, group terms.
    response, trials, offset, weight : Column
        The last three may be None.
    coefficients : list of Column
        Of the population-level predictors.
    priors : list of Prior
        The coefficients', that of the Intercept first.
    center : bool
        Whether there are predictors to centre.
    moves : list of mapping of int to float
        Of each coefficient, what its prior's location loses for others: their places, and the means
        of their predictors (`Model.level_means`).
    groups : list of Group
    """

    def __init__(self, model: Model, names: Names) -> None:
        self._names = names
        self._shared: list[tuple[Column, np.ndarray]] = []
        self._row = model.design.row
        self.columns: list[Column] = []
        design, spec = model.design, model.formula.response_spec

        y = spec.value.name + "".join(f"_{level}" for level in spec.success)
        kind = "count" if model.family.trials else model.family.kind
        self.response = self._declare(y, kind, design.response.y)
        self.trials = self.offset = self.weight = None
        if design.response.trials is not None:
            text = spec.trials.name if spec.trials and spec.trials.columns else "trials"
            self.trials = self._declare(text, "count", design.response.trials)
        self.coefficients = [
            self._shareable(name, design.X[:, column])
            for term in design.terms
            for name, column in zip(term.column_names, term.columns, strict=True)
        ]
        if np.any(design.offset):
            text = "offset_" + "_".join(model.formula.offset)
            self.offset = self._declare(text, "real", design.offset[design.row])
        if design.weights is not None:
            self.weight = self._declare("weight", "positive", design.weights)
        self.center = model.center and bool(self.coefficients)
        means = model.level_means
        self.moves: list[dict[int, float]] = [
            {} if means is None else {int(i): float(row[i]) for i in np.flatnonzero(row)}
            for row in (means if means is not None else np.zeros((len(self.coefficients), 0)))
        ]
        self.priors = [model.priors[name] for name in model.stacked.coefficient_names]
        self.groups = self._groups(model)

    def _declare(self, text: str, kind: str, values: np.ndarray, levels: int = 0) -> Column:
        whole = kind in ("count", "binary", "level")
        copied = values.astype(int if whole else float)  # a program's data are the reader's own
        column = Column(self._names.new(text), text, kind, copied, levels)
        self.columns.append(column)
        return column

    def _shareable(self, text: str, by_design_row: np.ndarray) -> Column:
        """Declare a design column; group effects share it with the coefficient of the same name."""
        for known, values in self._shared:
            if known.text == text and np.array_equal(values, by_design_row):
                return known
        column = self._declare(text, "real", by_design_row[self._row])
        self._shared.append((column, by_design_row))
        return column

    def _groups(self, model: Model) -> list[Group]:
        """Name the group terms."""
        design, priors = model.design, model.priors
        factors = [group.factor for group in design.groups]
        levels: dict[str, Column] = {}
        out = []
        for group in design.groups:
            if group.factor not in levels:
                where = group.level[design.row]
                levels[group.factor] = self._declare(
                    group.factor, "level", where, len(group.levels)
                )
            tail = levels[group.factor].name
            effects = tuple(map(_ascii, group.column_names))
            if factors.count(group.factor) > 1:  # (1|g) + (0 + x|g)
                tail = "_".join([tail, *(spoken(effect) for effect in group.effects)])
            out.append(
                Group(
                    term=group,
                    level=levels[group.factor],
                    tail=self._names.tail(tail),
                    columns=tuple(
                        None if effect.name == "1" else self._shareable(name, group.Z[:, column])
                        for effect in group.effects
                        for name, column in zip(effect.column_names, effect.columns, strict=True)
                    ),
                    effects=effects,
                    sd_priors=tuple(priors[name] for name in group.sd_names),
                    lkj=priors[name].numbers[0] if (name := group.correlation_name) else None,
                )
            )
        return out


def written_distribution(model: Model, language: str) -> Distribution:
    """Return how a language writes the family's distribution.

    Raises
    ------
    BackendError
        If nothing says how.
    """
    family = model.family
    found = family.stan if language == "stan" else family.pymc
    if found is None:
        raise BackendError(
            f"The family {family.name!r} does not say how {language} writes it: give "
            f"Family({language}=winstan.families.Distribution(name=..., arguments=...))."
        )
    return found


def spoken(effect: Term) -> str:
    """Name an effect: the constant is the Intercept."""
    return "Intercept" if effect.name == "1" else effect.name


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace("\n", " ")


def speakable(name: str) -> str:
    """Name a variable and its dims as PyMC, ArviZ and nutpie can all take it.

    A slash would part the groups of a DataTree, and nutpie parts dims at commas.
    """
    return tree_name(name).replace(",", ";")


def one_line(formula: str) -> str:
    """Write a formula for a comment."""
    return " ".join(formula.split())


def quoted(text: str) -> str:
    """Write a string of Python, in double quotes where it holds none."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def number(value: float) -> str:
    """Write a number short, yet exact enough for one and the same posterior."""
    return f"{value:.10g}"
