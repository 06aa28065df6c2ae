"""The priors of level columns that stand for the Intercept, as bambi can be given them.

bambi centres predictors for an Intercept only. Without one, the levels' priors are at the means in
`Model.level_means`: a potential of the coefficients says so, beside flat priors of the levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.bambi_names import aliases, places
from winstan.backends.program_names import number, quote, speakable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from winstan.backends.program_names import Names
    from winstan.design import Term
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Element:
    """A coefficient among bambi's: an element of a variable, or that negated.

    Attributes
    ----------
    name : str
        Of the variable.
    index : tuple of int
        Empty of a variable that is a number.
    sign : int
    """

    name: str
    index: tuple[int, ...]
    sign: int

    def of(self, variables: Mapping[str, Any]) -> Any:
        """Take it from the variables by name."""
        value = variables[self.name]
        return self.sign * (value[self.index] if self.index else value)

    def written(self, called: Mapping[str, str]) -> str:
        """Write it, by what a program calls the variables."""
        index = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return f"{'-' if self.sign < 0 else ''}{called[self.name]}{index}"


def level_terms(model: Model) -> frozenset[str]:
    """Name the terms whose columns' priors are at the mean of the other predictors."""
    return frozenset(
        term.variable
        for design in model.design.every
        for term in design.terms
        if any(name in model.priors.at_mean for name in term.column_names)
    )


def said_of(model: Model, name: str) -> str:
    """Return what a program for readers calls one of bambi's variables, but for slashes."""
    said = {alias: name for name, alias in aliases(model).items()}
    return said.get(name, name)


def elements_of(model: Model, terms: Collection[Term]) -> dict[int, Element]:
    """Return where the coefficient of each column of some terms is."""
    at = places(model)
    out = {}
    for term in terms:
        place = at[term.variable]
        category = () if place.category is None else (place.category,)
        for i, column in enumerate(term.columns):
            index = (i, *category) if term.labels else category
            out[column] = Element(place.name, index, place.sign)
    return out


def level_potential(model: Model) -> tuple[list[str], Callable[..., Any]]:
    """Return bambi's variables, and the log density that takes them.

    Parameters
    ----------
    model
        One that has `level_terms`.
    """
    elements = elements_of(model, _terms(model))
    names = list(dict.fromkeys(element.name for element in elements.values()))

    def log_density(*coefficients: Any) -> Any:
        beta = dict(zip(names, coefficients, strict=True))
        at = {column: element.of(beta) for column, element in elements.items()}
        total = 0.0
        for column, moves, mean, sd in _densities(model):
            value = at[column] + sum(m * at[i] for i, m in moves)
            total = total - 0.5 * ((value - mean) / sd) ** 2
        return total

    return names, log_density


def potential_program(model: Model, identifiers: Names) -> list[str]:
    """Write the potential, as lines that define ``levels`` for ``potentials=[levels]``."""
    elements = elements_of(model, _terms(model))
    names = list(dict.fromkeys(element.name for element in elements.values()))
    called = {name: identifiers.new(said_of(model, name)) for name in names}
    at = {column: element.written(called) for column, element in elements.items()}
    lines = [
        "# The levels' priors are at the mean of the other predictors.",
        "levels = (",
        f"    [{', '.join(quote(speakable(said_of(model, name))) for name in called)}],",
        f"    lambda {', '.join(called.values())}: -0.5",
        "    * (",
    ]
    for n, (column, moves, mean, sd) in enumerate(_densities(model)):
        value = " + ".join([at[column], *(f"{number(m)} * {at[i]}" for i, m in moves)])
        plus = "+ " if n else ""
        lines.append(f"        {plus}(({value} - {number(mean)}) / {number(sd)}) ** 2")
    return [*lines, "    ),", ")", ""]


def _terms(model: Model) -> list[Term]:
    """List the terms of the parameters that have such levels."""
    stacked, levels = model.stacked, level_terms(model)
    blocks = {stacked.block[t.columns[0]] for t in stacked.terms if t.variable in levels}
    return [term for term in stacked.terms if stacked.block[term.columns[0]] in blocks]


def _densities(model: Model) -> list[tuple[int, list[tuple[int, float]], float, float]]:
    """List the normal priors of a model's level terms, by column.

    Each is that of the coefficient plus its moves (other columns, by their means), and has a mean
    and an sd.
    """
    assert model.level_means is not None
    levels = level_terms(model)
    out = []
    for term in _terms(model):
        if term.variable not in levels:
            continue
        for name, column in zip(term.column_names, term.columns, strict=True):
            row = model.level_means[column]
            mean, sd = model.priors[name].numbers
            out.append((column, [(int(i), float(row[i])) for i in np.flatnonzero(row)], mean, sd))
    return out
