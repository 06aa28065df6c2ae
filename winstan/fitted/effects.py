"""What a fit says of means and contrasts: the methods of `Fit` that give tidy tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan import effects as estimates
from winstan.design_warnings import silenced
from winstan.fitted.monte_carlo import with_ess
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from winstan.fitted.fit import Fit
    from winstan.options import Interval, Pairs, Scale


def contrast(
    fit: Fit,
    treatment: str,
    *,
    values: Sequence[Any] | None = None,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    scale: Scale = "response",
    ratio: bool = False,
    pairs: Pairs = "reference",
    slope: bool = False,
    rope: float | Sequence[float] | None = None,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
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
        A column of the formula.
    values
        What to compare, the reference first. By default all levels of a factor against the
        reference of its coding, the two values of a predictor that has two, and otherwise
        x + 1 against x.
    by
        A column: one contrast for each of its levels (each mouse, each condition), over the
        rows that have it. A number of more than six values is set, in every row, to its mean
        and one standard deviation to either side; ``by={"x": [1, 5]}`` sets it to 1 and to 5.
    scale : {"response", "link"}
        Units of the data, or of the linear predictor.
    ratio
        Ratio of the means in place of their difference.
    pairs : {"reference", "all", "sequential"}
        Every value against the first, every pair, or each value against the one before it.
    slope
        The derivative of the mean by a numeric treatment, averaged: the change per unit.
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
    parameter
        What to compare in place of the mean response: a parameter that has a formula, such as
        ``"sigma"``, on its own scale. It has no default region of equivalence. Of a response of
        categories, by default the probability of each is compared; ``"score"`` is the mean of the
        numbers that ordered categories are, or of their ranks, and ``"mu"`` the linear predictor.
    seed
        Of the effects of a new group.
    prob, interval
        As for `summary`.
    draws
        Return the draws in long form (columns contrast, [by], draw, value), not their summary.
    silence
        Names of each `DesignWarning` not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        Columns [category], contrast, [by], groups (where there are group terms: whose effect it is,
        in words ``attrs["estimand"]``), mean, sd, the interval's ends, p_direction (the posterior
        probability that the effect has the sign that it seems to have), and p_rope (that it
        lies in the region of practical equivalence, which is ``attrs["rope"]``).

    Raises
    ------
    OptionError
        If the treatment, a value, `by` or another option is unknown.

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
    """
    check_flags(ratio=ratio, slope=slope, draws=draws)
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
                scale=scale,
                ratio=ratio,
                pairs=pairs,
                slope=slope,
                rope=rope,
                groups=groups,
                seed=seed,
            ),
        )
    tables = [
        estimates.contrast_draws(result)
        if draws
        else estimates.contrast_table(result, prob, interval)
        for result in results
    ]
    return with_ess(fit, estimates.by_category(parts, tables))


def effects(
    fit: Fit,
    *,
    scale: Scale = "response",
    ratio: bool = False,
    rope: float | Sequence[float] | None = None,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Contrast every population-level predictor, in one table.

    A factor's levels are held against its reference; a number of more than two values has its
    average slope (as a ratio, x + 1 against x).

    Parameters
    ----------
    scale, ratio, rope, groups, parameter, prob, interval, seed
        As for `contrast`; the default region is each predictor's own.
    draws
        Return the draws in long form (columns predictor, contrast, draw, value).

    Returns
    -------
    DataFrame
        Columns predictor, contrast, [groups], mean, sd, the interval's ends, p_direction,
        p_rope; the regions are ``attrs["rope"]``, by predictor.

    Raises
    ------
    OptionError
        If the formula has no population-level predictor, or an option is unknown.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.effects()["predictor"].tolist()
    ['stim']
    """
    check_flags(ratio=ratio, draws=draws)
    parts, posterior = estimates.parts_of(fit.model, parameter), fit.joined()
    found = estimates.answers(
        parts,
        lambda model: estimates.effects_table(
            model, posterior, scale=scale, ratio=ratio, rope=rope, groups=groups, seed=seed
        ),
    )
    tables = [_of_predictors(results, prob, interval, draws=draws) for results in found]
    return with_ess(fit, estimates.by_category(parts, tables))


def _of_predictors(
    results: Sequence[estimates.Contrast], prob: float, interval: Interval, *, draws: bool
) -> pd.DataFrame:
    """Put the contrasts of all predictors into one table."""
    tables = []
    for result in results:
        table = (
            estimates.contrast_draws(result)
            if draws
            else estimates.contrast_table(result, prob, interval)
        )
        table.attrs.clear()  # pd.concat compares them
        table.insert(0, "predictor", result.treatment)
        tables.append(table)
    out = pd.concat(tables, ignore_index=True)
    out.attrs |= results[0].estimand.attrs
    if not draws:
        out.attrs["rope"] = {result.treatment: result.rope for result in results}
    return out


def conditional(
    fit: Fit,
    predictor: str,
    *,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    values: Mapping[str, Any] | None = None,
    points: int = 50,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
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
        A column: one curve for each level, as in `contrast`.
    values
        Columns held at a value in place of being averaged, such as ``{"age": 30}``; the
        predictor's own entry is its grid, such as ``{"dose": [0, 1, 5]}``.
    points
        Values of the grid.
    groups, parameter, seed
        As for `contrast`.
    prob, interval
        As for `summary`.
    scale : {"response", "link"}
    draws
        Return the draws in long form (the predictor, [by], draw, value).
    silence
        Names of each `DesignWarning` not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        Columns named as the predictor and `by` are, then groups (as for `contrast`), mean, sd,
        and the interval's ends.

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
    check_flags(draws=draws)
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
                seed=seed,
            ),
        )
    tables = [
        estimates.curve_draws(curve) if draws else estimates.curve_table(curve, prob, interval)
        for curve in curves
    ]
    return with_ess(fit, estimates.by_category(parts, tables))


def means(
    fit: Fit,
    predictor: str,
    *,
    by: str | Mapping[str, Iterable[Any]] | None = None,
    values: Sequence[Any] | None = None,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
    draws: bool = False,
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Give the mean response at each level of a predictor; their differences are contrasts.

    Parameters
    ----------
    predictor
        A factor, or a number.
    by, groups, parameter, prob, interval, scale, seed, silence
        As for `contrast`.
    values
        The levels, or values; of a number with more than two values they must be given.
    draws
        Return the draws in long form (the predictor, [by], draw, value).

    Returns
    -------
    DataFrame
        Columns named as the predictor and `by` are, then groups (as for `contrast`), mean, sd,
        and the interval's ends.

    Raises
    ------
    OptionError
        If a column, a value or an option is unknown, or a number has no values.

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
    return fit.conditional(
        predictor,
        by=by,
        values={predictor: values},
        groups=groups,
        parameter=parameter,
        prob=prob,
        interval=interval,
        scale=scale,
        draws=draws,
        seed=seed,
        silence=silence,
    )
