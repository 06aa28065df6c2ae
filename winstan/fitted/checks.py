"""Figures that show whether to trust a fit: chains, divergences, predictions against the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan._angles import deviations, mean_direction, resultant, wrap_angles
from winstan._typing import Array
from winstan.effects.observed import ordered_labels
from winstan.errors import OptionError, near_matches
from winstan.fitted import category_figures
from winstan.fitted.parameters import Parameter, long_draws, select
from winstan.options import Check, check_flags, check_option

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.effects.clipping import Clip
    from winstan.fitted.fit import Fit
    from winstan.model import Model

PANELS = 12
"""Parameters of a figure with a panel for each."""
PAIRS = 5
"""Parameters of a figure with a panel for every two."""


def _zeros(y: Array) -> Array:
    return (y == 0).mean(axis=1)


STATISTICS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("mean", lambda y: y.mean(axis=1)),
    ("sd", lambda y: y.std(axis=1, ddof=1)),
    ("smallest", lambda y: y.min(axis=1)),
    ("largest", lambda y: y.max(axis=1)),
)


def plot_trace(fit: Fit, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw the chains of each parameter, draw by draw; divergent draws are marked.

    Parameters
    ----------
    names
        Parameters (``"sigma"``, ``"1|mouse[m3]"``), all of one name (``"1|mouse"``), or a class
        (``"b"``, ``"sd"``, ``"corr"``). By default all but the group effects. Twelve fit a
        figure; the caption counts the others.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown.
    """
    from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

    parameters, caption = panels(fit, names, PANELS)
    chain, draw = np.nonzero(_diverging(fit))
    return plots.plot_trace(
        long_draws(parameters),
        diagnostics=mixing(fit, parameters),
        divergent=pd.DataFrame({"chain": chain, "draw": draw}),
        caption=caption,
    )


def plot_rank(fit: Fit, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw how the ranks of each chain's draws are spread: evenly, if the chains agree.

    Parameters
    ----------
    names
        As for `plot_trace`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown.
    """
    from winstan import plots  # noqa: PLC0415

    parameters, caption = panels(fit, names, PANELS)
    return plots.plot_rank(
        long_draws(parameters), diagnostics=mixing(fit, parameters), caption=caption
    )


def plot_pairs(fit: Fit, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw every two parameters against each other, the divergent draws marked.

    Standard deviations are on a logarithmic scale, where the funnels that cause divergences
    can be seen.

    Parameters
    ----------
    names
        As for `plot_trace`; to look into a funnel, an sd and an effect of it:
        ``["1|mouse_sigma", "1|mouse[m3]"]``. Five fit a figure, group sds first, then
        coefficients; the caption counts the others.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown, or there is only one parameter.
    """
    from winstan import plots  # noqa: PLC0415

    parameters, caption = panels(fit, names, PAIRS, first=("sd", "coefficient", "correlation"))
    table = {}
    positive = {p.name for p in fit.model.family.parameters[1:] if p.domain == "positive"}
    for parameter in parameters:
        logged = parameter.role == "sd" or parameter.name in positive
        values = parameter.values.ravel()
        table[f"log {parameter.name}" if logged else parameter.name] = (
            np.log(values) if logged else values
        )
    draws = pd.DataFrame(table).assign(diverging=_diverging(fit).ravel())
    return plots.plot_pairs(draws, caption=caption)


def plot_predictive(
    fit: Fit,
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

    Raises
    ------
    OptionError
        If `kind` or `by` is unknown.
    """
    check_flags(prior=prior, log=log)
    from winstan import plots  # noqa: PLC0415

    check_option("kind", kind, Check)
    if by is not None and kind != "groups":
        raise OptionError(f"by= is for kind='groups', not {kind!r}.")
    effects.interval_names(prob, "eti")  # refuses what is none, before any work
    model = fit.model
    category_figures.check_kind(model, kind)
    column = _groups_column(model, by) if kind == "groups" else None
    make = fit.prior_predictive if prior else fit.posterior_predictive
    response = model.design.response
    y, name = response.in_units(response.y[model.design.responses]).astype(float), response.name
    y_rep = make(draws=draws, seed=seed, clip=clip).to_numpy().reshape(-1, len(y))
    what = "prior" if prior else "posterior"
    counted = model.family.trials
    whole = model.family.whole
    if model.family.of_categories:
        y, y_rep, name = category_figures.for_figure(model, kind, y, y_rep)
    if counted and response.trials is not None and kind != "groups":
        trials = response.trials
        if kind == "statistic" or np.ptp(trials) > 0:
            y, y_rep, whole = y / trials, y_rep / trials, False
            name = effects.response_label(model)
    if note := effects.limits_note(model):  # replicates are not censored
        name = f"{name} ({note})"
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
    statistics = _statistics_of(model, zeros=whole and bool((y == 0).any()))
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


def _statistics_of(model: Model, *, zeros: bool) -> tuple[category_figures.Statistic, ...]:
    """Choose what is told of replicates; `zeros` says that some whole numbers are zero."""
    if model.family.kind == "unordered":
        return category_figures.share_statistics(model)
    statistics = STATISTICS[:1] if model.family.kind == "binary" else STATISTICS
    if zeros and not model.family.of_categories:
        return (*statistics[:-2], STATISTICS[-1], ("share of zeros", _zeros))
    return statistics


def residual_autocorrelation(
    fit: Fit, lags: int = 10, *, by: str | None = None, prob: float = 0.94
) -> pd.DataFrame:
    """Correlate residuals with those of rows before them, within units.

    Parameters
    ----------
    lags
        How many rows before, at most.
    by
        A group factor, whose levels are the units; by default the units of the residual
        correlation, or those of the factor with most levels. Rows are in the order of the
        correlation's column, or in that of the data.
    prob
        Of independent residuals, of the band.

    Returns
    -------
    DataFrame
        Columns unit (``"all"`` together, then each), lag, correlation, pairs, lower and upper (of
        independent residuals), implied (by the model's residual correlation; zero without one).
        Residuals are about the posterior mean of the linear predictor.

    Raises
    ------
    OptionError
        For a family without one noise scale, or an unknown factor.
    """
    effects.interval_names(prob, "eti")  # refuses what is none
    return effects.residual_autocorrelation(fit.model, fit.joined(), lags, by, prob)


def plot_residual_autocorrelation(
    fit: Fit, lags: int = 10, *, by: str | None = None, prob: float = 0.94
) -> ggplot:
    """Draw `residual_autocorrelation`: of all units together, and of each.

    Parameters
    ----------
    lags, by, prob
        As for `residual_autocorrelation`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As for `residual_autocorrelation`.
    """
    from winstan import plots  # noqa: PLC0415

    table = residual_autocorrelation(fit, lags, by=by, prob=prob)
    term = fit.model.design.residual
    unit = by or (term.spec.factor if term else effects.main_group(fit.model)) or "the data"
    modelled = term.spec.text if term else ""
    return plots.plot_autocorrelation(table, whole="all", unit=unit, modelled=modelled, prob=prob)


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


def _diverging(fit: Fit) -> np.ndarray:
    """Tell which draws are divergent: shape (chains, draws)."""
    stats = fit.draws["sample_stats"]
    if "diverging" in stats:
        return stats["diverging"].to_numpy().astype(bool)
    posterior = fit.draws["posterior"]
    return np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]), bool)


def mixing(fit: Fit, parameters: Sequence[Parameter]) -> pd.DataFrame:
    """R-hat and effective draws of some parameters."""
    table = fit._table.loc[[p.name for p in parameters]]
    return table.assign(parameter=[p.name for p in parameters])[["parameter", "r_hat", "ess_bulk"]]


def panels(
    fit: Fit,
    names: str | Sequence[str] | None,
    most: int,
    first: Sequence[str] = (),
) -> tuple[tuple[Parameter, ...], str]:
    """Return the parameters that a figure holds, and what to say of the others.

    Where not all fit, those of the roles named `first` come first.
    """
    found = select(fit.model, fit.draws, names)
    if not found:
        raise OptionError("No parameters: give names=, such as names='1|mouse'.")
    place = {role: i for i, role in enumerate(first)}
    ranked = sorted(found, key=lambda p: place.get(p.role, len(place)))
    kept = {p.name for p in ranked[:most]}
    shown = tuple(p for p in found if p.name in kept)
    left = [p.name for p in found if p.name not in kept]
    effects = [v.name for v in fit.model.variables if v.role == "effect"]
    parts = []
    if left:
        parts.append(f"{len(left)} more not drawn: names=[{left[0]!r}, ...]")
    if names is None and effects:
        parts.append(f"group effects not drawn: names={effects[0]!r}")
    return shown, "; ".join(parts)


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
