"""Curves of a fit: their differences and slopes, where these leave zero, and their figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from winstan import effects as estimates
from winstan.design_warnings import silenced
from winstan.effects.intervals import interval_names
from winstan.effects.strata import columns_of_by
from winstan.errors import OptionError
from winstan.fitted.intervals import ends_renamed
from winstan.options import Whose

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from plotnine import ggplot

    from winstan.effects import Curve
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import By, Interval, Scale


def curve_difference(
    fit: FittedModel,
    predictor: str,
    by: By,
    *,
    values: Mapping[str, Any] | None = None,
    points: int = 100,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Follow the difference of two curves along a predictor, with a band that holds all of it.

    An interval at each value holds the difference there; somewhere along the curve the truth is
    outside of one. The band is wider: the whole curve is in it with the probability. Where it
    leaves zero, the curves differ (`curve_stretches` gives the stretches).

    Parameters
    ----------
    predictor
        A number, such as time.
    by
        A column of labels, of whose levels each is compared with the first; or the column with
        the levels, the reference first: ``{"cond": ["control", "stim"]}``.
    values, groups, parameter, seed
        As for `conditional`.
    points
        Values of the grid.
    prob, interval
        Of the interval at each value, and of the band.
    scale : {"response", "link"}
        Differences of means, or of linear predictors.
    silence
        Names of `DesignWarning`s not to give, as for `winstan.fit`.

    Returns
    -------
    DataFrame
        The predictor, contrast (``"stim - control"``), [groups], mean, sd, the interval's ends,
        band_low, band_high, and beyond: whether the band is on one side of zero.

    Raises
    ------
    OptionError
        If a name or an option is unknown, the predictor has labels, or `by` fewer than two levels.

    Examples
    --------
    >>> import numpy as np, pandas as pd, winstan as ws
    >>> t = np.tile(np.linspace(0, 1, 40), 2)
    >>> cond = np.repeat(["control", "stim"], 40)
    >>> y = np.sin(6 * t) * np.where(cond == "stim", 2, 1)
    >>> data = pd.DataFrame({"t": t, "cond": cond, "y": y + 0.1 * np.cos(70 * t)})
    >>> fit = ws.fit("y ~ cond + s(t, by=cond)", data, progress=False, seed=1)
    >>> table = fit.curve_difference("t", "cond", points=50)
    >>> bool(table["beyond"].any())
    True
    """

    def of(model: Any, posterior: Any) -> Curve:
        return estimates.curve_difference(
            model, posterior, predictor, by, values=values, points=points, groups=groups,
            scale=scale, seed=seed,
        )  # fmt: skip

    return _tables(fit, of, parameter, prob, interval, silence)


def curve_stretches(
    fit: FittedModel,
    predictor: str,
    by: By,
    **options: Any,
) -> pd.DataFrame:
    """Return the stretches of a predictor along which two curves differ.

    Parameters
    ----------
    predictor, by, options
        As for `curve_difference`.

    Returns
    -------
    DataFrame
        A row for each stretch of the grid where the band leaves zero: contrast, start, end, side
        (the difference is ``"above"`` or ``"below"`` zero), peak (where it is largest), and its
        mean and sd there. No row where the band holds zero everywhere.

    Examples
    --------
    >>> import numpy as np, pandas as pd, winstan as ws
    >>> t = np.tile(np.linspace(0, 1, 40), 2)
    >>> cond = np.repeat(["control", "stim"], 40)
    >>> y = np.sin(6 * t) * np.where(cond == "stim", 2, 1)
    >>> data = pd.DataFrame({"t": t, "cond": cond, "y": y + 0.1 * np.cos(70 * t)})
    >>> fit = ws.fit("y ~ cond + s(t, by=cond)", data, progress=False, seed=1)
    >>> fit.curve_stretches("t", "cond").columns.tolist()
    ['contrast', 'start', 'end', 'side', 'peak', 'mean', 'sd']
    """
    table = curve_difference(fit, predictor, by, **options)
    return estimates.stretches(table, predictor, "contrast")


def derivative(
    fit: FittedModel,
    predictor: str,
    *,
    by: By | None = None,
    values: Mapping[str, Any] | None = None,
    points: int = 100,
    groups: Whose | None = None,
    parameter: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    scale: Scale = "response",
    seed: int = 0,
    silence: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Follow the slope of the mean response along a predictor, with a band that holds all of it.

    Parameters
    ----------
    predictor
        A number, such as time.
    by
        A column: one slope for each level, as in `conditional`.
    values, points, groups, parameter, prob, interval, scale, seed, silence
        As for `curve_difference`.

    Returns
    -------
    DataFrame
        The predictor, [by], [groups], mean, sd (in units of the response over those of the
        predictor), the interval's ends, band_low, band_high, beyond, as of `curve_difference`.

    Raises
    ------
    OptionError
        If a name or an option is unknown, or the predictor has labels.

    Examples
    --------
    >>> import numpy as np, pandas as pd, winstan as ws
    >>> t = np.tile(np.linspace(0, 1, 40), 2)
    >>> cond = np.repeat(["control", "stim"], 40)
    >>> y = np.sin(6 * t) * np.where(cond == "stim", 2, 1)
    >>> data = pd.DataFrame({"t": t, "cond": cond, "y": y + 0.1 * np.cos(70 * t)})
    >>> fit = ws.fit("y ~ cond + s(t, by=cond)", data, progress=False, seed=1)
    >>> table = fit.derivative("t", by="cond", points=50)
    >>> bool(table.query("cond == 'stim' and t < 0.1")["mean"].min() > 0)
    True
    """

    def of(model: Any, posterior: Any) -> Curve:
        return estimates.derivative(
            model, posterior, predictor, by=by, values=values, points=points, groups=groups,
            scale=scale, seed=seed,
        )  # fmt: skip

    return _tables(fit, of, parameter, prob, interval, silence)


def plot_curve_difference(
    fit: FittedModel,
    predictor: str,
    by: By,
    *,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    **options: Any,
) -> ggplot:
    """Draw the difference of curves, its interval, its band, and where the band leaves zero.

    Parameters
    ----------
    predictor, by, prob, interval, options
        As for `curve_difference`.
    unit
        Unit of the response, for the axis.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As for `curve_difference`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, winstan as ws
    >>> t = np.tile(np.linspace(0, 1, 40), 2)
    >>> cond = np.repeat(["control", "stim"], 40)
    >>> y = np.sin(6 * t) * np.where(cond == "stim", 2, 1)
    >>> data = pd.DataFrame({"t": t, "cond": cond, "y": y + 0.1 * np.cos(70 * t)})
    >>> fit = ws.fit("y ~ cond + s(t, by=cond)", data, progress=False, seed=1)
    >>> figure = fit.plot_curve_difference("t", "cond", unit="mV")
    """
    table = curve_difference(fit, predictor, by, prob=prob, interval=interval, **options)
    return _drawn(table, predictor, "contrast", "difference", prob, interval, unit, options)


def plot_derivative(
    fit: FittedModel,
    predictor: str,
    by: By | None = None,
    *,
    prob: float = 0.94,
    interval: Interval = "hdi",
    unit: str | None = None,
    **options: Any,
) -> ggplot:
    """Draw the slope of the mean response along a predictor, its interval and its band.

    Parameters
    ----------
    predictor, by, prob, interval, options
        As for `derivative`.
    unit
        Unit of the slope, for the axis.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As for `derivative`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, winstan as ws
    >>> t = np.tile(np.linspace(0, 1, 40), 2)
    >>> cond = np.repeat(["control", "stim"], 40)
    >>> y = np.sin(6 * t) * np.where(cond == "stim", 2, 1)
    >>> data = pd.DataFrame({"t": t, "cond": cond, "y": y + 0.1 * np.cos(70 * t)})
    >>> fit = ws.fit("y ~ cond + s(t, by=cond)", data, progress=False, seed=1)
    >>> figure = fit.plot_derivative("t", by="cond", unit="mV/s")
    """
    table = derivative(fit, predictor, by=by, prob=prob, interval=interval, **options)
    columns = tuple(columns_of_by(by))
    if len(columns) > 1:
        raise OptionError("plot_derivative has a panel for each level of one column of by=.")
    key = columns[0] if columns else None
    return _drawn(table, predictor, key, "slope", prob, interval, unit, options)


def _tables(
    fit: FittedModel,
    of: Callable[[Any, Any], Curve],
    parameter: str | None,
    prob: float,
    interval: Interval,
    silence: str | Iterable[str] | None,
) -> pd.DataFrame:
    """Ask each part of a response, and put the tables under each other."""
    interval_names(prob, interval)  # first: it refuses what is no probability
    parts, posterior = estimates.parts_of(fit.model, parameter), fit.joined()
    with silenced(silence):
        bands = estimates.answers(parts, lambda model: of(model, posterior))
    tables = [estimates.band_table(band, prob, interval) for band in bands]
    return estimates.by_category(parts, tables)


def _drawn(
    table: pd.DataFrame,
    predictor: str,
    key: str | None,
    what: str,
    prob: float,
    interval: Interval,
    unit: str | None,
    options: Mapping[str, Any],
) -> ggplot:
    from winstan import plots  # noqa: PLC0415

    whose = table.attrs.get("estimand", "")
    table = ends_renamed(table).rename(columns={predictor: "x"} | ({key: "by"} if key else {}))
    scale = " of the linear predictor" if options.get("scale") == "link" else ""
    return plots.plot_band(
        table,
        predictor=predictor,
        what=f"{what}{scale}",
        by=key,
        prob=prob,
        interval=interval,
        unit=unit,
        caption=whose,
    )
