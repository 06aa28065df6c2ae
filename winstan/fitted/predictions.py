"""What a fit predicts: the methods of `Fit` that give responses, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.design_warnings import silenced
from winstan.errors import OptionError
from winstan.fitted.monte_carlo import with_ess
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from winstan.effects.clipping import Clip
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval, Predicted


def predict(
    fit: FittedModel,
    newdata: Any = None,
    *,
    kind: Predicted = "mean",
    groups: Whose = "these",
    trials: str | int | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
    seed: int = 0,
    given: str | None = None,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Predict the rows of the data, or new ones.

    Parameters
    ----------
    newdata
        A data frame of any library (or a mapping of columns) with the predictors and the
        offsets' columns, which are used; None is the complete rows of the data. The response
        is not looked at. A number stands for the level written like it, 308 for ``"308"``, and
        text likewise.
    kind : {"mean", "response", "link"}
        The mean response; a response, drawn anew for each draw of the posterior; or the linear
        predictor. Of binomial models the mean is per trial, a response counts successes.
    groups : {"these", "typical", "population", "new"}, or mapping
        ``"these"``: each row's own groups, all of which must have been fitted. ``"new"``: as
        well, but levels that were not fitted have effects drawn from the population, with each
        draw's standard deviations and correlations, and rows of one new level share them.
        ``"typical"``: all group effects at zero. ``"population"``: the mean over the population
        that the groups come from, as in `contrast`; through a log link it is larger than the
        mean of a typical group. The last two need no columns of groups. A mapping sets each
        factor by itself, ``{"mouse": "these", "neuron": "new"}``; factors left out have
        ``"these"``.
    trials
        Of binomial responses: a number, or the name of a column of `newdata`; by default the
        column in ``p(successes, trials)``.
    prob, interval
        As for `summary`.
    draws
        Return the draws in long form (columns row, draw, value).
    seed
        Of responses and new levels: the same seed gives the same.
    given : {"data"}, optional
        Where residuals are correlated (``ar(trial, mouse)``): what is known of a unit's rows in the
        data counts for its other rows, the next trial given the earlier ones. New rows then need
        the columns of the correlation; rows of the data are predicted from the others of their
        unit. By default predictions are of a unit of which nothing is known but its group effects.
    silence
        Names of each `DesignWarning` not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        Columns row, [groups], mean, sd, and the interval's ends, in the rows' order; of a response
        of categories, with a column category, the probability of each, and where responses are
        asked for the share of each among those drawn; of unordered ones the linear predictor of
        each but the reference. A row is named by its position in the data frame that it comes
        from, counted from 0 (whatever index a pandas frame has): incomplete rows of the data
        count, and are not predicted.

    Raises
    ------
    OptionError
        For an unknown option, or trials that are not given.
    DataError
        If a column is missing or cannot be used, or a level was not fitted.

    Warns
    -----
    DesignWarning
        ``extrapolation``, of new rows outside the data's range by more than a tenth of it.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> new = {"stim": [0, 1], "mouse": ["m9", "m9"]}
    >>> fit.predict(new, kind="response", groups="new")["row"].tolist()
    [0, 1]
    """
    check_flags(draws=draws)
    parts: tuple[effects.Part, ...] = (effects.Part(None, fit.model),)
    if kind == "mean":
        parts = effects.parts_of(fit.model, None)
    elif kind == "link":
        parts = effects.linear_parts(fit.model)
    posterior = fit.joined()
    with silenced(silence):
        results = effects.answers_of(
            parts,
            lambda part: effects.predict(
                part.model,
                posterior,
                newdata,
                kind=kind,
                groups=groups,
                trials=trials,
                seed=seed,
                own=draws,
                given=given,
                predictor=part.parameter,
            ),
        )
    labels = fit.model.design.response.categories if kind == "response" else None
    if labels is not None:
        make = effects.drawn_categories if draws else effects.category_shares
        return make(results[0], labels)
    tables = [
        effects.prediction_draws(result)
        if draws
        else effects.prediction_table(result, prob, interval)
        for result in results
    ]
    return with_ess(fit, effects.by_category(parts, tables))


def hypothesis(
    fit: FittedModel,
    hypotheses: str | Sequence[str],
    *more: str,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
) -> pd.DataFrame:
    """Give the posterior probability of statements on the parameters.

    Parameters
    ----------
    hypotheses
        One, or several, such as ``"stim > 0.1"``, ``"stim > 0.1 * sigma"``,
        ``"cond[b] - cond[c] < 0"`` or ``"abs(stim) < 0.05"``. Names are those of `summary`
        (back-ticks part a name from what surrounds it), coefficients are on the scale of the
        linear predictor and the Intercept is at X = 0. Operators are ``+ - * / **``, functions
        ``abs exp log sqrt``. Exact equality has no probability: ask for a region around it.
    *more
        None: several hypotheses are given as a list.
    prob, interval
        As for `summary`; of the left side less the right.
    draws
        Return the draws of left less right in long form (columns hypothesis, draw, value).

    Returns
    -------
    DataFrame
        Columns hypothesis; mean, sd and the interval's ends of left less right; probability
        of the hypothesis; odds, probability / (1 - probability); and mcse, the Monte Carlo
        standard error of the probability (NaN where all draws agree).

    Raises
    ------
    OptionError
        If a hypothesis cannot be read, or names an unknown parameter.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> bool(fit.hypothesis("stim > 0")["probability"].iloc[0] > 0.5)
    True
    """
    check_flags(draws=draws)
    if more:
        raise OptionError(
            f"hypothesis() takes one argument and was given {1 + len(more)}. Several "
            f"hypotheses are a list: fit.hypothesis({[hypotheses, *more]!r})."
        )
    found = effects.hypotheses(
        fit.model, fit.joined(), fit.draws["posterior"].sizes["chain"], hypotheses
    )
    if draws:
        return effects.hypothesis_draws(found)
    return effects.hypothesis_table(found, prob, interval)


def posterior_predictive(
    fit: FittedModel, draws: int = 200, seed: int = 0, *, clip: Clip = False
) -> xr.DataArray:
    """Draw replicates of the data from the posterior.

    Parameters
    ----------
    draws
        How many, thinned evenly from the posterior, as many from each chain (of a number that
        the chains do not divide, the next that they do); all of it where it has fewer. ArviZ's
        ``loo_pit`` wants all.
    seed
        The same seed gives the same responses.
    clip : bool or tuple of two
        Of censored responses: True puts replicates beyond a limit at it, as the data are, where
        all censored rows of a side have one; a pair, such as ``(0.2, None)``, says which. By
        default replicates are of the response itself, behind its limits.

    Returns
    -------
    xarray.DataArray
        Dims chain, draw (its place in the chain) and row (the complete rows of the data, in
        their order; the coordinate is the position in the data frame, counted from 0): those
        of ``fit.draws["observed_data"]``. Responses in the units of the data, with each row's own
        group effects, offset and trials; counts of successes for binomial. A row with a frequency
        weight is one row; one that counts categories is there for each response that it counts.
        Truncated responses are within their bounds: means and predictions are not. Where an engine
        has grouped the rows, those are a sample of 20,000 of them, numbered from 0.

    Raises
    ------
    OptionError
        If `clip` is no pair of limits, or the data do not have one.

    Examples
    --------
    >>> fit.posterior_predictive(clip=(0.2, None))  # doctest: +SKIP
    """
    model = effects.single_rows(fit.model, "Replicates are")
    return effects.posterior_predictive(
        model, fit.joined(), fit.draws["posterior"].sizes["chain"], draws, seed, clip
    )


def prior_predictive(
    fit: FittedModel, draws: int = 200, seed: int = 0, *, clip: Clip = False
) -> xr.DataArray:
    """Draw data from the priors: what the model held possible before it saw the response.

    Parameters
    ----------
    draws
        How many.
    seed
        As for `posterior_predictive`.
    clip
        As for `posterior_predictive`.

    Returns
    -------
    xarray.DataArray
        As of `posterior_predictive`, with one chain; group effects are drawn from their
        standard deviations and correlations, and these from their priors.

    Raises
    ------
    PriorError
        If a prior is improper (`Flat`), or does not keep a mean positive that must be so.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.prior_predictive(seed=1).sizes["row"]
    240
    """
    model = effects.single_rows(fit.model, "Replicates are")
    return effects.prior_predictive(model, draws, seed, clip)


def log_likelihood(fit: FittedModel) -> xr.DataArray:
    """Return the log density of every row under every draw.

    Returns
    -------
    xarray.DataArray
        Dims chain, draw and row (the complete rows of the data, in their order; the
        coordinate is the position in the data frame, counted from 0): normalised densities of
        the left side of the formula as it stands, so that those of ``y`` and of ``log(y)`` are
        of different quantities. A row with a frequency weight is one row, and so are the
        trials of a binomial one and the counts of categories.

    Raises
    ------
    OptionError
        If the array is above 2 GB.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.log_likelihood().sizes["row"]
    240
    """
    return effects.log_likelihood(fit.model, fit.joined(), fit.draws["posterior"].sizes["chain"])
