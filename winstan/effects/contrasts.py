"""Contrasts: the mean response at some values of a predictor against that at others.

They are counterfactual (g-computation): see `winstan.effects.averaging`. A contrast of several
columns is a difference of differences: the contrast of the last is taken first, and then that of
these, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._angles import wrap_angles
from winstan.effects.asked import Asked, nested_labels, read_columns, read_pairs
from winstan.effects.averaging import averaged_means, averaged_slopes
from winstan.effects.comparisons import (
    Comparison,
    check_treatment,
    comparison,
    format_value,
    has_labels,
    listed,
    population_predictors,
    settle_value,
    warn_of_ranks,
)
from winstan.effects.estimands import Estimand, choose_estimand
from winstan.effects.extrapolation import warn_of_levels, warn_of_values
from winstan.effects.measures import Measure, check_positive, measure_of
from winstan.effects.parameters import is_mean
from winstan.effects.replicates import check_seed
from winstan.effects.rope import rope_of
from winstan.effects.standardising import check_standardise, standard_deviation
from winstan.effects.strata import strata
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.rope import Rope
    from winstan.effects.specification import Specified


@dataclass(frozen=True, slots=True)
class Contrast:
    """Draws of contrasts, before they are summarised.

    Attributes
    ----------
    columns : tuple of str
        What is compared: one column, or of differences of differences several.
    labels : tuple of str
        Such as ``"1 - 0"``, one for each contrast; ``"+1"`` is x + 1 against x, ``"slope"`` the
        average derivative.
    by : tuple of str
    levels : tuple of tuple
        Values of the columns of `by`; a single empty one without it.
    draws : ndarray, shape (S, contrasts, levels)
    measure : Measure
        How means are compared.
    estimand : Estimand
        Whose means are compared.
    compared : tuple of Comparison
        Of each column; none where one has its slope, which no data show.
    rope : (float, float), or None
        Region of practical equivalence, of a contrast of two means.
    extent : tuple of float
        What its ends are multiplied by for each contrast; none where that is 1.
    circular : bool
        The draws are angles, between -pi and pi.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    by: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    draws: Array
    measure: Measure
    estimand: Estimand
    compared: tuple[Comparison, ...] = ()
    rope: Rope | None = None
    extent: tuple[float, ...] = ()
    circular: bool = False

    @property
    def treatment(self) -> str:
        """The column; of differences of differences all of them, as ``drug:dose``."""
        return ":".join(self.columns)

    def region(self, contrast: int) -> Rope | None:
        """Return the region of practical equivalence of a contrast."""
        if self.rope is None or not self.extent:
            return self.rope
        low, high = self.rope
        return low * self.extent[contrast], high * self.extent[contrast]


def contrast(
    model: Specified, posterior: Mapping[str, Array], treatment: str, **options: Any
) -> Contrast:
    """Compare the mean response between values of a predictor.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    treatment
        A column of the formula's right side; ``"drug:dose"`` is drug's contrast of dose's.
    **options
        Of `winstan.effects.asked.Asked`.

    Returns
    -------
    Contrast

    Raises
    ------
    OptionError
        If the treatment, a value, or an option is unknown, or if a ratio is asked of link values,
        or of means that are not positive in every draw.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of values outside the data's range by more than a tenth of it;
        ``level_ranks``, of levels in the order of the alphabet that `pairs` takes by rank.
    """
    asked = Asked(**options)
    columns = read_columns(model.design.predictors.columns, treatment, asked.values, asked.of)
    seed = check_seed(asked.seed)
    unit = check_standardise(model, asked.standardise, asked.scale)
    measure = measure_of(model, asked.scale, asked.ratio, unit)
    names = list(columns)
    for name in names:
        check_treatment(model, name, "contrast")
    over = strata(model, asked.by, asked.weights, names)
    estimand = choose_estimand(model, asked.groups, [*names, *over.by])
    warn_of_levels(model, asked.by, over, "contrast")
    along = names[-1] if asked.slope else None
    if along is not None:
        _check_slope(model, along, asked, measure, alone=len(names) == 1)
    compared = _compared(model, columns, asked, along)
    ends = _ends(model, along, columns)
    changes = [
        dict(zip(names, values, strict=False))
        for values in product(*(one.values for one in compared), *([ends] if ends else []))
    ]
    if along is None:
        found = averaged_means(
            model, posterior, changes, over, estimand, scale=measure.of, seed=seed
        )
    else:
        found = averaged_slopes(
            model, posterior, along, over, estimand, scale=measure.of, changes=changes, seed=seed
        )
    shape = [len(one.values) for one in compared] + ([] if along is None else [-1])
    draws = _contrasted(measure, compared, found.reshape(len(found), *shape, len(over.levels)))
    circular = model.family.circular and measure.scale == "response"
    if circular:
        _check_directions(compared)
        draws = wrap_angles(draws) if along is None else draws
    if asked.standardise is not None:
        draws = draws / standard_deviation(model, posterior, asked.standardise)[:, None, None]
    labels = _labels(names, compared, ends, measure, slope=along is not None)
    region = _region(model, asked, measure, names, compared, along)
    return Contrast(
        tuple(names),
        labels,
        over.by,
        over.levels,
        draws,
        measure,
        estimand,
        compared if along is None else (),
        region,
        _extent(asked, measure, compared, len(labels)),
        circular and along is None,  # a slope is a number of radians, which turns add up to
    )


def effects_table(
    model: Specified,
    posterior: Mapping[str, Array],
    *,
    ratio: Any = None,
    **options: Any,
) -> list[Contrast]:
    """Contrast every predictor of the population: factors by level, numbers by slope.

    Numbers of more than two values have their slope, and x + 1 against x as a ratio or of odds.

    Raises
    ------
    OptionError
        If there is no such predictor.
    """
    names = population_predictors(model)
    if not names:
        raise OptionError(f"{model.formula.text!r} has no population-level predictor.")
    ratios = bool(ratio) or options.get("scale") == "odds"
    out = []
    for name in names:
        several = model.design.predictors[name].nunique() > 2
        slope = several and not has_labels(model, name) and not ratios
        out.append(contrast(model, posterior, name, ratio=ratio, slope=slope, **options))
    return out


def _compared(
    model: Specified, columns: Mapping[str, Any], asked: Asked, along: str | None
) -> tuple[Comparison, ...]:
    """Settle what is compared of each column but the one that has a slope."""
    names = [name for name in columns if name != along]
    pairs = read_pairs(asked.pairs, names)
    out = tuple(
        comparison(model, name, columns[name], own) for name, own in zip(names, pairs, strict=True)
    )
    for name, one in zip(names, out, strict=True):
        warn_of_values(model, name, one.values, "contrast")
    for name, own in zip(names, pairs, strict=True):
        if columns[name] is None:
            warn_of_ranks(model, name, own)
    return out


def _ends(model: Specified, along: str | None, columns: Mapping[str, Any]) -> list[Any]:
    """Return the values at which slopes are taken; none where they are averaged over the data."""
    if along is None or columns[along] is None:
        return []
    values = [settle_value(model, along, value) for value in listed(columns[along])]
    if not values:
        raise OptionError(f"values= has no value of {along!r}.")
    warn_of_values(model, along, values, "contrast")
    return values


def _contrasted(measure: Measure, compared: Sequence[Comparison], found: Array) -> Array:
    """Contrast along each column, the last first: shape (S, V, ..., L) to (S, contrasts, L)."""
    values = measure.values(found)
    if measure.ratio:
        check_positive(values, "percent" if measure.percent else True)
    for axis in reversed(range(len(compared))):
        values = measure.compared(compared[axis].weights, values, axis + 1)
    return measure.reported(values.reshape(len(values), -1, values.shape[-1]))


def _labels(
    names: Sequence[str],
    compared: Sequence[Comparison],
    ends: Sequence[Any],
    measure: Measure,
    *,
    slope: bool,
) -> tuple[str, ...]:
    """Return a label for each contrast: ``b - a of dose (high - low)`` where there are several."""
    parts = [one.labels(ratio=measure.ratio) for one in compared]
    if slope:
        parts.append(tuple(f"slope at {format_value(value)}" for value in ends) or ("slope",))
    return tuple(measure.label(text) for text in nested_labels(names, parts))


def _region(
    model: Specified,
    asked: Asked,
    measure: Measure,
    names: Sequence[str],
    compared: Sequence[Comparison],
    along: str | None,
) -> Rope | None:
    """Return the region of practical equivalence of a contrast of two means."""
    # What is negligible of a parameter nobody has said, nor of a latent variable.
    known = is_mean(model) and model.design.response.categories is None
    units = [name for name, one in zip(names, compared, strict=False) if not one.names]
    units += [] if along is None else [along]
    if asked.rope is None and (not known or len(units) > 1):
        return None
    return rope_of(model, asked.rope, (units or names)[0], per_unit=bool(units), measure=measure)


def _extent(
    asked: Asked, measure: Measure, compared: Sequence[Comparison], n: int
) -> tuple[float, ...]:
    """Return the size of each contrast, in contrasts of two means; nothing of ratios."""
    if asked.rope is not None or measure.ratio:
        return ()
    sizes = np.ones(1)
    for one in compared:
        sizes = np.multiply.outer(sizes, one.weights.extent).reshape(-1)
    return tuple(np.repeat(sizes, n // len(sizes)).tolist())


def _check_slope(
    model: Specified, along: str, asked: Asked, measure: Measure, *, alone: bool
) -> None:
    if has_labels(model, along):
        raise OptionError(f"{along!r} is a factor: it has contrasts, and no slope.")
    paired = alone and asked.pairs != "reference"
    if measure.ratio or paired or measure.scale == "odds":
        raise OptionError(
            "slope=True is the derivative over all rows: it takes no ratio=, pairs= or "
            "scale='odds'. Between two values, leave slope out and give values=(a, b)."
        )


def _check_directions(compared: Sequence[Comparison]) -> None:
    """Refuse sums of directions: a turn from one to another is an angle, their mean is none."""
    if not all(one.weights.are_pairs for one in compared):
        raise OptionError(
            "A contrast of directions is the turn from one to another: weights of several have no "
            "meaning. Use pairs='reference', 'all' or 'sequential'."
        )
