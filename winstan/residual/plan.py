"""What correlated residuals are possible in, and what is integrated where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan import priors as pr
from winstan.errors import DataError, FamilyError, FormulaError, OptionError, PriorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.cells import Cells
    from winstan.design import Design, Stacked
    from winstan.design.residual import ResidualTerm
    from winstan.families import Family
    from winstan.families.links import Link

# Columns: coefficients, and effects of factors that are not integrated group by group. Every
# gradient takes the Cholesky factor of so wide a matrix.
COLUMNS_UP_TO = 400
# Products that every gradient sums, and memory holds in each process.
PRODUCTS_UP_TO = 20_000_000


@dataclass(frozen=True, slots=True)
class Inside:
    """The factor whose effects are integrated group by group.

    Attributes
    ----------
    terms : tuple of bool
        Per group term, whether it is on that factor.
    group : ndarray of int, shape (N,), or None
        None where units lie in no factor's groups.
    n_groups : int
    """

    terms: tuple[bool, ...]
    group: np.ndarray | None
    n_groups: int


def check_residual(
    design: Design, family: Family, link: Link, parametrization: str | Mapping[str, str] | None
) -> None:
    """Refuse residual correlation where it has no meaning, or none yet.

    Raises
    ------
    FamilyError, FormulaError, DataError, OptionError
    """
    term = design.residual
    assert term is not None
    text = term.spec.text
    if design.weights is not None:
        raise DataError(
            f"weights= counts equal rows, and rows of {text} have a time each: leave weights= out."
        )
    if any(group.latent for group in design.groups):
        _check_latent(text, term.spec.factor, family)
        return
    if design.response.limits is not None:
        raise FormulaError(
            f"{text} is not supported for {family.name} responses with limits or known standard "
            "errors: leave one of the two out."
        )
    for name in design.beside:
        if name != family.noise:
            raise FormulaError(
                f"Beside {text} only {family.noise} can have a formula, not {name!r}."
            )
    if family.conjugate:
        _check_integrated(design, text, link, parametrization)


def _check_latent(text: str, unit: str, family: Family) -> None:
    """Refuse effects of single rows where a row has several linear predictors, or responses."""
    if family.kind == "unordered" or family.of_labels is not None:
        raise FamilyError(
            f"{text} is an effect of each row on the linear predictor, of which family="
            f"{family.name!r} has several, one for each category but one. Rows of a unit resemble "
            f"each other by a group term: (1 | {unit})."
        )


def _check_integrated(
    design: Design, text: str, link: Link, parametrization: str | Mapping[str, str] | None
) -> None:
    """Refuse what cannot stand beside coefficients that are integrated out."""
    if link.name != "identity":
        raise FamilyError(
            f"{text} is the correlation of residuals about a sum of terms: link={link.name!r} is "
            "not supported beside it. Use link='identity'; family='lognormal' has effects that "
            "multiply."
        )
    for own in design.beside.values():
        if own.groups:
            raise FormulaError(
                f"Beside {text} the formula of sigma has predictors alone, no group terms such as "
                f"(1 | {own.groups[0].factor}): leave them out."
            )
    if monotones := [one for own in design.every for one in own.monotones]:
        raise FormulaError(
            f"Beside {text} coefficients are integrated out, and the columns of "
            f"{monotones[0].name} depend on what is sampled: write C({monotones[0].column}) for an "
            "effect of each level, or leave one of the two out."
        )
    if parametrization is not None and parametrization != "marginal":
        raise OptionError(
            f"With {text} coefficients and group effects are integrated out: leave "
            f"parametrization={parametrization!r} out."
        )


def check_priors(priors: Mapping[str, pr.Prior], text: str) -> None:
    """Refuse priors of the mean's coefficients that cannot be integrated over.

    Raises
    ------
    PriorError
    """
    for name, prior in priors.items():
        if prior.bounded or not isinstance(prior, pr.Normal | pr.Flat):
            raise PriorError(
                f"With {text} the coefficients of the mean are integrated out, for which their "
                f"priors are Normal without bounds, or Flat; that of {name!r} is {prior}."
            )


def find_inside(stacked: Stacked, cells: Cells, term: ResidualTerm) -> Inside:
    """Choose the factor with most effects of those in whose groups the units lie."""
    effects: dict[tuple[str, tuple[object, ...]], int] = {}
    level: dict[tuple[str, tuple[object, ...]], np.ndarray] = {}
    of_row = cells.of_row
    first = term.rows[np.r_[True, ~term.same_unit]]  # a row of each unit
    by_unit = np.empty(term.sizes.size, int)
    by_unit[term.unit[first]] = first
    for group, own in zip(stacked.groups, cells.level, strict=True):
        of_rows = own[of_row]
        if np.array_equal(of_rows, of_rows[by_unit[term.unit]]):
            effects[group.partition] = effects.get(group.partition, 0) + group.size
            level[group.partition] = of_rows
    if not effects:
        return Inside((False,) * len(stacked.groups), None, 0)
    chosen = max(effects, key=lambda name: effects[name])
    inside = tuple(group.partition == chosen for group in stacked.groups)
    return Inside(inside, level[chosen], stacked.groups[inside.index(True)].n_levels)


def check_size(columns: int, text: str) -> None:
    """Refuse models whose gradients would take seconds."""
    if columns > COLUMNS_UP_TO:
        raise FormulaError(
            f"With {text} the model has {columns:,} coefficients and effects of groups that do not "
            f"hold whole units; {COLUMNS_UP_TO} are taken. Group factors in whose levels the units "
            "lie count nothing here: leave out those that cross them."
        )


def check_products(weights: int, columns: int, term: ResidualTerm) -> None:
    """Refuse times of so many distances that their products fill the memory.

    Raises
    ------
    DataError
    """
    products = weights * columns * (columns + 1) // 2
    if products > PRODUCTS_UP_TO:
        time = term.spec.time
        raise DataError(
            f"{term.spec.text} weighs {products:,} products: neighbours are "
            f"{np.unique(term.gaps).size:,} different distances of '{time}' apart, beside "
            f"{columns - 1} columns. Round '{time}' to a coarser unit, of which few distances are "
            f"left, or count positions, ar({time}, {term.spec.factor})."
        )
