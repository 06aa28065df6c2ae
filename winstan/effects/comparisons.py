"""What a contrast compares: values of a predictor, in pairs, and what the pairs are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import some_levels
from winstan.design import MEAN
from winstan.design.categories import are_in_sequence, is_alphabetical, numbers_of
from winstan.design_warnings import warn_design
from winstan.effects.codings import coding_of
from winstan.effects.means import mean_needs_beside
from winstan.effects.weights import Weights, weights_of
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.formula import Formula
    from winstan.options import Comparing

# Contrasts that go by the rank of the levels.
_RANKED = frozenset({"sequential", "consecutive", "helmert", "poly"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Values of a predictor, and the pairs of them that are compared.

    Attributes
    ----------
    values : tuple
        Values, or functions of the column.
    names : tuple of str
        Names of the values; empty where the values are functions of the column.
    weights : Weights
        Of the means at the values, for each contrast.
    """

    values: tuple[Any, ...]
    names: tuple[str, ...]
    weights: Weights

    def labels(self, *, ratio: bool) -> tuple[str, ...]:
        """Return a label for each: ``1 - 0``, as a ratio ``1 / 0``; ``+1`` for x + 1."""
        return self.weights.labels(ratio=ratio) if self.names else ("+1",)


def comparison(
    model: Specified, treatment: str, values: Sequence[Any] | None, pairs: Comparing = "reference"
) -> Comparison:
    """Settle what to compare: the given values, or the default ones of `contrast`.

    Raises
    ------
    OptionError
        If there are fewer than two values, one of them is no level of a factor, or the pairs are
        unknown.
    """
    known = list(coding_of(model, treatment).levels)
    is_label = has_labels(model, treatment)
    if values is None:
        if len(known) > 2 and not is_label:
            pair = weights_of(("x", "x + 1"), "reference", what=treatment)
            if pairs != "reference":
                if isinstance(pairs, str):
                    weights_of(("x", "x + 1"), pairs, what=treatment)  # refuses what is no word
                raise OptionError(
                    f"pairs={pairs!r} compares values, and {treatment!r} is a number with "
                    f"{len(known)} of them: choose some, from {known[0]:.4g} to {known[-1]:.4g}, "
                    "by values=[...]."
                )
            return Comparison((_unchanged, _one_more), (), pair)
        values = known
    values = listed(values)
    if len(values) < 2:
        raise OptionError(
            f"A contrast of {treatment!r} needs two values at least, the reference first, such as "
            f"values={known[:2]!r}; got {values!r}."
        )
    values = [settle_value(model, treatment, value) for value in values]
    names = tuple(map(format_value, values))

    def place(level: Any) -> int:
        settled = settle_value(model, treatment, level)
        if settled not in values:
            raise OptionError(
                f"pairs= weighs {level!r}, which is none of the values compared: "
                f"{', '.join(map(repr, values))}."
            )
        return values.index(settled)

    scores = None if is_label else [float(value) for value in values]
    return Comparison(
        tuple(values),
        names,
        weights_of(names, pairs, what=treatment, settle=place, scores=scores),
    )


def levels_to_compare(model: Specified, predictor: str) -> list[Any]:
    """Return the levels of a factor, or the two values of a number that has two.

    Raises
    ------
    OptionError
        If the name is unknown, or a number has more values.
    """
    check_treatment(model, predictor, "means")
    known = list(coding_of(model, predictor).levels)
    if len(known) > 2 and not has_labels(model, predictor):
        raise OptionError(
            f"{predictor!r} is a number with {len(known)} values: choose some, from "
            f"{known[0]:.4g} to {known[-1]:.4g}, by values=[...]; conditional({predictor!r}) "
            "follows it."
        )
    return known


def warn_of_ranks(model: Specified, column: str, pairs: Comparing) -> None:
    """Warn of a contrast that ranks levels whose order is the alphabet's, which nobody chose."""
    if not isinstance(pairs, str) or pairs not in _RANKED or not has_labels(model, column):
        return
    levels = coding_of(model, column).levels
    numbers = numbers_of(tuple(levels))
    rises = numbers is not None and list(numbers) == sorted(numbers)  # not 10, 20, 5
    if rises or column in model.design.ordered:
        return
    if is_alphabetical(levels) and not are_in_sequence(levels):
        warn_design(
            f"pairs={pairs!r} goes by the order of the levels of {column!r}, which is the "
            f"alphabet's: {some_levels(levels)}. "
            "Give theirs by values=[...], or declare it before the fit: "
            f"pd.Categorical(data[{column!r}], [...], ordered=True).",
            "level_ranks",
        )


def listed(values: Any) -> list[Any]:
    """Return values as a list: one value is a list of one."""
    return [values] if isinstance(values, str) or not np.iterable(values) else list(values)


def settle_value(model: Specified, column: str, value: Any) -> Any:
    """Take a value that a predictor can be set to: a number, or one of a factor's levels.

    Raises
    ------
    OptionError
        If it is no level, with those that are near, or no number.
    """
    is_number = not has_labels(model, column)
    if is_number and isinstance(value, Real) and np.isfinite(float(value)):
        return value
    known = list(coding_of(model, column).levels)
    same = matching_levels(known, value)
    if len(same) == 1:
        return same[0]
    if is_number:
        raise OptionError(
            f"{column!r} is a number, and cannot be set to {value!r}. Give finite numbers; the "
            f"data have it from {known[0]:.4g} to {known[-1]:.4g}."
        )
    raise OptionError(f"{column!r} has no level {value!r}." + near_matches(str(value), known))


def matching_levels(known: Iterable[Any], value: Any) -> list[Any]:
    """Find the levels that a value stands for: those equal to it, or else written as it is.

    The number 4 stands for the level ``"4"``, and so does 4.0, as which columns with missing values
    hold it; the text ``"4"`` stands for the level 4.
    """
    known = list(known)
    same = [level for level in known if level == value]
    return same or [level for level in known if _written(level) == _written(value)]


def _written(value: Any) -> str:
    """Write a value as the levels of a text column would be: whole numbers without a point."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if is_whole else str(value)


def has_labels(model: Specified, column: str) -> bool:
    """Whether a column's values are labels: text, or numbers inside ``C()`` or of a group factor.

    Such numbers have no x + 1 and no slope.
    """
    is_factor = isinstance(model.design.predictors[column].dtype, pd.CategoricalDtype)
    is_label = is_factor or any(column in of.coded_columns for of in formulas_of(model))
    factors = {c for one in model.design.every for of in one.memory.factors for c in of.columns}
    return is_label or (column in factors and column not in columns_of_effects(model))


def check_predictor(model: Specified, name: str, what: str) -> None:
    """Refuse a name that is no column of the formula's right side."""
    known = list(model.design.predictors.columns)
    if name not in known:
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.text!r}."
            + (interaction_hint(known, str(name)) or near_matches(str(name), known))
        )


def interaction_hint(known: Iterable[str], name: str) -> str:
    """Say how to ask of an interaction, if that is what a name is of."""
    parts = [part.strip(" `") for part in re.split(r"[:*]", name)]
    if len(parts) < 2 or not set(parts) <= set(known):
        return ""
    return (
        f" It is an interaction: contrast({':'.join(parts)!r}) is how the contrast of "
        f"{parts[0]!r} differs between levels of {' and '.join(map(repr, parts[1:]))}, and "
        f"means({parts[0]!r}, by={parts[1:] if len(parts) > 2 else parts[1]!r}) has the means."
    )


def check_offset(model: Specified, name: str) -> None:
    """Refuse a column that effects do not depend on, since it is in an offset alone."""
    if name in columns_of_offsets(model):
        raise OptionError(
            f"{name!r} is in an offset alone: effects are of the mean at an offset of zero, "
            "which does not depend on it."
        )


def check_treatment(model: Specified, name: str, what: str) -> None:
    """Refuse a name that is no predictor, or one that the mean does not depend on."""
    check_predictor(model, name, what)
    check_offset(model, name)
    # Columns of other formulas are in the same table.
    known = columns_of_effects(model)
    for formula in formulas_of(model):
        known |= columns_of_factors(formula)
        known |= {c for atom in formula.offset_atoms for c in atom.columns}
    if name not in known:
        about = model.design.parameter
        others = [
            other for other, formula in model.formula.parameters.items()
            if name in formula.predictor_columns
        ]  # fmt: skip
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.mean_text!r}."
            + (f" Of {others[0]!r} it is: parameter={others[0]!r}." if others else "")
            + (f" Leave parameter={about!r} out to ask of the mean." if about != MEAN else "")
        )


def columns_of_effects(model: Specified) -> set[str]:
    """Columns of the common and the group effects: not of offsets, nor of factors alone."""
    atoms = [
        atom
        for formula in formulas_of(model)
        for part in (
            formula.population_atoms,
            *(group.design.atoms.values() for group in formula.groups),
        )
        for atom in part
    ]
    return {c for atom in atoms for c in atom.columns}


def population_predictors(model: Specified) -> list[str]:
    """Return the columns of common terms, of all formulas that an answer depends on, in order."""
    apart = columns_of_offsets(model)
    atoms = (atom for formula in formulas_of(model) for atom in formula.population_atoms)
    names = dict.fromkeys(c for atom in atoms for c in atom.columns)
    return [c for c in names if c in model.design.predictors and c not in apart]


def columns_of_factors(formula: Formula) -> set[str]:
    """Columns of the group factors."""
    return {c for group in formula.groups for c in group.factor_columns}


def formulas_of(model: Specified) -> tuple[Formula, ...]:
    """Return the formulas that an answer depends on: see `winstan.effects.means.designs_of`."""
    return model.formula.every if mean_needs_beside(model) else (model.formula,)


def columns_of_offsets(model: Specified) -> set[str]:
    """Columns that are in offsets alone."""
    elsewhere = columns_of_effects(model) | columns_of_factors(model.formula)
    return {c for atom in model.formula.offset_atoms for c in atom.columns} - elsewhere


def format_value(value: Any) -> str:
    """Write a value as labels have it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unchanged(x: Array) -> Array:
    return x


def _one_more(x: Array) -> Array:
    return x + 1
