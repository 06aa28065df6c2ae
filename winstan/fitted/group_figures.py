"""The figures of groups: methods of `Fit` that draw their intercepts and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.errors import OptionError, near_matches
from winstan.fitted.group_effects import intercepts
from winstan.fitted.intervals import ends_renamed, scale_of_coefficients
from winstan.options import check_flags

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval

ELLIPSES = (0.5, 0.94)
"""Shares of the groups that the ellipses of a plane hold."""


def plot_intercepts(
    fit: FittedModel,
    group: str | None = None,
    *,
    treatment: str | None = None,
    prob: float = 0.94,
    unit: str | None = None,
) -> ggplot:
    """Draw each group's intercept, on the response scale, over the raw data.

    As in `intercepts`, each group is at its own value of predictors that are constant within
    groups; the caption says so.

    Parameters
    ----------
    group
        A group factor; by default the first of the formula.
    treatment
        A column to colour the raw data by.
    prob
        Probability of the HDI.
    unit
        Unit of the response, for the axis.

    Returns
    -------
    plotnine.ggplot

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_intercepts("mouse", treatment="stim", unit="Hz")
    """
    from winstan import plots  # noqa: PLC0415

    group = fit.group_named(group)
    if fit.model.family.of_categories:
        remedy = (
            f"fit.intercepts({group!r}) has the table, and fit.plot_slopes({group!r}) the groups' "
            "effects on the linear predictor"
            if fit.model.family.kind == "ordered"
            else f"fit.predict() has each group's, and fit.group_effects({group!r}) the groups' "
            "effects on the linear predictors"
        )
        raise OptionError(
            "plot_intercepts draws one mean of each group, and categories have a probability each: "
            f"{remedy}."
        )
    return plots.plot_intercepts(
        ends_renamed(intercepts(fit, group, prob=prob)),
        effects.intercept_data(fit.model, group, treatment),
        response=effects.response_label(fit.model),
        group=group,
        treatment=treatment,
        prob=prob,
        unit=unit,
        circular=fit.model.family.circular,
    )


def plot_slopes(
    fit: FittedModel,
    group: str | None = None,
    effect: str | None = None,
    *,
    plane: bool = False,
    levels: Sequence[Any] | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | Mapping[str, str] | None = None,
) -> ggplot:
    """Draw each group's effects, and how far they are shrunk towards the population's.

    Beside the partially pooled effect of a group is the estimate of its own data: the maximum
    of the likelihood of its rows, everything else at its posterior mean. Each group is at its
    own value of predictors that are constant within groups, as in
    ``group_effects(kind="total")``; the caption says so.

    Parameters
    ----------
    group
        A group factor; by default the first of the formula.
    effect
        One effect (``"Intercept"``, ``"Days"``); by default a panel for each.
    plane
        Draw the first two effects against each other in place of panels.
    levels
        The groups to draw; by default all, up to sixty.
    prob, interval
        As for `summary`.
    unit
        Unit of what is drawn, or by effect: ``{"Intercept": "ms", "Days": "ms per day"}``.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If the factor, the effect or a level is unknown, or `plane` has not two effects.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (stim|mouse)", trials, seed=1, silence="all")
    >>> figure = fit.plot_slopes("mouse")
    """
    check_flags(plane=plane)
    from winstan import plots  # noqa: PLC0415
    from winstan.fitted.no_pooling import ellipses, shrinkage  # noqa: PLC0415

    effects.interval_names(prob, interval)
    group = fit.group_named(group)
    if fit.model.family.kind == "unordered":
        raise OptionError(
            "plot_slopes draws effects on one linear predictor, and unordered categories have one "
            f"each: fit.group_effects({group!r}) has the table."
        )
    flat = fit.joined()
    table, population = shrinkage(fit.model, flat, group, prob, interval)
    if levels is not None:
        table = _of_levels(table, levels, group)
    names = list(dict.fromkeys(population["effect"]))
    scale = scale_of_coefficients(fit.model)
    at = effects.totals_text(fit.model, group)
    units = _units(unit, names)
    if plane:
        if effect is not None or len(names) < 2:
            raise OptionError(
                f"plane=True takes two effects by {group!r}, and no effect=; this model has "
                f"{', '.join(names)}."
            )
        table = table[table["effect"].isin(names[:2])]
        return plots.plot_plane(
            table.replace({"effect": units}),
            population.replace({"effect": units}),
            ellipses(fit.model, flat, group, population, ELLIPSES),
            group=group,
            scale=scale,
            shares=ELLIPSES,
            at=at,
        )
    if effect is not None:
        if effect not in names:
            raise OptionError(
                f"There is no effect {effect!r} by {group!r}." + near_matches(str(effect), names)
            )
        table = table[table["effect"] == effect]
    return plots.plot_slopes(
        table.replace({"effect": units}),
        population.replace({"effect": units}),
        group=group,
        scale=scale,
        prob=prob,
        interval=interval,
        at=at,
    )


def _of_levels(table: pd.DataFrame, levels: Sequence[Any], group: str) -> pd.DataFrame:
    """Return the rows of some groups, named by their levels."""
    known = {str(level) for level in table["level"]}
    wanted = [str(v) for v in ([levels] if isinstance(levels, str) else levels)]
    for level in wanted:
        if level not in known:
            raise OptionError(f"{group!r} has no level {level!r}." + near_matches(level, known))
    if not wanted:
        raise OptionError("levels= names no group.")
    return table[[str(level) in wanted for level in table["level"]]]


def _units(unit: str | Mapping[str, str] | None, effects: Sequence[str]) -> dict[str, str]:
    """Return each effect's name with its unit, where it has one."""
    given = dict.fromkeys(effects, unit) if isinstance(unit, str) else dict(unit or {})
    for effect in given:
        if effect not in effects:
            raise OptionError(
                f"unit= names {effect!r}, which is no effect here." + near_matches(effect, effects)
            )
    return {effect: f"{effect}, {of}" for effect, of in given.items()}
