"""What a fit says of means and contrasts: the methods of `Fit` that give tidy tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan import effects as estimates
from winstan.design_warnings import silenced
from winstan.fitted.monte_carlo import with_ess
from winstan.options import (
    By,
    Comparing,
    Probability,
    Ratio,
    Weighting,
    Whose,
    check_flags,
)

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval, Scale


def contrast(
    fit: FittedModel,
    treatment: str,
    *,
    values: Sequence[Any] | None = None,
    by: By | None = None,
    of: By | None = None,
    scale: Scale = "response",
    ratio: Ratio | None = None,
    pairs: Comparing | Sequence[Comparing] = "reference",
    slope: bool = False,
    standardise: str | None = None,
    rope: float | Sequence[float] | None = None,
    groups: Whose | None = None,
    weights: Weighting = "observed",
    parameter: str | None = None,
    prob: Probability = 0.94,
    interval: Interval = "hdi",
    simultaneous: bool | None = None,
    draws: bool = False,
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Compare the mean response between values of a predictor.

    Every row of predictors is evaluated with the treatment at one value and at the other, in
    its own group; the means are averaged over rows within a group, and over groups, each
    counting once. `groups` says whose means they are. Offsets are at zero. Of angles, means are
    the directions of mean vectors, and their differences lie between -pi and pi; the ends of
    intervals are on either side of the mean, and may be beyond.

    Parameters
    ----------
    treatment
        A column of the formula. ``"drug:dose"`` is ``"drug"`` with ``of="dose"``.
    values
        What to compare, the reference first. By default all levels of a factor against the
        reference of its coding, the two values of a predictor that has two, and otherwise
        x + 1 against x. With `slope`, where to take it.
    by
        A column, or several: one contrast for each of their levels (each mouse, each condition), or
        combinations, over the rows that have it. A number of more than six values is set, in every
        row, to its mean and one standard deviation to either side; ``by={"x": [1, 5]}`` sets it to
        1 and to 5. Combinations that no row has are refused by name.
    of
        A difference of differences: the treatment's contrast of the contrast of this column (or
        these; a mapping gives values), as ``(b at high - b at low) - (a at high - a at low)``.
        With `slope`, of its slope.
    scale : {"response", "link", "odds"}
        Units of the data, of the linear predictor, or odds of probabilities, which are compared by
        their ratio unless ``ratio=False``.
    ratio
        Ratio of the means in place of their difference; ``"percent"`` is its change,
        100 (b / a - 1).
    pairs
        Every value against the first (``"reference"``), every pair (``"all"``), each value against
        the one before it (``"sequential"``, or ``"consecutive"``), against the mean of all
        (``"effect"``), against those before it (``"helmert"``, weights -1, -1, 2), polynomials of
        ranks or of numbers (``"poly"``, -1, 0, 1 and 1, -2, 1), or as the first with simultaneous
        intervals (``"dunnett"``): the matrices of emmeans. Or weights by name, which add up to
        zero: ``{"late - early": {"a": -1, "b": 1}}``, ``{"trend": [-1, 0, 1]}``. With `of`, a word
        is for all columns, and a list has one for each. A ratio of weighted means is that of what
        counts positively to what counts negatively.
    slope
        The derivative of the mean by a numeric treatment, averaged: the change per unit; at
        `values`, with the number set to each of them.
    standardise : {"sigma", "between", "total"}, or a group factor
        Divide differences, draw by draw, by an sd: of rows, between groups (all, or one factor's),
        or of both. Means must be on the scale of the linear predictor: else with ``scale="link"``.
    rope
        Region of practical equivalence: a half-width, or its two ends. By default a tenth of
        the response's standard deviation to either side of no difference (Kruschke 2018), for
        a slope or x + 1 divided by the standard deviation of x (by the distance of its values
        where x has two, so that their contrast and the slope have one region); of
        probabilities, on the link scale, and of ratios see `winstan.effects.rope.rope_of`.
    groups : {"these", "typical", "population", "new"}, mapping, or None
        Whose effect. ``"population"``: the mean over the population that the groups come from,
        their effects integrated out draw by draw. ``"typical"``: a group whose effects are
        zero. ``"these"``: the groups of the data, averaged, each counting once; its interval is
        not about other groups. ``"new"``: one new group, whose effects are drawn from each
        draw's population. A mapping sets each factor by itself, such as
        ``{"mouse": "population", "day": "these"}``. The default is the population, and a
        typical group under log and inverse links, where the population's mean has no stable
        posterior, and where another parameter that the mean depends on has group effects too;
        with ``by=`` a group factor it is these groups.
    weights : {"observed", "equal"}
        Of the rows that means are over: as the data have them; or every combination of the levels
        of the other factors alike, however many rows each has, as emmeans averages by default.
    parameter
        What to compare in place of the mean response: a parameter that has a formula, such as
        ``"sigma"``, on its own scale. It has no default region of equivalence. Of a response of
        categories, by default the probability of each is compared; ``"score"`` is the mean of the
        numbers that ordered categories are, or of their ranks, and ``"mu"`` the linear predictor.
    seed
        Of the effects of a new group.
    prob, interval
        As for `summary`; several probabilities have an interval each: ``prob=[0.5, 0.94]``.
    simultaneous
        Add the ends of intervals (``sim_3%``, ``sim_97%``) that hold all contrasts of the table at
        once with the probability. By default those of ``pairs="dunnett"``.
    draws
        Return the draws in long form (columns contrast, [by], draw, value), not their summary.
    silence
        Names of `DesignWarning`s not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        Columns [category], contrast, [by], groups (where there are group terms: whose effect it is,
        in words ``attrs["estimand"]``), mean, sd, the intervals' ends, p_direction (the posterior
        probability that the effect has the sign that it seems to have), and p_rope (that it
        lies in the region of practical equivalence, which is ``attrs["rope"]``). What the numbers
        are is in ``attrs["measure"]``.

    Raises
    ------
    OptionError
        If the treatment, a value, `by` or another option is unknown, weights do not add up to zero,
        no row has a combination that is asked for, a ratio is of means that are not positive in
        every draw, or there are no odds or no sd to divide by.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of values outside the data's range by more than a tenth of it.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> table = fit.contrast("stim", ratio=True)
    >>> table["contrast"].tolist(), table.attrs["estimand"]
    (['1 / 0'], 'in a typical mouse')
    >>> fit.contrast("stim", ratio="percent", prob=[0.5, 0.94])["contrast"].tolist()
    ['1 / 0 (% change)']
    """
    check_flags("simultaneous", slope=slope, draws=draws, simultaneous=simultaneous)
    parts, posterior = estimates.parts_of(fit.model, parameter), fit.joined()
    with silenced(silence):
        results = estimates.answers(
            parts,
            lambda model: estimates.contrast(
                model,
                posterior,
                treatment,
                values=values,
                by=by,
                of=of,
                scale=scale,
                ratio=ratio,
                pairs=pairs,
                slope=slope,
                standardise=standardise,
                rope=rope,
                groups=groups,
                weights=weights,
                seed=seed,
            ),
        )
    if draws:
        tables = [estimates.contrast_draws(result) for result in results]
    else:
        at_once = "dunnett" in pairs if simultaneous is None else bool(simultaneous)
        tables = estimates.contrast_tables(results, prob, interval, simultaneous=at_once)
    return with_ess(fit, estimates.by_category(parts, tables))


def conditional(
    fit: FittedModel,
    predictor: str,
    *,
    by: By | None = None,
    values: Mapping[str, Any] | None = None,
    points: int = 50,
    groups: Whose | None = None,
    weights: Weighting = "observed",
    parameter: str | None = None,
    prob: Probability = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
    simultaneous: bool = False,
    draws: bool = False,
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Follow the mean response along a predictor.

    Every row of the data is evaluated with the predictor at each value; the means are averaged
    as in `contrast`, of which the differences are contrasts. Offsets are at zero.

    Parameters
    ----------
    predictor
        A number (`points` values over its range), or a factor (its levels).
    by
        A column, or several: one curve for each level, as in `contrast`.
    values
        Columns held at a value in place of being averaged, such as ``{"age": 30}``; the
        predictor's own entry is its grid, such as ``{"dose": [0, 1, 5]}``.
    points
        Values of the grid.
    groups, weights, parameter, seed
        As for `contrast`.
    prob, interval, simultaneous
        As for `contrast`.
    scale : {"response", "link", "odds"}
    draws
        Return the draws in long form (the predictor, [by], draw, value).
    silence
        Names of `DesignWarning`s not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        Columns named as the predictor and `by` are, then groups (as for `contrast`), mean, sd,
        and the intervals' ends.

    Raises
    ------
    OptionError
        If a column, a value or an option is unknown.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of values outside the data's range by more than a tenth of it.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.conditional("stim", by="mouse").shape[0]
    12
    """
    check_flags(draws=draws, simultaneous=simultaneous)
    parts, posterior = estimates.parts_of(fit.model, parameter), fit.joined()
    with silenced(silence):
        curves = estimates.answers(
            parts,
            lambda model: estimates.conditional(
                model,
                posterior,
                predictor,
                by=by,
                values=values,
                points=points,
                groups=groups,
                scale=scale,
                weights=weights,
                seed=seed,
            ),
        )
    if draws:
        tables = [estimates.curve_draws(curve) for curve in curves]
    else:
        tables = estimates.curve_tables(curves, prob, interval, simultaneous=simultaneous)
    return with_ess(fit, estimates.by_category(parts, tables))


def means(
    fit: FittedModel,
    predictor: str,
    *,
    by: By | None = None,
    values: Sequence[Any] | None = None,
    groups: Whose | None = None,
    weights: Weighting = "observed",
    parameter: str | None = None,
    prob: Probability = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
    simultaneous: bool = False,
    draws: bool = False,
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Give the mean response at each level of a predictor; their differences are contrasts.

    Parameters
    ----------
    predictor
        A factor, or a number.
    by, groups, weights, parameter, prob, interval, scale, simultaneous, seed, silence
        As for `contrast`. Of several columns, ``by=["drug", "sex"]``, there is a mean for each of
        their combinations.
    values
        The levels, or values; of a number with more than two values they must be given.
    draws
        Return the draws in long form (the predictor, [by], draw, value).

    Returns
    -------
    DataFrame
        Columns named as the predictor and `by` are, then groups (as for `contrast`), mean, sd,
        and the intervals' ends.

    Raises
    ------
    OptionError
        If a column, a value or an option is unknown, a number has no values, or no row has a
        combination that `by` asks for.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.means("stim")["stim"].tolist()
    [0, 1]
    """
    check_flags(draws=draws)
    if values is None:
        model = estimates.parts_of(fit.model, parameter)[0].model
        values = estimates.levels_to_compare(model, predictor)
    return conditional(
        fit,
        predictor,
        by=by,
        values={predictor: values},
        groups=groups,
        weights=weights,
        parameter=parameter,
        prob=prob,
        interval=interval,
        scale=scale,
        simultaneous=simultaneous,
        draws=draws,
        seed=seed,
        silence=silence,
    )
