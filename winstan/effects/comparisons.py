"""What a contrast compares: values of a predictor, in pairs, and what the pairs are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design import MEAN
from winstan.effects.columns import (
    coding_of,
    columns_of_offsets,
    format_value,
    has_labels,
    matching_levels,
)
from winstan.effects.interactions import refuse_interaction
from winstan.effects.means import designs_of
from winstan.errors import OptionError, near_matches
from winstan.options import Pairs, check_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.specification import Specified


@dataclass(frozen=True, slots=True)
class Comparison:
    """Values of a predictor, and the pairs of them that are compared.

    Attributes
    ----------
    values : tuple
        Values, or functions of the column.
    names : tuple of str
        Names of the values; empty where the values are functions of the column.
    pairs : tuple of (int, int)
        Places in `values`: the reference of the pair first, what is held against it second.
    """

    values: tuple[Any, ...]
    names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]

    def labels(self, *, ratio: bool) -> tuple[str, ...]:
        """Return a label for each pair: ``1 - 0``, as a ratio ``1 / 0``; ``+1`` for x + 1."""
        if not self.names:
            return ("+1",)
        sign = "/" if ratio else "-"
        return tuple(f"{self.names[b]} {sign} {self.names[a]}" for a, b in self.pairs)


def comparison(
    model: Specified, treatment: str, values: Sequence[Any] | None, pairs: Pairs = "reference"
) -> Comparison:
    """Settle what to compare: the given values, or the default ones of `contrast`.

    Raises
    ------
    OptionError
        If there are fewer than two values, one of them is no level of a factor, or the pairs are
        unknown.
    """
    check_option("pairs", pairs, Pairs)
    known = list(coding_of(model, treatment).levels)
    is_label = has_labels(model, treatment)
    if values is None:
        if len(known) > 2 and not is_label:
            if pairs != "reference":
                raise OptionError(
                    f"pairs={pairs!r} compares values, and {treatment!r} is a number with "
                    f"{len(known)} of them: choose some, from {known[0]:.4g} to {known[-1]:.4g}, "
                    "by values=[...]."
                )
            return Comparison((_unchanged, _one_more), (), ((0, 1),))
        values = known
    values = [values] if isinstance(values, str) or not isinstance(values, Iterable) else values
    values = list(values)
    if len(values) < 2:
        raise OptionError(
            f"A contrast of {treatment!r} needs two values at least, the reference first, such as "
            f"values={known[:2]!r}; got {values!r}."
        )
    values = [settle_value(model, treatment, value) for value in values]
    return Comparison(tuple(values), tuple(map(format_value, values)), _pairs(len(values), pairs))


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


def check_predictor(model: Specified, name: str, what: str) -> None:
    """Refuse a name that is no column of the formula's right side."""
    known = list(model.design.predictors.columns)
    if name not in known:
        refuse_interaction(model, name, what)
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.text!r}."
            + near_matches(str(name), known)
        )


def check_treatment(model: Specified, name: str, what: str) -> None:
    """Refuse a name that is no predictor, or one that the mean does not depend on."""
    check_predictor(model, name, what)
    if name in columns_of_offsets(model):
        raise OptionError(
            f"{name!r} is in an offset alone: effects are of the mean at an offset of zero, "
            "which does not depend on it."
        )
    # Columns of other formulas are in the same table.
    if all(one.columns[name].role in ("arm", "elsewhere") for one in designs_of(model)):
        about = model.design.parameter
        others = [
            other for other, one in model.design.beside.items()
            if one.columns[name].role != "elsewhere"
        ]  # fmt: skip
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.mean_text!r}."
            + (f" Of {others[0]!r} it is: parameter={others[0]!r}." if others else "")
            + (f" Leave parameter={about!r} out to ask of the mean." if about != MEAN else "")
        )


def _pairs(n: int, pairs: Pairs) -> tuple[tuple[int, int], ...]:
    if pairs == "all":
        return tuple((a, b) for a in range(n) for b in range(a + 1, n))
    if pairs == "sequential":
        return tuple((b - 1, b) for b in range(1, n))
    return tuple((0, b) for b in range(1, n))


def _unchanged(x: Array) -> Array:
    return x


def _one_more(x: Array) -> Array:
    return x + 1
