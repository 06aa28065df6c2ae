"""What is ranked: parameters, contrasts of the mean response, and the log likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design_warnings import silenced
from winstan.effects.categories import answers, parts_of
from winstan.effects.contrasts import effects_table
from winstan.effects.pointwise import pointwise
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.effects.contrasts import Contrast
    from winstan.model import Model

PARAMETER, EFFECT, CONTRAST, LIKELIHOOD = (
    "parameter",
    "group effect",
    "contrast",
    "log likelihood",
)
"""Kinds of quantities."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """Numbers that follow from the parameters and the data, Q of them.

    Attributes
    ----------
    names, kinds : tuple of str
    values : ndarray, shape (S, Q)
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Array


def quantities(model: Model, parameters: Mapping[str, Array]) -> Quantities:
    """Evaluate all quantities at draws of the parameters.

    Of the group effects, which all have the same part in the model, those of the first level are
    taken. Contrasts are those of `Fit.effects`: factors by level, numbers by slope, on the scale of
    the response; of categories, of each one's probability. A model without predictors has none.

    Parameters
    ----------
    model
        With the data.
    parameters : mapping of str to ndarray
        By variable, shape (S, *dims).
    """
    found = [*_scalars(model, parameters), *_contrasts(model, parameters)]
    found.append((LIKELIHOOD, LIKELIHOOD, _log_likelihood(model, parameters)))
    names, kinds, values = zip(*found, strict=True)
    return Quantities(names, kinds, np.column_stack(values))


def _scalars(model: Model, parameters: Mapping[str, Array]) -> Iterator[tuple[str, str, Array]]:
    """Give name, kind and values of each parameter that is not constant."""
    constant = set(model.coefficients.constant_names)
    for variable in model.variables:
        is_effect = variable.role == "effect"
        axes = [list(enumerate(labels)) for labels in variable.coords.values()]
        if is_effect:
            axes[-1] = axes[-1][:1]
        for at in product(*axes):
            label = ", ".join(str(text) for _, text in at)
            name = f"{variable.name}[{label}]" if at else variable.name
            if name not in constant:
                place: Any = (slice(None), *(i for i, _ in at))
                yield name, EFFECT if is_effect else PARAMETER, parameters[variable.name][place]


def _contrasts(model: Model, parameters: Mapping[str, Array]) -> Iterator[tuple[str, str, Array]]:
    parts = parts_of(model, None)
    with silenced("all"):
        try:
            found = answers(parts, lambda own: effects_table(own, parameters))
        except OptionError:  # there is no predictor
            return
    for part, results in zip(parts, found, strict=True):
        of = "" if part.category is None else f"P({part.category}), "
        for result in results:
            yield from _of_contrast(result, of)


def _of_contrast(result: Contrast, of: str) -> Iterator[tuple[str, str, Array]]:
    for c, label in enumerate(result.labels):
        for g, level in enumerate(result.levels):
            within = f" [{', '.join(map(str, level))}]" if level else ""
            yield f"{of}{result.treatment}: {label}{within}", CONTRAST, result.draws[:, c, g]


def _log_likelihood(model: Model, parameters: Mapping[str, Array]) -> Array:
    """Sum the log densities of all rows, shape (S,)."""
    found = pointwise(model, parameters)
    rows = np.bincount(found.number, minlength=found.n)
    total = np.zeros(len(next(iter(parameters.values()))))
    with np.errstate(all="ignore"):  # a draw under which a row is impossible has -inf
        for part, values in found.blocks:
            total += values @ rows[part]
    return total
