"""Correlations of residuals with those of rows before them, as a table and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan import effects

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

    from winstan.fitted.fitted_model import FittedModel


def residual_autocorrelation(
    fit: FittedModel, lags: int = 10, *, by: str | None = None, prob: float = 0.94
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

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.residual_autocorrelation(lags=3)["lag"].max().item()
    3
    """
    effects.interval_names(prob, "eti")  # refuses what is none
    return effects.residual_autocorrelation(fit.model, fit.joined(), lags, by, prob)


def plot_residual_autocorrelation(
    fit: FittedModel, lags: int = 10, *, by: str | None = None, prob: float = 0.94
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

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> figure = fit.plot_residual_autocorrelation(lags=5)
    """
    from winstan import plots  # noqa: PLC0415

    table = residual_autocorrelation(fit, lags, by=by, prob=prob)
    term = fit.model.design.residual
    unit = by or (term.spec.factor if term else effects.main_group(fit.model)) or "the data"
    modelled = term.spec.text if term else ""
    return plots.plot_autocorrelation(table, whole="all", unit=unit, modelled=modelled, prob=prob)
