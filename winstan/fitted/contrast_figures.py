"""The figures of tables of contrasts and of means, whatever they are of: methods of `Fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.effects.strata import columns_of_by
from winstan.fitted.effects import contrast, means
from winstan.fitted.figures import response_of

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import By, Probability

TWO = (0.5, 0.94)
"""Probabilities of a thick line and a thin one."""


def plot_contrast(
    fit: FittedModel,
    treatment: str,
    *,
    prob: Probability = TWO,
    unit: str | None = None,
    **options: Any,
) -> ggplot:
    """Draw contrasts as intervals, a thick one in a thin one, with the line of no effect.

    Any table of `contrast` can be drawn so: all pairs, differences of differences, polynomials, a
    panel for each level of `by`, and simultaneous intervals, in grey around the others.

    Parameters
    ----------
    treatment
        As for `contrast`.
    prob
        One probability, or several: the widest interval is the thinnest line.
    unit
        Unit of the response, for the axis.
    **options
        As for `contrast`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As for `contrast`.
    DataError
        If there are more contrasts, or levels, than a figure holds.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_contrast("stim", by="mouse", ratio="percent")
    """
    from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

    parameter = options.get("parameter")
    table = contrast(fit, treatment, prob=prob, **options)
    parts = effects.parts_of(fit.model, parameter)
    measure = str(table.attrs["measure"])
    percent, ratio = measure.startswith("percent"), measure.startswith("ratio")
    response = response_of(fit, parts, parameter)
    circular = parts[0].model.family.circular and not options.get("slope")
    title = _title(measure, response)
    if options.get("slope") and options.get("of") is None and ":" not in treatment:
        title += f" per unit of {treatment}"
    return plots.plot_contrasts(
        table,
        response=title,
        treatment=treatment,
        unit="%" if percent else None if ratio or options.get("standardise") else unit,
        ratio=ratio,
        caption=str(table.attrs.get("estimand", "")),
        circular=circular and options.get("scale", "response") == "response",
    )


def plot_means(
    fit: FittedModel,
    predictor: str,
    by: By | None = None,
    *,
    prob: Probability = TWO,
    unit: str | None = None,
    log: bool = False,
    **options: Any,
) -> ggplot:
    """Draw the mean response at each level of a predictor, for the levels of several others.

    Parameters
    ----------
    predictor, by
        As for `means`. The first column of `by` has the colours, the others the panels.
    prob
        One probability, or several: the widest interval is the thinnest line.
    unit
        Unit of the response, for the axis.
    log
        Whether the axis of the response is logarithmic.
    **options
        As for `means`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As for `means`.
    DataError
        If there are more levels than a figure has colours or panels for.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_means("stim", unit="Hz")
    """
    from winstan import plots  # noqa: PLC0415

    parameter = options.get("parameter")
    table = means(fit, predictor, by=by, prob=prob, **options)
    parts = effects.parts_of(fit.model, parameter)
    response, scale = response_of(fit, parts, parameter), options.get("scale", "response")
    before = {"odds": "odds of ", "link": "linear predictor of "}.get(scale, "")
    apart = (effects.CATEGORY,) if parts[0].category is not None else ()
    return plots.plot_means(
        table,
        predictor=predictor,
        response=before + response,
        by=(*apart, *columns_of_by(by)),
        unit=unit if scale == "response" else None,
        log=log,
        caption=str(table.attrs.get("estimand", "")),
        circular=parts[0].model.family.circular and scale == "response",
    )


def _title(measure: str, response: str) -> str:
    """Say what the numbers are: ``Difference in Power``, ``Ratio of odds of P(ok)``."""
    what, _, unit = measure.partition(", ")
    how, _, means = what.partition(" of ")
    ending = "of" if how == "ratio" else "in"
    how = how.removeprefix("percent ")  # which is the unit
    other = means in ("odds", "linear predictors")
    said = f"{what} of {response}" if other else f"{how} {ending} {response}"
    said = said[0].upper() + said[1:]
    return f"{said}, {unit}" if unit else said
