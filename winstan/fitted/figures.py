"""The figures of means and contrasts: methods of `Fit` that give plotnine plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan import effects
from winstan.design import MEAN
from winstan.effects.observed import labels_of
from winstan.errors import OptionError
from winstan.fitted.effects import conditional, means
from winstan.fitted.intervals import ends_renamed
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval

SHARES = 40
"""Values of a predictor up to which the shares of categories are drawn at each."""
GROUP_LINES = 60
"""Groups up to which each has a line of its own."""


def plot_difference(
    fit: FittedModel,
    treatment: str,
    *,
    values: Sequence[Any] | None = None,
    by: str | None = None,
    ratio: bool = False,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    unit: str | None = None,
) -> ggplot:
    """Draw the posterior of a contrast over the observed differences of the groups.

    Parameters
    ----------
    treatment, values, by, ratio, groups, parameter
        As for `contrast`. The caption says whose effect the posterior is of, and that the
        observed differences are of the groups of the data. Of a parameter beside the mean there
        are no observed ones.
    prob
        Probability of the HDI.
    unit
        Unit of the response, for the axis.

    Returns
    -------
    plotnine.ggplot
        Composes with ``|`` and ``/``.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_difference("stim", unit="Hz")
    """
    check_flags(ratio=ratio)
    from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

    parts, posterior = effects.parts_of(fit.model, parameter), fit.joined()
    by = _rows_of_categories(parts, by)
    split = None if by == effects.CATEGORY else by
    results = effects.answers(
        parts,
        lambda model: effects.contrast(
            model, posterior, treatment, values=values, by=split, ratio=ratio, groups=groups
        ),
    )
    model, whose = parts[0].model, results[0].estimand.words
    shown = effects.is_mean(model) and model.design.response.categories is None
    group = effects.main_group(model) if shown else None
    pairs = list(zip(parts, results, strict=True))
    observed = [effects.observed_contrast(p.model, found, group) for p, found in pairs]
    return plots.plot_difference(
        effects.by_category(parts, [effects.contrast_draws(found) for found in results]),
        ends_renamed(
            effects.by_category(
                parts, [effects.contrast_table(found, prob, "hdi") for found in results]
            )
        ),
        effects.by_category(parts, observed),
        response=response_of(fit, parts, parameter),
        treatment=treatment,
        unit=unit,
        ratio=ratio,
        prob=prob,
        group=group,
        by=by,
        caption=_captioned(whose, group, effects.limits_note(fit.model)),
        circular=results[0].circular,
    )


def plot_conditional(
    fit: FittedModel,
    predictor: str,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    groups: Whose | None = None,
    parameter: str | None = None,
    data: bool = True,
    lines: bool = True,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    log: bool | None = None,
) -> ggplot:
    """Draw the mean response along a predictor, over the raw data.

    Parameters
    ----------
    predictor, by, values, groups, parameter
        As for `conditional`.
    data
        Whether to draw the raw data, which a parameter beside the mean has not.
    lines
        Whether to draw, thin, the mean of each group of the first group factor, where the
        predictor is numeric and varies within groups, and there is no `by`; up to sixty groups.
    prob, interval
        As for `summary`.
    unit
        Unit of the response, for the axis.
    log
        Whether the axis of the response is logarithmic; by default the data decide.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown, or `by` has more than six levels.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_conditional("stim", by="mouse")
    """
    check_flags(data=data, lines=lines, log=log)
    from winstan import plots  # noqa: PLC0415

    curve = conditional(
        fit,
        predictor,
        by=by,
        values=values,
        groups=groups,
        parameter=parameter,
        prob=prob,
        interval=interval,
    )
    whose = curve.attrs.get("estimand", "")
    curve = ends_renamed(curve)
    by = next(iter(by)) if isinstance(by, Mapping) else by
    parts = effects.parts_of(fit.model, parameter)
    by = _rows_of_categories(parts, by)
    curve = curve.rename(columns={predictor: "x"} | ({} if by is None else {by: "by"}))
    if by is not None and curve["by"].nunique() > plots.CURVES:
        raise OptionError(
            f"by={by!r} has {curve['by'].nunique()} levels: a figure has colours for "
            f"{plots.CURVES}. Choose some: by={{{by!r}: [...]}}."
        )
    held = ", ".join(f"{name} = {value}" for name, value in (values or {}).items())
    caption = [f"at {held}"] if held else []
    caption += [f"{parameter or 'mean'}: {whose}"] if whose else []
    raw = thin = None
    model = parts[0].model
    group = effects.main_group(model)
    if by == effects.CATEGORY:
        raw = _observed_shares(parts, predictor) if data else None
    elif data and effects.is_mean(model) and model.design.response.categories is None:
        caption += [note] if (note := effects.limits_note(model)) else []
        raw = pd.DataFrame(
            {
                "x": labels_of(fit.model, predictor),
                "value": effects.observed_rows(model)["value"],
            }
        )
        if by is not None:
            raw["by"] = labels_of(fit.model, by)
    if lines and by is None and group is not None:
        thin = _group_curves(model, fit.joined(), predictor, group, values)
    return plots.plot_conditional(
        curve,
        raw,
        thin,
        predictor=predictor,
        response=response_of(fit, parts, parameter),
        by=by,
        group=group,
        prob=prob,
        interval=interval,
        unit=unit,
        log=log,
        caption="; ".join(caption),
        circular=model.family.circular,
    )


def plot_directions(
    fit: FittedModel,
    predictor: str,
    *,
    values: Sequence[Any] | None = None,
    groups: Whose | None = None,
    data: bool = True,
    prob: float = 0.94,
    interval: Interval = "hdi",
) -> ggplot:
    """Draw the mean direction at each level of a predictor on a circle, the raw angles around it.

    Parameters
    ----------
    predictor, values, groups
        As for `means`; six levels at most.
    data
        Whether to draw the raw data.
    prob, interval
        As for `summary`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If the response is no angle, or the predictor has more levels.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import winstan as ws
    >>> stim = np.tile([0, 1], 60)
    >>> phase = np.random.default_rng(1).vonmises(0.5 * stim, 2)
    >>> data = pd.DataFrame({"phase": phase, "stim": stim})
    >>> fit = ws.fit("phase ~ stim", data, family="von_mises", seed=1)
    >>> figure = fit.plot_directions("stim")
    """
    check_flags(data=data)
    from winstan import plots  # noqa: PLC0415

    model = fit.model
    if not model.family.circular:
        raise OptionError(
            f"plot_directions draws angles, and family={model.family.name!r} has others: "
            f"fit.plot_conditional({predictor!r}) draws its means."
        )
    table = means(fit, predictor, values=values, groups=groups, prob=prob, interval=interval)
    if len(table) > plots.DIRECTIONS:
        raise OptionError(
            f"{predictor!r} has {len(table)} levels: a figure has colours for "
            f"{plots.DIRECTIONS}. Choose some: values=[...]."
        )
    whose = table.attrs.get("estimand", "")
    raw = None
    if data:
        seen = effects.observed_rows(model)["value"]
        raw = pd.DataFrame({"x": labels_of(model, predictor), "value": seen})
    return plots.plot_directions(
        ends_renamed(table).rename(columns={predictor: "x"}),
        raw,
        predictor=predictor,
        response=effects.response_label(model),
        prob=prob,
        interval=interval,
        caption=f"mean: {whose}" if whose else "",
    )


def _rows_of_categories(parts: Sequence[effects.Part], by: str | None) -> str | None:
    """Let a figure have a row, or a curve, for each category; what else it is to be parted by."""
    if parts[0].category is None:
        return by
    if by is not None:
        raise OptionError(
            f"A figure of categories has a colour or a row for each of them, and none for "
            f"by={by!r}: parameter='score' is one number, and the table has both."
        )
    return effects.CATEGORY


def response_of(fit: FittedModel, parts: Sequence[effects.Part], parameter: str | None) -> str:
    """Name what is drawn."""
    if parts[0].category is not None:
        return f"P({fit.model.design.response.name})"
    if effects.is_mean(parts[0].model) and parameter != MEAN:
        return effects.response_label(parts[0].model)
    return effects.response_label(fit.model, parameter)


def _observed_shares(parts: Sequence[effects.Part], predictor: str) -> pd.DataFrame | None:
    """Return the share of rows in each category, at each value of a predictor that has few."""
    tables = []
    for part in parts:
        rows = effects.observed_rows(part.model)
        sums = rows.groupby(labels_of(part.model, predictor), sort=False)[["total", "weight"]].sum()
        if len(sums) > SHARES:
            return None
        share = sums["total"] / sums["weight"]
        tables.append(pd.DataFrame({"x": share.index, "value": share.to_numpy()}))
    labels = [part.category for part in parts]
    return pd.concat(
        [table.assign(by=label) for table, label in zip(tables, labels, strict=True)],
        ignore_index=True,
    )


def _captioned(whose: str, group: str | None, note: str) -> str:
    """Say whose effect the posterior is of, and what the observed differences are of."""
    lines = [f"posterior: {whose}"] if whose else []
    lines += [f"observed: these levels of {group}"] if whose and group else []
    return "\n".join([*lines, *([f"observed: {note}"] if note else [])])


def _group_curves(
    model: Specified,
    posterior: Mapping[str, Array],
    predictor: str,
    group: str,
    values: Mapping[str, Any] | None,
) -> pd.DataFrame | None:
    """Return the mean along a predictor of each group; None where lines would say nothing."""
    rows = model.design.predictors
    if group not in rows.columns or group == predictor:
        return None
    x = rows[predictor]
    within = x.groupby(rows[group].to_numpy()).nunique()
    numeric = pd.api.types.is_numeric_dtype(x.dtype) and x.nunique() > 2
    if not numeric or within.max() < 2 or len(within) > GROUP_LINES:
        return None
    n = len(next(iter(posterior.values())))
    thinned = {name: draws[:: max(1, n // 200)] for name, draws in posterior.items()}
    curve = effects.conditional(
        model, thinned, predictor, by=group, values=values, points=25, groups="these"
    )
    table = effects.curve_table(curve, 0.5, "eti")
    return table.rename(columns={predictor: "x", group: "group"})
