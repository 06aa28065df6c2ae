"""Contrasts: the mean response at one value of a predictor against that at another.

They are counterfactual (g-computation): see `winstan.effects.averaging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.effects.averaging import averaged_means, averaged_slopes
from winstan.effects.comparisons import (
    check_treatment,
    comparison,
    has_labels,
    population_predictors,
)
from winstan.effects.estimands import Estimand, choose_estimand
from winstan.effects.extrapolation import warn_of_values
from winstan.effects.intervals import describe
from winstan.effects.parameters import is_mean
from winstan.effects.replicates import check_seed
from winstan.effects.rope import rope_of, share_inside
from winstan.effects.strata import strata
from winstan.errors import OptionError
from winstan.options import Scale, check_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.effects.rope import Rope
    from winstan.effects.specification import Specified
    from winstan.options import Interval, Pairs


@dataclass(frozen=True, slots=True)
class Contrast:
    """Draws of contrasts, before they are summarised.

    Attributes
    ----------
    treatment : str
    labels : tuple of str
        Such as ``"1 - 0"``, one for each contrast; ``"+1"`` is x + 1 against x, ``"slope"`` the
        average derivative.
    by : str or None
    levels : tuple
        Values of `by`; a single None without it.
    draws : ndarray, shape (S, contrasts, levels)
    ratio : bool
    estimand : Estimand
        Whose means are compared.
    rope : (float, float), or None
        Region of practical equivalence.
    circular : bool
        The draws are angles, between -pi and pi.
    """

    treatment: str
    labels: tuple[str, ...]
    by: str | None
    levels: tuple[Any, ...]
    draws: Array
    ratio: bool
    estimand: Estimand
    rope: Rope | None = None
    circular: bool = False


def contrast(
    model: Specified,
    posterior: Mapping[str, Array],
    treatment: str,
    *,
    values: Sequence[Any] | None = None,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    scale: Scale = "response",
    ratio: bool = False,
    pairs: Pairs = "reference",
    slope: bool = False,
    rope: Any = None,
    groups: Any = None,
    seed: int = 0,
) -> Contrast:
    """Compare the mean response between values of a predictor.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    treatment
        A column of the formula's right side.
    values
        The values to compare, the reference first; by default the levels of a factor in the order
        of its coding (``C(cond, Treatment("b"))`` has the reference b), the two values of a
        predictor that has two, and otherwise x and x + 1.
    by
        A column, or a column with its values: see `winstan.effects.strata.strata`.
    scale : {"response", "link"}
    ratio
        Ratio of the means in place of their difference.
    pairs : {"reference", "all", "sequential"}
        All values against the first, every pair, or each against the one before it.
    slope
        The derivative by a number, averaged: see `winstan.effects.averaging.averaged_slopes`.
    rope
        See `winstan.effects.rope.rope_of`.
    groups
        See `winstan.effects.estimands.choose_estimand`.
    seed
        Of the effects of new groups.

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
        ``extrapolation``, of values outside the data's range by more than a tenth of it.
    """
    check_scale(scale)
    check_scale_of_categories(model, scale)
    seed = check_seed(seed)
    if ratio and scale == "link":
        raise OptionError("ratio=True compares means: leave scale='response'.")
    circular = model.family.circular and scale == "response"
    if ratio and circular:
        raise OptionError("ratio=True of directions has no meaning: their difference is an angle.")
    check_treatment(model, treatment, "contrast")
    over = strata(model, by)
    if over.by == treatment:
        raise OptionError(f"by={over.by!r} is the treatment itself.")
    estimand = choose_estimand(model, groups, [treatment, *([over.by] if over.by else [])])
    if over.by is not None and isinstance(by, Mapping):
        warn_of_values(model, over.by, over.levels, "contrast")
    if slope:
        _check_slope(model, treatment, values, pairs, ratio=ratio)
        draws = averaged_slopes(model, posterior, treatment, over, estimand, scale=scale, seed=seed)
        labels: tuple[str, ...] = ("slope",)
    else:
        compared = comparison(model, treatment, values, pairs)
        warn_of_values(model, treatment, compared.values, "contrast")
        changes = [{treatment: value} for value in compared.values]
        means = averaged_means(model, posterior, changes, over, estimand, scale=scale, seed=seed)
        if ratio:
            _check_positive(means)
        draws = np.stack(
            [
                means[:, b] / means[:, a] if ratio else means[:, b] - means[:, a]
                for a, b in compared.pairs
            ],
            axis=1,
        )
        draws = wrap_angles(draws) if circular else draws
        labels = compared.labels(ratio=ratio)
    region = None
    # What is negligible of a parameter nobody has said, nor of a latent variable.
    if rope is not None or (is_mean(model) and model.design.response.categories is None):
        per_unit = labels in (("slope",), ("+1",))
        region = rope_of(model, rope, treatment, per_unit=per_unit, ratio=ratio, scale=scale)
    return Contrast(
        treatment,
        labels,
        over.by,
        over.levels,
        draws,
        ratio,
        estimand,
        region,
        circular and not slope,  # a slope is a number of radians, which turns add up to
    )


def effects_table(
    model: Specified,
    posterior: Mapping[str, Array],
    *,
    scale: Scale = "response",
    ratio: bool = False,
    rope: Any = None,
    groups: Any = None,
    seed: int = 0,
) -> list[Contrast]:
    """Contrast every predictor of the population: factors by level, numbers by slope.

    Numbers of more than two values have their slope, and x + 1 against x as a ratio.

    Raises
    ------
    OptionError
        If there is no such predictor.
    """
    names = population_predictors(model)
    if not names:
        raise OptionError(f"{model.formula.text!r} has no population-level predictor.")
    out = []
    for name in names:
        several = model.design.predictors[name].nunique() > 2
        slope = several and not has_labels(model, name) and not ratio
        out.append(
            contrast(
                model,
                posterior,
                name,
                scale=scale,
                ratio=ratio,
                slope=slope,
                rope=rope,
                groups=groups,
                seed=seed,
            )
        )
    return out


def contrast_table(result: Contrast, prob: float, interval: Interval) -> pd.DataFrame:
    """Summarise a contrast: contrast, [by], [groups], mean, sd, interval, p_direction, p_rope.

    p_direction is the larger of the posterior probabilities of being above and below no effect
    (0, or 1 for a ratio); see Makowski et al. (2019), Frontiers in Psychology 10, 2767: of
    directions, of a turn by up to pi one way or the other. p_rope is
    the probability of lying within the region of practical equivalence, whose ends are in
    ``attrs["rope"]``. Of models with group terms, `groups` is whose effect it is, and
    ``attrs["estimand"]`` says so in words.
    """
    null = 1.0 if result.ratio else 0.0
    rows = []
    for c, label in enumerate(result.labels):
        for g, level in enumerate(result.levels):
            values = result.draws[:, c, g]
            row: dict[str, Any] = {"contrast": label}
            if result.by is not None:
                row[result.by] = level
            row |= result.estimand.label
            row |= describe(values, prob, interval, circular=result.circular)
            row["p_direction"] = float(max(np.mean(values > null), np.mean(values < null)))
            if result.rope is not None:
                row["p_rope"] = share_inside(values, result.rope)
            rows.append(row)
    table = pd.DataFrame(rows)
    table.attrs |= result.estimand.attrs
    if result.rope is not None:
        table.attrs["rope"] = result.rope
    return table


def contrast_draws(result: Contrast) -> pd.DataFrame:
    """Return a contrast's draws in long form: contrast, [by], draw, value."""
    n, n_contrasts, n_levels = result.draws.shape
    table = {"contrast": np.tile(np.repeat(np.array(result.labels, object), n_levels), n)}
    if result.by is not None:
        table[result.by] = np.tile(np.array(result.levels, object), n * n_contrasts)
    table["draw"] = np.repeat(np.arange(n), n_contrasts * n_levels)
    table["value"] = result.draws.reshape(-1)
    out = pd.DataFrame(table)
    out.attrs |= result.estimand.attrs
    return out


def check_scale(scale: Scale) -> None:
    """Refuse a scale that is neither the response's nor the link's."""
    check_option("scale", scale, Scale)


def check_scale_of_categories(model: Specified, scale: Scale) -> None:
    """Refuse the scale of the link for a category, whose probability has no link of its own."""
    if scale == "link" and model.family.category_probability is not None:
        names = [own.name for own in model.family.parameters]
        whose = "categories share one: ask for it by parameter='mu'"
        if model.family.of_labels is not None:
            whose = f"each category but the reference has one: parameter={names[0]!r}" + (
                f" (or {', '.join(map(repr, names[1:]))})" if names[1:] else ""
            )
        raise OptionError(f"scale='link' is the linear predictor's, and {whose}.")


def _check_slope(
    model: Specified, treatment: str, values: Sequence[Any] | None, pairs: Pairs, *, ratio: bool
) -> None:
    if has_labels(model, treatment):
        raise OptionError(f"{treatment!r} is a factor: it has contrasts, and no slope.")
    if values is not None or ratio or pairs != "reference":
        raise OptionError(
            "slope=True is the derivative over all rows: it takes no values=, ratio= or pairs=. "
            "Between two values, leave slope out and give values=(a, b)."
        )


def _check_positive(means: Array) -> None:
    """Refuse ratios of means that may be zero or negative: they say nothing of more or less."""
    bad = np.count_nonzero(~(means > 0).all(axis=(1, 2)))
    if bad:
        raise OptionError(
            f"ratio=True needs a positive mean, and it is zero or negative in {bad} of the "
            f"{len(means)} draws. Use ratio=False, or a family of positive responses."
        )
