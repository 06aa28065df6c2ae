"""What a fit says of groups: the methods of `Fit` that give tidy tables of their effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from winstan import effects as estimates
from winstan.fitted.monte_carlo import with_ess
from winstan.options import check_flags

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import EffectKind, Interval


def group_effects(
    fit: FittedModel,
    group: str | None = None,
    *,
    kind: EffectKind = "deviation",
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
) -> pd.DataFrame:
    """Each group's effects, on the scale of the linear predictor.

    Parameters
    ----------
    group
        A group factor; by default the first of the formula.
    kind : {"deviation", "total"}
        The departure from the population, or population and departure together: the
        coefficients of each group, as a regression of its own rows has them, of the effects
        that have a population-level counterpart. Predictors that are constant within every
        group (genotype, sex, the dose of a whole animal) are at the group's own value, so that
        a knock-out's slope of week has ``genotype:week`` in it; others are at their reference,
        numbers at zero.
    parameter
        Whose linear predictor: that of the mean, or of a parameter that has a formula. Of a
        response of unordered categories, by default those of all.
    prob, interval
        As for `summary`.
    draws
        Return the draws in long form (columns effect, level, draw, value).

    Returns
    -------
    DataFrame
        Columns [category], effect (``Intercept``, ``Days``, ``cond[b]``), level, mean, sd, and the
        interval's ends. Of totals, ``attrs["at"]`` says what the predictors are held at:
        ``"each mouse at its own genotype; at week = 0"``.

    Raises
    ------
    OptionError
        If the factor or an option is unknown, or no effect has a total.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.group_effects("mouse", kind="total")["effect"].unique().tolist()
    ['Intercept']
    """
    check_flags(draws=draws)
    parts = estimates.linear_parts(fit.model)
    if parameter is not None or parts[0].category is None:
        return with_ess(fit, _effects_of(fit, parameter, group, kind, prob, interval, draws=draws))
    # A category may have a formula of its own, without the term.
    models = [estimates.about(fit.model, part.parameter) for part in parts]
    group = group or next(filter(None, map(estimates.main_group, models)), None)
    having = [
        part
        for part, model in zip(parts, models, strict=True)
        if group in [g.factor for g in model.design.groups]
    ] or parts
    tables = [
        _effects_of(fit, part.parameter, group, kind, prob, interval, draws=draws)
        for part in having
    ]
    return with_ess(fit, estimates.by_category(having, tables))


def _effects_of(
    fit: FittedModel,
    parameter: str | None,
    group: str | None,
    kind: EffectKind,
    prob: float,
    interval: Interval,
    *,
    draws: bool,
) -> pd.DataFrame:
    """Return each group's effects on one linear predictor."""
    model = estimates.about(fit.model, parameter)
    factor = fit.group_named(group, model)
    found = estimates.group_effects(model, fit.joined(), factor, kind)
    table = estimates.group_draws(found) if draws else estimates.group_table(found, prob, interval)
    if kind == "total":
        table.attrs["at"] = estimates.totals_text(model, factor)
    return table


def intercepts(
    fit: FittedModel, group: str | None = None, *, prob: float = 0.94, interval: Interval = "hdi"
) -> pd.DataFrame:
    """Each group's intercept on the response scale: its mean response at X = 0.

    Predictors that are constant within every group (its genotype, its dose) are at the group's
    own value; factors that vary within groups are at their reference, numbers at zero. Without
    a population intercept, the factor that stands for it is averaged over. The effects of
    factors that contain the group are added; those of crossed factors are at zero.

    Parameters
    ----------
    group
        A group factor; by default the first of the formula.
    prob, interval
        As for `summary`.

    Returns
    -------
    DataFrame
        Columns level, mean, sd, and the interval's ends; ``attrs["at"]`` says what the
        predictors are held at.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.intercepts("mouse").shape[0]
    6
    """
    group, posterior = fit.group_named(group), fit.joined()
    parts = estimates.parts_of(fit.model, None)
    tables = estimates.answers(
        parts,
        lambda model: estimates.group_intercepts(model, posterior, group, prob, interval),
    )
    return with_ess(fit, estimates.by_category(parts, tables))
