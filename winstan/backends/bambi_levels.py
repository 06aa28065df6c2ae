"""The priors of level columns that stand for the Intercept, as bambi can be given them.

bambi centres predictors for an Intercept only. Without one, the levels' priors are at the means in
`Model.level_means`: a potential of the coefficients says so, beside flat priors of the levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.program_names import Names, number, quote, speakable

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.design import Term
    from winstan.model import Model


def level_terms(model: Model) -> frozenset[str]:
    """Name the terms whose columns' priors are at the mean of the other predictors."""
    return frozenset(
        term.variable
        for design in model.design.every
        for term in design.terms
        if any(name in model.priors.at_mean for name in term.column_names)
    )


def level_potential(model: Model) -> tuple[list[str], Callable[..., Any]]:
    """Return the terms' names, and the log density that takes their coefficients.

    Parameters
    ----------
    model
        One that has `level_terms`.
    """
    names = [term.variable for term in _terms(model)]
    elements = _elements(model)

    def log_density(*coefficients: Any) -> Any:
        beta = dict(zip(names, coefficients, strict=True))
        at = {
            column: beta[name] if place is None else beta[name][place]
            for column, (name, place) in elements.items()
        }
        total = 0.0
        for column, moves, mean, sd in _densities(model):
            value = at[column] + sum(m * at[i] for i, m in moves)
            total = total - 0.5 * ((value - mean) / sd) ** 2
        return total

    return names, log_density


def potential_program(model: Model) -> list[str]:
    """Write the potential, as lines that define ``levels`` for ``potentials=[levels]``."""
    identifiers = Names(["data", "bmb", "np", "priors", "model", "levels"])
    called = {term.variable: identifiers.new(term.variable) for term in _terms(model)}
    at = {
        column: called[name] if place is None else f"{called[name]}[{place}]"
        for column, (name, place) in _elements(model).items()
    }
    lines = [
        "# The levels' priors are at the mean of the other predictors.",
        "levels = (",
        f"    [{', '.join(quote(speakable(name)) for name in called)}],",
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


def _elements(model: Model) -> dict[int, tuple[str, int | None]]:
    """Return the term of each column, and its place there; None in a term of one plain column."""
    return {
        column: (term.variable, place if term.labels else None)
        for term in _terms(model)
        for place, column in enumerate(term.columns)
    }


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
