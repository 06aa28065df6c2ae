"""Figures of replicated data beside the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan._angles import deviations, mean_direction, resultant, wrap_angles
from winstan._typing import Array
from winstan.data.grouped import IDENTITY
from winstan.effects.observed import ordered_labels
from winstan.errors import OptionError, near_matches
from winstan.fitted import category_figures
from winstan.fitted.predictions import posterior_predictive, prior_predictive
from winstan.options import Check, check_flags, check_option

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.effects.clipping import Clip
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model


def _zeros(y: Array) -> Array:
    return (y == 0).mean(axis=1)


STATISTICS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("mean", lambda y: y.mean(axis=1)),
    ("sd", lambda y: y.std(axis=1, ddof=1)),
    ("smallest", lambda y: y.min(axis=1)),
    ("largest", lambda y: y.max(axis=1)),
)


def plot_predictive(
    fit: FittedModel,
    kind: Check = "density",
    *,
    prior: bool = False,
    by: str | None = None,
    draws: int = 200,
    seed: int = 0,
    clip: Clip = False,
    prob: float = 0.94,
    unit: str | None = None,
    log: bool | None = None,
) -> ggplot:
    """Draw replicated data beside the data, to see whether the model makes such data.

    Parameters
    ----------
    kind : {"density", "groups", "statistic"}
        The density of the data over those of replicates; the mean of each group over the means
        of its replicates; or mean, sd, smallest and largest value.
    prior
        Replicates from the prior, in place of the posterior.
    by
        For ``"groups"``: a column; by default the first group factor.
    draws, seed, clip
        As for `posterior_predictive`.
    prob
        Probability of the intervals, equal-tailed.
    unit
        Unit of the response, for the axis.
    log
        Whether the axis is logarithmic; by default the data decide.

    Returns
    -------
    plotnine.ggplot
        Of rows that an engine has grouped, a sample of them, and replicates of the same rows; the
        caption has mean and sd of all, where measurements came as these.

    Raises
    ------
    OptionError
        If `kind` or `by` is unknown.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_predictive(unit="Hz")
    """
    check_flags(prior=prior, log=log)
    from winstan import plots  # noqa: PLC0415

    check_option("kind", kind, Check)
    if by is not None and kind != "groups":
        raise OptionError(f"by= is for kind='groups', not {kind!r}.")
    effects.interval_names(prob, "eti")  # refuses what is none, before any work
    model = effects.single_rows(fit.model, "Predictive checks are")
    category_figures.check_kind(model, kind)
    column = _groups_column(model, by) if kind == "groups" else None
    make = prior_predictive if prior else posterior_predictive
    y_rep = make(fit, draws=draws, seed=seed, clip=clip).to_numpy()
    figure = _figure(
        model,
        kind,
        y_rep,
        column=column,
        what="prior" if prior else "posterior",
        note=effects.sample_note(fit.model),
        prob=prob,
        unit=unit,
        log=log,
    )
    return plots.with_note(figure, _of_all_rows(fit.model))


def _of_all_rows(model: Model) -> str:
    """Say what is known exactly of the responses of all rows, where these are a sample of them."""
    grouped = model.design.grouped
    if grouped is None or not grouped.moments or model.design.frequency is None:
        return ""
    own, weight = grouped.moments[IDENTITY], model.design.frequency
    n = weight.sum()
    mean = float(weight @ own.mean / n)
    squares = own.squares.sum() + weight @ np.square(own.mean - mean)
    return f"of all {grouped.n:,} rows: mean {mean:.4g}, sd {np.sqrt(squares / (n - 1)):.4g}"


def _figure(
    model: Model,
    kind: Check,
    y_rep: Array,
    *,
    column: str | None,
    what: str,
    note: str,
    prob: float,
    unit: str | None,
    log: bool | None,
) -> ggplot:
    """Draw replicates of a model of single rows; `note` says which rows these are."""
    from winstan import plots  # noqa: PLC0415 - with the figures

    y, y_rep, name, whole = _as_drawn(model, kind, y_rep)
    if note:
        name = f"{name} ({note})"
    counted = model.family.trials
    if kind == "density":
        return plots.plot_density(
            _long(y_rep),
            pd.Series(y),
            response=name,
            what=what,
            whole=whole,
            share=counted and not whole,
            prob=prob,
            unit=unit,
            log=log,
            circular=model.family.circular,
            labels=category_figures.labels_of_places(model),
        )
    if column is not None:
        return plots.plot_groups(
            _group_means(model, y, y_rep, column, prob),
            response=effects.response_label(model) if counted else f"mean {name}",
            group=column,
            what=what,
            prob=prob,
            unit=unit,
            log=log,
        )
    if model.family.circular:
        return _plot_direction_statistics(y, y_rep, name, what, unit)
    zeros = whole and bool((y == 0).any())
    return _plot_statistics(_statistics_of(model, zeros=zeros), y, y_rep, name, what, unit)


def _as_drawn(model: Model, kind: Check, y_rep: Array) -> tuple[Array, Array, str, bool]:
    """Return data and replicates as a figure has them.

    Parameters
    ----------
    model, kind
    y_rep : ndarray, shape (..., N)
        Replicates, in units of the response.

    Returns
    -------
    y, y_rep : ndarray, shapes (N,), (S, N)
        Categories by place or score; successes as shares of trials, where trials differ.
    name : str
        What the figure calls them.
    whole : bool
        Whether they are whole numbers.
    """
    response, whole = model.design.response, model.family.whole
    y, name = response.in_units(response.y[model.design.responses]).astype(float), response.name
    y_rep = y_rep.reshape(-1, len(y))
    if model.family.of_categories:
        y, y_rep, name = category_figures.for_figure(model, kind, y, y_rep)
    if model.family.trials and response.trials is not None and kind != "groups":
        trials = response.trials
        if kind == "statistic" or np.ptp(trials) > 0:
            y, y_rep, whole = y / trials, y_rep / trials, False
            name = effects.response_label(model)
    if note := effects.limits_note(model):  # replicates are not censored
        name = f"{name} ({note})"
    return y, y_rep, name, whole


def _statistics_of(model: Model, *, zeros: bool) -> tuple[category_figures.Statistic, ...]:
    """Choose what is told of replicates; `zeros` says that some whole numbers are zero."""
    if model.family.kind == "unordered":
        return category_figures.share_statistics(model)
    statistics = STATISTICS[:1] if model.family.kind == "binary" else STATISTICS
    if zeros and not model.family.of_categories:
        return (*statistics[:-2], STATISTICS[-1], ("share of zeros", _zeros))
    return statistics


def _plot_statistics(
    statistics: tuple[category_figures.Statistic, ...],
    y: Array,
    y_rep: Array,
    name: str,
    what: str,
    unit: str | None,
) -> ggplot:
    """Draw statistics of replicates, beside the data's."""
    from winstan import plots  # noqa: PLC0415

    return plots.plot_statistics(
        pd.concat(
            pd.DataFrame({"statistic": label, "draw": np.arange(len(y_rep)), "value": of(y_rep)})
            for label, of in statistics
        ),
        pd.DataFrame([{"statistic": label, "value": of(y[None])[0]} for label, of in statistics]),
        response=name,
        what=what,
        unit=unit,
    )


def _plot_direction_statistics(
    y: Array, y_rep: Array, name: str, what: str, unit: str | None
) -> ggplot:
    """Draw the direction and the length of the mean vector of replicates, beside the data's."""
    from winstan import plots  # noqa: PLC0415

    seen, vectors = resultant(y), resultant(y_rep, axis=1)
    # By whole turns as near to the data's as can be.
    away = wrap_angles(np.angle(vectors) - np.angle(seen))
    found = {
        "mean direction": (np.angle(seen), np.angle(seen) + away),
        "length of the mean vector": (np.abs(seen), np.abs(vectors)),
    }
    return plots.plot_statistics(
        pd.concat(
            pd.DataFrame({"statistic": label, "draw": np.arange(len(of)), "value": of})
            for label, (_, of) in found.items()
        ),
        pd.DataFrame([{"statistic": label, "value": at} for label, (at, _) in found.items()]),
        response=name,
        what=what,
        unit=unit,
    )


def _groups_column(model: Model, by: str | None) -> str:
    """Return the group factor or predictor whose groups are drawn."""
    if by is None:
        factor = effects.main_group(model)
        if factor is None:
            raise OptionError(
                f"{model.formula.text!r} has no group term: name a column, by=, for its groups."
            )
        return factor
    columns = [*model.design.predictors.columns, *(g.factor for g in model.design.groups)]
    known = list(dict.fromkeys(columns))
    if by not in known:
        raise OptionError(f"{by!r} is no column of this model." + near_matches(str(by), known))
    return by


def _long(y_rep: Array) -> pd.DataFrame:
    """Return replicates in long form: columns draw, value."""
    n, rows = y_rep.shape
    return pd.DataFrame({"draw": np.repeat(np.arange(n), rows), "value": y_rep.ravel()})


def _group_means(model: Model, y: Array, y_rep: Array, column: str, prob: float) -> pd.DataFrame:
    """Return the mean of each group, and of its replicates; of successes, their share."""
    labels = ordered_labels(model, column)
    codes, levels = labels.codes.astype(int)[model.design.responses], labels.categories
    weights = model.design.response_weights
    weight = np.ones_like(y) if weights is None else weights
    trials = model.design.response.trials if model.family.trials else None
    size = np.bincount(codes, weight * (1.0 if trials is None else trials))

    def mean_of(row: Array) -> Array:
        if not model.family.circular:
            return np.bincount(codes, weight * row) / size
        east, north = (np.bincount(codes, weight * part(row)) for part in (np.cos, np.sin))
        return np.arctan2(north, east)

    observed = mean_of(y)
    means = np.stack([mean_of(row) for row in y_rep])
    if model.family.circular:  # near each other by whole turns
        observed = mean_direction(observed) + deviations(observed)[1]
        means = observed + wrap_angles(means - observed)
    lower, median, upper = np.quantile(means, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    return pd.DataFrame(
        {
            "level": levels,
            "observed": observed,
            "lower": lower,
            "median": median,
            "upper": upper,
        }
    )
